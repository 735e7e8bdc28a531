// How what was seen of a provider becomes its state, and how failures open a breaker: folds over
// events, without a clock and without chance of their own.
#pragma once

#include "host/base/clock.hpp"
#include "host/base/error.hpp"
#include "host/model/health.hpp"
#include "host/model/provider.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

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
    std::chrono::seconds dwell{0};
    std::optional<WallTime> last_fall = {};
    std::optional<WallTime> last_progress = {};
    bool disagrees = false; // the last probe said something else than `state`
};

HealthFold
after_probe(HealthFold health, const ProbeSeen& seen, WallTime now, const HealthLimits& limits);
HealthFold after_progress(HealthFold health, WallTime now);
HealthFold after_worker_death(HealthFold health, const std::string& why, WallTime now);

// When to probe next; `chance` in [0, 1) spreads it by a tenth.
WallTime
next_probe(const HealthFold& health, WallTime now, double chance, const HealthLimits& limits);

struct BreakerLimits {
    unsigned run_failures = 2;
    unsigned submit_failures = 3;
    std::chrono::seconds first_rest = std::chrono::seconds(30);
    std::chrono::seconds longest_rest = std::chrono::minutes(15);
};

struct BreakerFold {
    Breaker state = Breaker::closed;
    unsigned run_failures = 0;
    unsigned submit_failures = 0;
    unsigned times_opened = 0; // in a row, without a success between
    std::optional<WallTime> until = {};
    bool held_open = false; // by an operator
};

// `chance` in [0, 1) spreads the rest by a fifth either way; a given Retry-After wins; a later
// deadline extends an earlier one and never shortens it.
BreakerFold after_failure(BreakerFold breaker,
                          const Error& error,
                          WallTime now,
                          double chance,
                          const BreakerLimits& limits);
BreakerFold after_success(BreakerFold breaker);
BreakerFold
as_time_passes(BreakerFold breaker, bool probe_passes, WallTime now); // open -> half open
BreakerFold reset(BreakerFold breaker);

} // namespace reelgate
