// Who is looked at first: priority classes that age, and within a class one job of each owner in
// turn, oldest first. Pure.
#pragma once

#include "host/model/job.hpp"

#include <chrono>
#include <vector>

namespace reelgate {

// After so long a job is treated as one class better, so that bulk work is late and never starved.
inline constexpr auto kAgeingStep = std::chrono::minutes(10);

std::vector<const Job*> in_turn(std::vector<const Job*> queued, WallTime now);

} // namespace reelgate
