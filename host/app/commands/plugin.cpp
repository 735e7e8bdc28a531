// `reelgate plugin`: what hangs below it.
#include "host/app/commands/plugin.hpp"

namespace reelgate {

void add_plugin_commands(CLI::App& app, Globals& globals, int& exit_code)
{
    CLI::App* plugin = app.add_subcommand("plugin", "Find, inspect and trust plugins");
    plugin->require_subcommand(1);
    add_plugin_list(*plugin, globals, exit_code);
    add_plugin_show(*plugin, globals, exit_code);
    add_plugin_trust(*plugin, globals, exit_code);
    add_plugin_check(*plugin, globals, exit_code);
    add_plugin_logs(*plugin, globals, exit_code);
    add_plugin_new(*plugin, globals, exit_code);
}

} // namespace reelgate
