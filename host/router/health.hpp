// How what was seen of a provider becomes its state: a fold over events, without a clock and
// without chance of its own. It falls after some bad probes in a row and rises after some good
// ones, and then only once they have been good for a while, which grows with each fall: a provider
// that comes and goes is worth less than one that is gone.
#pragma once

#include "host/base/clock.hpp"
#include "host/model/health.hpp"
#include "host/router/breaker.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace reelgate {

struct HealthLimits {
    std::chrono::milliseconds interval = std::chrono::seconds(5);
    std::chrono::milliseconds hurried = std::chrono::seconds(1); // while a probe disagrees
    std::chrono::milliseconds timeout = std::chrono::seconds(2);
    unsigned fall = 3;
    unsigned rise = 2;
    std::chrono::seconds dwell = std::chrono::seconds(10); // doubles with each fall in 10 minutes
    std::chrono::seconds dwell_most = std::chrono::minutes(5);
    std::chrono::seconds stall =
        std::chrono::minutes(10); // oldest work has not advanced for so long
};

// Falls that are further back do not count against a provider any more.
inline constexpr std::chrono::seconds kFallsAreHeldFor = std::chrono::minutes(10);

// What a probe said, or that it did not answer.
struct ProbeSeen {
    bool answered = false;
    Health said = Health::unknown; // ready, busy, starting, degraded, unhealthy, misconfigured
    std::string reason = {};
    std::optional<std::chrono::duration<double>> idle = {};
};

struct HealthFold {
    Health state = Health::unknown;
    std::string reason = {};
    WallTime since = {};
    unsigned bad_in_a_row = 0;
    unsigned good_in_a_row = 0;
    std::optional<WallTime> good_since = {};
    std::chrono::seconds dwell{0};    // how long it must be good before it is believed again
    std::vector<WallTime> falls = {}; // of the last ten minutes
    std::optional<WallTime> last_progress = {};
    bool disagrees = false; // the last probe said something else than `state`
    bool is_new = false;    // its worker died: the next one starts without a past
};

// A probe that is missed while work advances says nothing: a busy machine answers late. "While"
// means within as much time as it takes to fall.
HealthFold
after_probe(HealthFold health, const ProbeSeen& seen, WallTime now, const HealthLimits& limits);
HealthFold after_progress(HealthFold health, WallTime now);

// Unhealthy at once. The next worker is believed with its first good probe, because the supervision
// has rests of its own.
HealthFold after_worker_death(HealthFold health, const std::string& why, WallTime now);

// When to probe next; `chance` in [0, 1) spreads it by a tenth either way.
WallTime
next_probe(const HealthFold& health, WallTime now, double chance, const HealthLimits& limits);

} // namespace reelgate
