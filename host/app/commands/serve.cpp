// `reelgate serve`.
#include "host/app/command.hpp"
#include "host/app/daemon.hpp"

#include <memory>

namespace reelgate {
namespace {

struct ServeFlags {
    std::optional<std::filesystem::path> config;
    std::string listen;
    unsigned drain_s = 10;
    bool end_with_stdin = false;
};

DaemonOptions daemon_options(const Globals& globals, const CLI::App& app, const ServeFlags& flags)
{
    DaemonOptions options;
    options.config.world = process_world();
    options.config.file = config_file(flags.config, options.config.world);
    if (!flags.listen.empty())
        options.config.flags.push_back({"--listen", "server.listen", flags.listen});
    if (!app.get_option("--data-dir")->empty())
        options.config.flags.push_back(
            {"--data-dir", "server.data_dir", globals.data_dir.string()});
    // Given or not is asked of the option: its value alone does not say whether it may win.
    const auto given = [&app](const char* name) { return !app.get_option(name)->empty(); };
    if (given("--trust"))
        options.config.flags.push_back(
            {"--trust", "plugins.trust", std::string(to_string(globals.trust))});
    if (given("--log-format"))
        options.config.flags.push_back({"--log-format",
                                        "log.format",
                                        globals.log_format == LogFormat::json ? "json" : "text"});
    if (globals.quiet) options.config.flags.push_back({"--quiet", "log.level", "warn"});
    options.drain = std::chrono::seconds(flags.drain_s);
    options.end_with_stdin = flags.end_with_stdin;
    return options;
}

} // namespace

void add_serve_command(CLI::App& app, Globals& globals, int& exit_code)
{
    auto flags = std::make_shared<ServeFlags>();
    CLI::App* serve = app.add_subcommand(
        "serve", "Take requests over HTTP and carry them to finished videos, until Ctrl-C");
    serve->add_option("--config", flags->config, "The configuration; the built-in one otherwise")
        ->option_text("FILE");
    serve->add_option("--listen", flags->listen, "Address and port, as in 127.0.0.1:8055")
        ->option_text("HOST:PORT");
    serve->add_option("--drain", flags->drain_s, "Seconds that running jobs get at the end")
        ->check(CLI::Range(0U, 86'400U))
        ->capture_default_str();
    serve->add_flag("--end-with-stdin",
                    flags->end_with_stdin,
                    "End when standard input does: with whoever holds its other end");
    serve->callback([&app, &globals, &exit_code, flags] {
        exit_code = report(run_daemon(globals, daemon_options(globals, app, *flags)));
    });
}

} // namespace reelgate
