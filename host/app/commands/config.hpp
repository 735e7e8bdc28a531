// What the files of `reelgate config` share.
#pragma once

#include "host/app/command.hpp"
#include "host/config/load.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace reelgate {

// What the options say of where to read. It lives with the callbacks.
struct ConfigPlace {
    const Globals& globals;
    const CLI::Option& data_dir;                    // --data-dir, given or not
    std::optional<std::filesystem::path> file = {}; // --config
};
using SharedPlace = std::shared_ptr<ConfigPlace>;

// As `serve` would read it with the same options.
ConfigSources sources_of(const ConfigPlace& place);

// Each line through print_line.
void print_text(std::string_view text);

// On stderr, for commands that need a sound configuration; its exit status.
int report_findings(const Loaded& loaded);

void add_config_check(CLI::App& config, const SharedPlace& place, int& exit_code);
void add_config_diff(CLI::App& config, const SharedPlace& place, int& exit_code);

} // namespace reelgate
