// The subcommands of `reelgate plugin`, a file each.
#pragma once

#include "host/app/command.hpp"

namespace reelgate {

void add_plugin_list(CLI::App& plugin, Globals& globals, int& exit_code);
void add_plugin_show(CLI::App& plugin, Globals& globals, int& exit_code);
void add_plugin_trust(CLI::App& plugin, Globals& globals, int& exit_code);
void add_plugin_check(CLI::App& plugin, Globals& globals, int& exit_code);
void add_plugin_logs(CLI::App& plugin, Globals& globals, int& exit_code);
void add_plugin_new(CLI::App& plugin, Globals& globals, int& exit_code);

} // namespace reelgate
