#include "host/engine/stage_clock.hpp"

#include <algorithm>

namespace reelgate {
namespace {

constexpr std::size_t kMostStages = 32;
constexpr std::size_t kLongestName = 64;

} // namespace

void StageClock::entered(const std::string& stage, SteadyTime now)
{
    const std::string name = stage.substr(0, kLongestName);
    if (name == current_) return;
    stopped(now);
    current_ = name;
    since_ = now;
}

void StageClock::stopped(SteadyTime now)
{
    if (current_.empty()) return;
    const double took = std::chrono::duration<double>(now - since_).count();
    const auto known = std::find_if(
        times_.begin(), times_.end(), [&](const auto& time) { return time.name == current_; });
    if (known != times_.end())
        known->seconds += took;
    else if (times_.size() < kMostStages)
        times_.emplace_back(current_, took);
    current_.clear();
}

} // namespace reelgate
