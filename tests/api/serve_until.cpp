// A daemon that is killed, as by `kill -9`, at a milestone of a job:
//   serve_until MILESTONE BIN_DIR CONFIG DATA_DIR
#include "host/app/daemon.hpp"
#include "host/config/document.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

int main(int argc, char** argv)
{
    using namespace reelgate;
    if (argc != 5) {
        std::fprintf(stderr, "serve_until MILESTONE BIN_DIR CONFIG DATA_DIR\n");
        return EXIT_FAILURE;
    }
    Globals globals;
    globals.exe_dir = argv[2];
    globals.data_dir = argv[4];
    DaemonOptions options;
    options.config.world = process_world();
    options.config.file = argv[3];
    options.config.flags = {
        {"--listen",     "server.listen",   "127.0.0.1:0"},
        {"--data-dir",   "server.data_dir", argv[4]      },
        {"--log-format", "log.format",      "text"       }
    };
    options.on_milestone = [until = std::string(argv[1])](Milestone milestone, const JobId&) {
        if (to_string(milestone) == until) std::raise(SIGKILL);
    };
    const auto ended = run_daemon(globals, options);
    if (!ended) std::fprintf(stderr, "%s\n", ended.error().sentence().c_str());
    return ended ? EXIT_SUCCESS : EXIT_FAILURE;
}
