// `reelgate config check` and `config diff`: what is wrong with a configuration, and what it would
// change.
#include "host/app/commands/config.hpp"

#include "host/app/output.hpp"
#include "host/app/plugin_facts.hpp"
#include "host/config/checks.hpp"
#include "host/config/excerpt.hpp"
#include "host/config/reload.hpp"
#include "host/config/running.hpp"

#include <memory>
#include <utility>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// With --strict, a configuration that is sound and has warnings.
constexpr int kWarnings = 2;

std::string count_text(std::size_t count, const std::string& what)
{
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string name_of(const ConfigSources& sources)
{
    return sources.file ? sources.file->string() : "the built-in configuration";
}

void print_check(const Loaded& loaded, const ConfigSources& sources)
{
    for (const Finding& finding : loaded.findings.all())
        print_text(for_people(finding, source_text));
    const std::size_t kept = loaded.findings.all().size();
    const std::size_t all = loaded.findings.errors() + loaded.findings.warnings();
    if (all > kept) print_line("and " + std::to_string(all - kept) + " more");
    std::string verdict = loaded.ok() ? "ok" : count_text(loaded.findings.errors(), "error");
    if (loaded.findings.warnings() > 0)
        verdict += ", " + count_text(loaded.findings.warnings(), "warning");
    print_line(name_of(sources) + ": " + verdict);
}

// What a daemon on this data directory would not take over while it runs.
std::vector<ConfigChange> waiting_for_restart(const Loaded& loaded)
{
    std::vector<ConfigChange> waiting;
    const auto running = recorded_running(loaded.settings.server.data_dir);
    if (!loaded.ok() || !running) return waiting;
    for (ConfigChange& change : diff(running->values, flat(loaded.settings)))
        if (change.effect == Reload::daemon_restart) waiting.push_back(std::move(change));
    return waiting;
}

Json changes_json(const std::vector<ConfigChange>& changes)
{
    Json list = Json::array();
    for (const ConfigChange& change : changes)
        list.push_back({
            {"key",      change.key              },
            {"before",   change.before           },
            {"after",    change.after            },
            {"effect",   to_string(change.effect)},
            {"provider", change.provider         }
        });
    return list;
}

int check(const ConfigPlace& place, bool strict, OutputFormat format)
{
    const ConfigSources sources = sources_of(place);
    Loaded loaded = load_config(sources);
    const PluginFacts facts = facts_of_installed(place.globals, loaded.settings);
    check_plugins(loaded.settings, loaded.tree, facts, loaded.findings);
    const auto waiting = waiting_for_restart(loaded);
    if (format == OutputFormat::json) {
        const Json whole{
            {"ok",            loaded.ok()                   },
            {"errors",        loaded.findings.errors()      },
            {"warnings",      loaded.findings.warnings()    },
            {"files",         loaded.files                  },
            {"revision",      loaded.revision               },
            {"needs_restart", changes_json(waiting)         },
            {"findings",      findings_json(loaded.findings)}
        };
        print_json(whole);
    } else {
        print_check(loaded, sources);
        for (const ConfigChange& change : waiting)
            print_line("note: " + change.key + " changes with the next start of the daemon");
    }
    if (!loaded.ok()) return to_int(ExitCode::failed);
    return strict && loaded.findings.warnings() > 0 ? kWarnings : to_int(ExitCode::ok);
}

// What to compare with: another file, or what the daemon left of its own.
Result<std::vector<FlatSetting>> other_side(const Loaded& loaded,
                                            const ConfigSources& sources,
                                            const std::optional<fs::path>& against)
{
    if (!against) {
        auto running = recorded_running(loaded.settings.server.data_dir);
        if (running) return std::move(running->values);
        return std::move(running)
            .error()
            .while_doing("what a daemon runs with")
            .with_hint("compare with another file: --against FILE");
    }
    ConfigSources other = sources;
    other.file = against;
    const Loaded before = load_config(other);
    if (!before.ok()) return invalid(before.findings.first_error(), "bad_config");
    return flat(before.settings);
}

std::string change_text(const ConfigChange& change)
{
    const auto shown = [](const std::string& text) { return text.empty() ? "(nothing)" : text; };
    return change.key + ": " + shown(change.before) + " -> " + shown(change.after);
}

int compare(const ConfigPlace& place, const std::optional<fs::path>& against, OutputFormat format)
{
    const ConfigSources sources = sources_of(place);
    const Loaded loaded = load_config(sources);
    if (!loaded.ok()) return report_findings(loaded);
    const auto before = other_side(loaded, sources, against);
    if (!before) return report_error(before.error(), format);
    const auto changes = diff(*before, flat(loaded.settings));
    if (format == OutputFormat::json) {
        const Json whole{
            {"revision", loaded.revision      },
            {"changes",  changes_json(changes)}
        };
        print_json(whole);
        return to_int(ExitCode::ok);
    }
    std::vector<std::vector<std::string>> rows;
    for (const ConfigChange& change : changes)
        rows.push_back({std::string(to_string(change.effect)), change_text(change)});
    if (!rows.empty()) rows.insert(rows.begin(), {"TAKES", "CHANGE"});
    print_table(rows);
    if (changes.empty()) print_line("no difference");
    return to_int(ExitCode::ok);
}

} // namespace

void add_config_check(CLI::App& config, const SharedPlace& place, int& exit_code)
{
    struct Flags {
        bool strict = false;
        OutputFormat format = OutputFormat::text;
    };
    const auto flags = std::make_shared<Flags>();
    CLI::App* command = config.add_subcommand("check", "What is wrong with it, and where");
    command->add_option("FILE", place->file, "The file, as with --config");
    command->add_flag("--strict", flags->strict, "Exit status 2 where there are warnings");
    add_format_option(*command, flags->format);
    command->callback(
        [place, &exit_code, flags] { exit_code = check(*place, flags->strict, flags->format); });
}

void add_config_diff(CLI::App& config, const SharedPlace& place, int& exit_code)
{
    struct Flags {
        std::optional<fs::path> against;
        OutputFormat format = OutputFormat::text;
    };
    const auto flags = std::make_shared<Flags>();
    CLI::App* command = config.add_subcommand(
        "diff",
        "What would change for the daemon that runs on the data directory, and what it takes");
    command->add_option("--against", flags->against, "Compare with this file instead")
        ->option_text("FILE");
    add_format_option(*command, flags->format);
    command->callback(
        [place, &exit_code, flags] { exit_code = compare(*place, flags->against, flags->format); });
}

} // namespace reelgate
