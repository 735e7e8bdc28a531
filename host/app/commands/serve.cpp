// `reelgate serve`.
#include "host/app/command.hpp"
#include "host/app/daemon.hpp"

#include <memory>

namespace reelgate {

void add_serve_command(CLI::App& app, Globals& globals, int& exit_code)
{
    auto options = std::make_shared<DaemonOptions>();
    auto probe_ms = std::make_shared<unsigned>(5000);
    CLI::App* serve = app.add_subcommand(
        "serve", "Start, probe and supervise every plugin that may run, until Ctrl-C");
    serve->add_option("--probe-every-ms", *probe_ms, "Pause between two probes of a provider")
        ->check(CLI::Range(100U, 3'600'000U))
        ->capture_default_str();
    serve->callback([&globals, &exit_code, options, probe_ms] {
        options->probe_every = std::chrono::milliseconds(*probe_ms);
        exit_code = report(run_daemon(globals, *options));
    });
}

} // namespace reelgate
