// Keeps what a worker says of its own accord to a rate. Nothing here trusts that the worker limits
// itself: a program in a loop must cost the host a few lines a second and no more. Pure.
#pragma once

#include "host/base/clock.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace reelgate {

// So many at once, then so many a second.
class Allowance {
public:
    Allowance(unsigned at_once, unsigned per_second);
    bool take(SteadyTime now);

private:
    std::chrono::nanoseconds each_;
    std::chrono::nanoseconds ahead_; // how far it may run ahead of its rate
    SteadyTime paid_until_{};
};

// Of a job: what is newest replaces what did not get by. The worker's own outbox sends less.
inline constexpr unsigned kProgressPerSecond = 20;
inline constexpr unsigned kPreviewsPerSecond = 5;

// Of a worker: what does not get by is lost, counted, and told of.
inline constexpr unsigned kLogLinesPerSecond = 200;
inline constexpr unsigned kComplaintsPerSecond = 5;

class Floodgate {
public:
    enum class Kind : std::uint8_t { log_line, complaint };

    bool let_by(Kind kind, SteadyTime now);

    // "312 log lines were dropped, 4 complaints were dropped", a second after the first of them was
    // and not sooner, so that a flood is a sentence a second. With `all`, whatever is left to tell.
    std::optional<std::string> losses(SteadyTime now, bool all = false);

private:
    std::array<Allowance, 2> allowed_{Allowance(kLogLinesPerSecond, kLogLinesPerSecond),
                                      Allowance(4 * kComplaintsPerSecond, kComplaintsPerSecond)};
    std::array<std::uint64_t, 2> lost_{};
    std::optional<SteadyTime> first_loss_{};
};

} // namespace reelgate
