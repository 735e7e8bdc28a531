// The object graph of `reelgate serve`: the configured providers, each in a worker of its own, the
// jobs on disk, the engine that brings the two together, and the listener in front.
#pragma once

#include "host/app/command.hpp"
#include "host/base/ids.hpp"
#include "host/config/load.hpp"
#include "host/engine/milestone.hpp"

#include <chrono>
#include <functional>

namespace reelgate {

struct DaemonOptions {
    ConfigSources config;
    std::chrono::milliseconds drain = std::chrono::seconds(10); // for running jobs at the end
    bool end_with_stdin = false; // as if told to stop, once standard input has ended

    // Called on the loop at each milestone of each job: what tests of restarts hang on to.
    std::function<void(Milestone, const JobId&)> on_milestone = {};
};

// Blocks until SIGTERM or SIGINT: then nothing new is taken, what runs may end for `drain`, and
// what still runs is taken up by the next daemon. A second signal ends the program at once. SIGHUP
// takes a changed configuration over, whole or not at all, and makes providers that rest, are
// quarantined or refused try again. Fails without starting anything
// where the configuration has errors, another daemon has the data directory (code
// `data_dir_taken`), the jobs on disk cannot be read, or the address is taken.
Result<Done> run_daemon(const Globals& globals, const DaemonOptions& options);

} // namespace reelgate
