// Time, as an argument. Pure code takes `now`; rooms that wait take a Clock, so that a test can
// hand them one that it moves by hand.
#pragma once

#include <chrono>

namespace reelgate {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

class Clock {
public:
    virtual ~Clock() = default;
    virtual SteadyTime now() const = 0;
    virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
public:
    SteadyTime now() const override { return std::chrono::steady_clock::now(); }
    WallTime wall() const override { return std::chrono::system_clock::now(); }
};

} // namespace reelgate
