// `reelgate config reload`, `set` and `unset`: the configuration of a daemon that runs. Where none
// does, `set` and `unset` write what the next one will find.
#include "host/app/commands/remote.hpp"

#include "host/app/output.hpp"
#include "host/config/change.hpp"
#include "host/config/show.hpp"

#include <cstdio>
#include <memory>
#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;

std::string finding_line(const Json& finding)
{
    std::string line = finding.value("source", "");
    const auto number = [&finding](const char* name) { return finding.value(name, 0U); };
    if (number("line") > 0)
        line += ':' + std::to_string(number("line")) + ':' + std::to_string(number("column"));
    line += ": " + finding.value("severity", "") + ": " + finding.value("key", "") + ' ' +
            finding.value("message", "");
    if (const std::string more = finding.value("suggestion", ""); !more.empty())
        line += "; " + more;
    return line;
}

// What the daemon said of a change: what it takes, or why nothing changed.
int report_answer(const Result<DaemonClient::Answer>& answer, OutputFormat format)
{
    if (!answer) return report_error(answer.error(), format);
    const Json& body = answer->body;
    const bool ok = answer->status == 200;
    if (format == OutputFormat::json) print_json(body);
    if (!body.is_object() || (!ok && !body.contains("findings"))) {
        const std::string why = body.is_object() ? body.value("detail", "") : "";
        return report_error(
            {.category = answer->status == 401 ? Category::auth_failed : Category::invalid_params,
             .text = why.empty() ? "the daemon refused" : why});
    }
    for (const Json& finding : body.value("findings", Json::array()))
        std::fprintf(stderr, "%s\n", printable(finding_line(finding)).c_str());
    if (!ok) {
        std::fprintf(stderr, "reelgate: nothing was changed\n");
        return to_int(ExitCode::failed);
    }
    if (format == OutputFormat::json) return to_int(ExitCode::ok);
    for (const Json& value : body.value("values", Json::array()))
        print_line(value.value("key", "") + ": " + value.value("value", "") + "  (" +
                   value.value("origin", "") + ")");
    const auto changes = body.value("changes", Json::array());
    for (const Json& change : changes)
        print_line(change.value("key", "") + ": " + change.value("before", "") + " -> " +
                   change.value("after", ""));
    print_line(changes.empty() ? "nothing has changed" : "it holds now");
    return to_int(ExitCode::ok);
}

int reload(const ConfigPlace& place, OutputFormat format)
{
    const auto daemon = daemon_of(place);
    if (!daemon) return report_error(daemon.error(), format);
    return report_answer(daemon->exchange("POST", "/admin/config/reload", Json::object()), format);
}

// Without a daemon: for the next one.
int change_offline(const ConfigPlace& place, const OverlayChange& change, OutputFormat format)
{
    const auto answer = change_overlay(sources_of(place), {change}, nullptr);
    if (!answer) return report_error(answer.error(), format);
    if (!answer->accepted()) return report_findings(answer->next);
    print_line("no daemon runs on this data directory: it holds from the next start");
    return to_int(ExitCode::ok);
}

int change(const ConfigPlace& place, const OverlayChange& change, OutputFormat format)
{
    const auto daemon = daemon_of(place);
    if (!daemon) return change_offline(place, change, format);
    Json body = Json::object();
    body[change.key] = change.value ? Json(*change.value) : Json(nullptr);
    return report_answer(daemon->exchange("PATCH", "/v1/config", body), format);
}

struct ChangeFlags {
    OverlayChange change;
    std::string value;
    OutputFormat format = OutputFormat::text;
};

void add_change(CLI::App& config,
                const SharedPlace& place,
                int& exit_code,
                const std::string& name,
                bool has_value)
{
    const auto flags = std::make_shared<ChangeFlags>();
    CLI::App* command = config.add_subcommand(
        name,
        has_value ? "Change a setting while the daemon runs; it outlives a restart"
                  : "Take such a change back");
    command->add_option("SETTING", flags->change.key, "As in video_provider, providers.ID.enabled")
        ->required();
    if (has_value)
        command->add_option("VALUE", flags->value, "As it would stand in the file")->required();
    add_format_option(*command, flags->format);
    command->callback([place, &exit_code, flags, has_value] {
        if (has_value) flags->change.value = flags->value;
        exit_code = change(*place, flags->change, flags->format);
    });
}

} // namespace

std::filesystem::path data_dir_of(const ConfigPlace& place)
{
    return load_config(sources_of(place)).settings.server.data_dir;
}

Result<DaemonClient> daemon_of(const ConfigPlace& place)
{
    return DaemonClient::find(data_dir_of(place), key_from_environment());
}

void add_config_live(CLI::App& config, const SharedPlace& place, int& exit_code)
{
    const auto format = std::make_shared<OutputFormat>(OutputFormat::text);
    CLI::App* command = config.add_subcommand(
        "reload", "Have the daemon that runs take the changed file over, whole or not at all");
    add_format_option(*command, *format);
    command->callback([place, &exit_code, format] { exit_code = reload(*place, *format); });
    add_change(config, place, exit_code, "set", true);
    add_change(config, place, exit_code, "unset", false);
}

} // namespace reelgate
