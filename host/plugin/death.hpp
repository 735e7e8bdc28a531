// What the end of a worker means for an attempt that was running in it.
#pragma once

#include "host/base/error.hpp"
#include "host/plugin/child_process.hpp"
#include "host/plugin/supervise.hpp"

#include <optional>
#include <string_view>

namespace reelgate {

struct Death {
    const ExitFacts& facts;
    std::optional<supervise::KillReason> killed_for; // by us
    std::string_view plugin;                         // "org.example.bars 1.0.0"
    bool remote = false;                             // it may go on elsewhere without the worker
    std::string_view reason = {};                    // why it was killed, for people
};

// `clock` is the attempt's own at that moment. The culprit of a crash is plugin_crashed; who only
// shared the process with it is worker_unavailable (code `neighbour_crashed`), which counts against
// nobody. When the last words name no attempt, all are culprits.
Error why_lost(const Death& death, std::string_view attempt, const supervise::JobClock& clock);

} // namespace reelgate
