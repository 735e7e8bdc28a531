// `reelgate jobs`: the jobs of the daemon that runs, over its HTTP API.
#include "host/app/commands/remote.hpp"

#include "host/app/output.hpp"
#include "host/app/remote_job.hpp"

#include <reelgate/http/url.hpp>

#include <memory>
#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;

struct JobFlags {
    std::string id;
    std::string verdict;
    std::filesystem::path output;
    unsigned limit = 20;
    OutputFormat format = OutputFormat::text;
};
using SharedFlags = std::shared_ptr<JobFlags>;

// A member as a cell: what is not there is empty.
std::string cell(const Json& video, const char* name)
{
    const auto found = video.find(name);
    if (found == video.end() || found->is_null()) return "";
    return found->is_string() ? found->get<std::string>() : found->dump();
}

int list(const DaemonClient& daemon, const JobFlags& flags)
{
    const auto page = daemon.ask("GET", "/v1/videos?limit=" + std::to_string(flags.limit));
    if (!page) return report_error(page.error(), flags.format);
    if (flags.format == OutputFormat::json) {
        print_json(*page);
        return to_int(ExitCode::ok);
    }
    std::vector<std::vector<std::string>> rows{
        {"ID", "STATE", "DONE", "PROVIDER", "MODEL", "PROMPT"}
    };
    constexpr std::size_t kPromptShown = 40;
    for (const Json& video : page->value("data", Json::array()))
        rows.push_back({cell(video, "id"),
                        cell(video, "state"),
                        cell(video, "progress") + " %",
                        cell(video, "backend"),
                        cell(video, "model"),
                        cell(video, "prompt").substr(0, kPromptShown)});
    print_table(rows);
    if (page->value("has_more", false)) print_line("and older ones: --limit N shows more");
    return to_int(ExitCode::ok);
}

// The job, and the last decision about it.
int show(const DaemonClient& daemon, const JobFlags& flags)
{
    auto video = daemon.ask("GET", path_of_job(flags.id));
    if (!video) return report_error(video.error(), flags.format);
    const auto route = daemon.ask("GET", path_of_job(flags.id) + "/route");
    if (flags.format == OutputFormat::json) {
        if (route) (*video)["decisions"] = route->value("decisions", Json::array());
        print_json(*video);
        return to_int(ExitCode::ok);
    }
    std::vector<std::pair<std::string, std::string>> facts;
    for (const char* const name : {"id",
                                   "state",
                                   "progress",
                                   "model",
                                   "backend",
                                   "prompt",
                                   "size",
                                   "num_frames",
                                   "fps",
                                   "seed",
                                   "queue_position",
                                   "url"})
        if (const std::string text = cell(*video, name); !text.empty())
            facts.emplace_back(name, text);
    if (const auto why = failure_of(*video); why && cell(*video, "status") == "failed")
        facts.emplace_back("error", why->sentence());
    for (const Json& warning : video->value("warnings", Json::array()))
        facts.emplace_back("warning",
                           warning.is_string() ? warning.get<std::string>() : warning.dump());
    if (route)
        facts.emplace_back("decisions",
                           std::to_string(route->value("decisions", Json::array()).size()) +
                               ", all of them with --format json");
    print_facts(facts);
    return to_int(ExitCode::ok);
}

int print_answer(const Result<Json>& answer,
                 const JobFlags& flags,
                 std::initializer_list<const char*> names)
{
    if (!answer) return report_error(answer.error(), flags.format);
    if (flags.format == OutputFormat::json) {
        print_json(*answer);
        return to_int(ExitCode::ok);
    }
    std::vector<std::pair<std::string, std::string>> facts;
    for (const char* const name : names)
        facts.emplace_back(name, cell(*answer, name));
    print_facts(facts);
    return to_int(ExitCode::ok);
}

int cancel(const DaemonClient& daemon, const JobFlags& flags)
{
    const auto answer = daemon.ask("POST", path_of_job(flags.id) + "/cancel", Json::object());
    return print_answer(answer, flags, {"state", "compute_stopped", "billing"});
}

