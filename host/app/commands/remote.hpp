// What the commands that talk to a daemon share: which one, by which configuration.
#pragma once

#include "host/app/commands/config.hpp"
#include "host/app/daemon_client.hpp"

namespace reelgate {

// The data directory that the options and the configuration name; the configuration may be unsound.
std::filesystem::path data_dir_of(const ConfigPlace& place);

// The daemon that runs on it.
Result<DaemonClient> daemon_of(const ConfigPlace& place);

void add_config_live(CLI::App& config, const SharedPlace& place, int& exit_code);

} // namespace reelgate
