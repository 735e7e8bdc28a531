// How failures keep work away from a pair, or from a credential, for a while: a fold over what
// became of attempts, without a clock and without chance of its own. Which failure counts, and for
// what, is said in the policy table.
#pragma once

#include "host/base/clock.hpp"
#include "host/base/error.hpp"
#include "host/model/provider.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace reelgate {

struct BreakerLimits {
    unsigned run_failures = 2;
    unsigned submit_failures = 3;
    unsigned crashes = 3; // of a worker, within kCrashesAreHeldFor
    std::chrono::seconds first_rest = std::chrono::seconds(30);
    std::chrono::seconds longest_rest = std::chrono::minutes(15);
};

// Crashes that are further back do not count any more. Work that succeeds between them does not
// excuse them: a worker that dies at every other job is no use.
inline constexpr std::chrono::seconds kCrashesAreHeldFor = std::chrono::minutes(10);

struct BreakerFold {
    Breaker state = Breaker::closed;
    unsigned run_failures = 0;
    unsigned submit_failures = 0;
    std::vector<WallTime> crashes = {};
    unsigned times_opened = 0; // in a row, without a success between
    std::optional<WallTime> until = {};
    bool held_open = false; // by an operator

    friend bool operator==(const BreakerFold&, const BreakerFold&) = default;
};

// Takes every failure; those that do not count leave it as it is. `chance` in [0, 1) spreads the
// rest by a fifth either way; a given Retry-After wins; a later deadline extends an earlier one and
// never shortens it. In a half-open breaker one failure is enough.
BreakerFold after_failure(BreakerFold breaker,
                          const Error& error,
                          WallTime now,
                          double chance,
                          const BreakerLimits& limits);

// Closes it, unless it still rests: what succeeds then was begun before, and says nothing about
// the reason for the rest.
BreakerFold after_success(BreakerFold breaker, WallTime now);

// Open -> half open, once the rest is over and the provider's probes pass. The answer is to be
// kept: only a breaker that is half open rests longer after its next failure.
BreakerFold as_time_passes(BreakerFold breaker, bool probe_passes, WallTime now);

// An operator's word: closed and without a past; open until it is reset.
BreakerFold reset(BreakerFold breaker);
BreakerFold hold_open(BreakerFold breaker);

} // namespace reelgate
