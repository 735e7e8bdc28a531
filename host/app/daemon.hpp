// The object graph of `reelgate serve`: every plugin that may run is a provider in a worker of its
// own, supervised and probed until a signal ends it.
#pragma once

#include "host/app/command.hpp"

#include <chrono>

namespace reelgate {

struct DaemonOptions {
    std::chrono::milliseconds probe_every = std::chrono::seconds(5);
};

// Blocks until SIGTERM or SIGINT, then stops every provider in order; a second signal ends the
// program at once. SIGHUP makes providers that rest, are quarantined or refused try again. Fails
// without starting anything when another daemon has the data directory (code `data_dir_taken`).
Result<Done> run_daemon(const Globals& globals, const DaemonOptions& options);

} // namespace reelgate
