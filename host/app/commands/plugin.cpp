// `reelgate plugin list`.
#include "host/app/command.hpp"
#include "host/plugin/registry.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace reelgate {
namespace {

using Json = nlohmann::json;

std::string state_of(const PluginEntry& entry)
{
    if (entry.broken) return "broken";
    return entry.shadowed_by ? "shadowed" : "found";
}

Json as_json(const PluginEntry& entry)
{
    const Manifest& manifest = entry.manifest;
    Json row{
        {"id",        manifest.id                },
        {"version",   manifest.version           },
        {"name",      manifest.name              },
        {"runtime",   to_string(manifest.runtime)},
        {"origin",    to_string(entry.origin)    },
        {"directory", manifest.directory.string()},
        {"state",     state_of(entry)            },
        {"warnings",  manifest.warnings          }
    };
    if (entry.shadowed_by) row["shadowed_by"] = entry.shadowed_by->string();
    if (entry.broken)
        row["error"] = {
            {"code", entry.broken->code},
            {"text", entry.broken->text}
        };
    return row;
}

void print_json(const Json& value)
{
    const auto lossy = Json::error_handler_t::replace;
    std::printf("%s\n", value.dump(2, ' ', false, lossy).c_str());
}

// Rows of text in columns as wide as their widest cell.
void print_table(const std::vector<std::vector<std::string>>& rows)
{
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += printable(row[i]);
            if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 2, ' ');
        }
        std::printf("%s\n", line.c_str());
    }
}

int list(const Globals& globals, OutputFormat format)
{
    const auto entries = scan(plugin_dirs(globals.plugin_dirs, globals.exe_dir));
    if (format == OutputFormat::json) {
        Json rows = Json::array();
        for (const PluginEntry& entry : entries)
            rows.push_back(as_json(entry));
        print_json({
            {"plugins", rows}
        });
        return to_int(ExitCode::ok);
    }
    std::vector<std::vector<std::string>> rows{
        {"ID", "VERSION", "RUNTIME", "ORIGIN", "STATE"}
    };
    for (const PluginEntry& entry : entries)
        rows.push_back({entry.manifest.id,
                        entry.manifest.version.empty() ? "-" : entry.manifest.version,
                        std::string(to_string(entry.manifest.runtime)),
                        std::string(to_string(entry.origin)),
                        state_of(entry)});
    print_table(rows);
    for (const PluginEntry& entry : entries) {
        if (entry.broken) std::printf("%s\n", printable(entry.broken->sentence()).c_str());
        if (entry.shadowed_by)
            std::printf("%s is shadowed by %s\n",
                        printable(entry.manifest.directory.string()).c_str(),
                        printable(entry.shadowed_by->string()).c_str());
    }
    return to_int(ExitCode::ok);
}

} // namespace

void add_plugin_commands(CLI::App& app, Globals& globals, int& exit_code)
{
    CLI::App* plugin = app.add_subcommand("plugin", "Find, inspect and trust plugins");
    plugin->require_subcommand(1);

    CLI::App* all = plugin->add_subcommand("list", "The plugins that are there, and why not");
    const auto format =
        std::make_shared<OutputFormat>(OutputFormat::text); // lives with the callback
    add_format_option(*all, *format);
    all->callback([&globals, &exit_code, format] { exit_code = list(globals, *format); });
}

} // namespace reelgate
