// The clocks of a call, with the time passed in. Not part of the installed headers.
#pragma once

#include <chrono>
#include <cstdint>

namespace reelgate::http {

// Silence: over once the newest `bytes` have taken longer than `window` (0: never).
class StallClock {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    StallClock(std::chrono::milliseconds window, std::uint64_t bytes)
        : window_{window}, bytes_{bytes == 0 ? 1 : bytes}
    {
    }

    // `moved`: all bytes so far. Starts with the first call.
    bool is_over(std::uint64_t moved, TimePoint now)
    {
        if (!running_ || moved - mark_ >= bytes_) {
            running_ = true;
            mark_ = moved;
            since_ = now;
        }
        return window_.count() > 0 && now - since_ >= window_;
    }

    // When it will be over if nothing moves.
    TimePoint over_at() const
    {
        return running_ && window_.count() > 0 ? since_ + window_ : TimePoint::max();
    }

private:
    std::chrono::milliseconds window_;
    std::uint64_t bytes_;
    std::uint64_t mark_ = 0;
    TimePoint since_{};
    bool running_ = false;
};

} // namespace reelgate::http