int resolve(const DaemonClient& daemon, const JobFlags& flags)
{
    const Json body{
        {"verdict", flags.verdict}
    };
    const auto answer = daemon.ask("POST", "/v1/jobs/" + http::escape(flags.id) + "/resolve", body);
    return print_answer(answer, flags, {"id", "state"});
}

int retry(const DaemonClient& daemon, const JobFlags& flags)
{
    const std::string path = "/v1/jobs/" + http::escape(flags.id) + "/retry";
    return print_answer(daemon.ask("POST", path, Json::object()), flags, {"id", "state"});
}

int remove(const DaemonClient& daemon, const JobFlags& flags)
{
    return print_answer(daemon.ask("DELETE", path_of_job(flags.id)), flags, {"id", "status"});
}

int wait(const DaemonClient& daemon, const JobFlags& flags)
{
    const auto video = follow_job(daemon, flags.id, false);
    if (!video) return report_error(video.error(), flags.format);
    if (flags.format == OutputFormat::json) print_json(*video);
    if (const auto why = failure_of(*video)) {
        if (flags.format == OutputFormat::text) return report_error(*why);
        return to_int(exit_code_of(*why));
    }
    if (flags.format == OutputFormat::text) print_line(flags.id + " is completed");
    return to_int(ExitCode::ok);
}

int content(const DaemonClient& daemon, const JobFlags& flags)
{
    const std::filesystem::path to =
        flags.output.empty() ? std::filesystem::path(flags.id + ".mp4") : flags.output;
    const auto fetched = fetch_film(daemon, flags.id, to);
    if (!fetched) return report_error(fetched.error(), flags.format);
    print_line(to.string());
    return to_int(ExitCode::ok);
}

using Action = int (*)(const DaemonClient&, const JobFlags&);

struct JobCommand {
    const char* name;
    const char* about;
    Action action;
    bool takes_id = true;
};

// clang-format off
constexpr JobCommand kCommands[] = {
    {"list",    "The newest jobs",                                              list, false},
    {"show",    "One job, and why it went where it went",                       show},
    {"wait",    "Until it has ended; Ctrl-C cancels it",                        wait},
    {"cancel",  "Stop it; the record stays",                                    cancel},
    {"content", "Fetch the finished film",                                      content},
    {"resolve", "Decide what nobody can find out: did the provider take it?",   resolve},
    {"retry",   "Let a quarantined job try again",                              retry},
    {"delete",  "Forget it and its files; one that lives is cancelled first",   remove},
};
// clang-format on

void add_options(CLI::App& command, const JobCommand& of, JobFlags& flags)
{
    if (of.takes_id) command.add_option("ID", flags.id, "As `jobs list` shows it")->required();
    const std::string_view name = of.name;
    if (name == "list")
        command.add_option("--limit", flags.limit, "How many")->check(CLI::Range(1U, 100U));
    if (name == "content")
        command.add_option("-o,--output", flags.output, "Where the file goes; ID.mp4 otherwise");
    if (name == "resolve")
        command
            .add_option("VERDICT",
                        flags.verdict,
                        "wait: ask on; lost: it never arrived, send it anew; charged: it did, and "
                        "nothing came of it")
            ->required()
            ->check(CLI::IsMember({"wait", "lost", "charged"}));
    add_format_option(command, flags.format);
}

} // namespace

void add_jobs_commands(CLI::App& app, Globals& globals, int& exit_code)
{
    CLI::App* jobs = app.add_subcommand("jobs", "The jobs of the daemon that runs");
    jobs->require_subcommand(1);
    const auto place =
        std::make_shared<ConfigPlace>(ConfigPlace{globals, *app.get_option("--data-dir")});
    jobs->add_option("--config", place->file, "The file that names the data directory")
        ->option_text("FILE");
    for (const JobCommand& of : kCommands) {
        const auto flags = std::make_shared<JobFlags>();
        CLI::App* command = jobs->add_subcommand(of.name, of.about);
        add_options(*command, of, *flags);
        command->callback([place, &exit_code, flags, action = of.action] {
            const auto daemon = daemon_of(*place);
            exit_code =
                daemon ? action(*daemon, *flags) : report_error(daemon.error(), flags->format);
        });
    }
}

} // namespace reelgate
