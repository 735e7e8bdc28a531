// `reelgate plugin list`: what is there, from the manifests alone; no library is opened.
#include "host/app/commands/plugin.hpp"
#include "host/app/output.hpp"
#include "host/app/plugins.hpp"

#include <cstdio>
#include <memory>
#include <optional>

namespace reelgate {
namespace {

using Json = nlohmann::json;

struct Listed {
    PluginEntry entry;
    std::string state; // ok, shadowed, broken or unfit
    std::optional<Error> why;
};

Listed listed(PluginEntry entry)
{
    if (entry.broken) return {entry, "broken", entry.broken};
    if (const auto fits = fits_this_host(entry.manifest); !fits)
        return {std::move(entry), "unfit", fits.error()};
    const bool shadowed = entry.shadowed_by.has_value();
    return {std::move(entry), shadowed ? "shadowed" : "ok", std::nullopt};
}

Json as_json(const Listed& row)
{
    const Manifest& manifest = row.entry.manifest;
    Json json{
        {"id",        manifest.id                                                  },
        {"version",   manifest.version                                             },
        {"name",      manifest.name                                                },
        {"runtime",   row.entry.broken ? Json() : Json(to_string(manifest.runtime))},
        {"origin",    to_string(row.entry.origin)                                  },
        {"directory", manifest.directory.string()                                  },
        {"state",     row.state                                                    },
        {"warnings",  manifest.warnings                                            }
    };
    if (row.entry.shadowed_by) json["shadowed_by"] = row.entry.shadowed_by->string();
    if (row.why) json["error"] = error_json(*row.why);
    return json;
}

void print_for_people(const std::vector<Listed>& rows)
{
    std::vector<std::vector<std::string>> table{
        {"ID", "VERSION", "RUNTIME", "ORIGIN", "STATE"}
    };
    for (const Listed& row : rows) {
        const Manifest& manifest = row.entry.manifest;
        const bool broken = row.entry.broken.has_value();
        table.push_back({manifest.id,
                         broken ? "-" : manifest.version,
                         broken ? "-" : std::string(to_string(manifest.runtime)),
                         std::string(to_string(row.entry.origin)),
                         row.state});
    }
    print_table(table);
    for (const Listed& row : rows) {
        const std::string where = row.entry.manifest.directory.string();
        if (row.why) print_line(row.entry.manifest.id + ": " + row.why->sentence());
        if (row.entry.shadowed_by)
            print_line(where + " is shadowed by " + row.entry.shadowed_by->string());
        for (const std::string& warning : row.entry.manifest.warnings)
            print_line(where + "/plugin.json: " + warning);
    }
}

// A directory that was named and is not there is a slip; the built-in ones may be missing.
void note_missing_dirs(const Globals& globals)
{
    std::error_code ignored;
    for (const auto& dir : globals.plugin_dirs)
        if (!globals.quiet && !std::filesystem::is_directory(dir, ignored))
            std::fprintf(
                stderr, "reelgate: %s is not a directory\n", printable(dir.string()).c_str());
}

int list(const Globals& globals, OutputFormat format)
{
    note_missing_dirs(globals);
    std::vector<Listed> rows;
    for (PluginEntry& entry : found_plugins(globals))
        rows.push_back(listed(std::move(entry)));
    if (format == OutputFormat::text) {
        print_for_people(rows);
        return to_int(ExitCode::ok);
    }
    Json plugins = Json::array();
    for (const Listed& row : rows)
        plugins.push_back(as_json(row));
    Json whole;
    whole["plugins"] = std::move(plugins);
    print_json(whole);
    return to_int(ExitCode::ok);
}

} // namespace

void add_plugin_list(CLI::App& plugin, Globals& globals, int& exit_code)
{
    CLI::App* command = plugin.add_subcommand("list", "The plugins that are there");
    const auto format =
        std::make_shared<OutputFormat>(OutputFormat::text); // lives with the callback
    add_format_option(*command, *format);
    command->callback([&globals, &exit_code, format] { exit_code = list(globals, *format); });
}

} // namespace reelgate
