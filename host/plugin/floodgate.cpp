#include "host/plugin/floodgate.hpp"

#include <algorithm>
#include <string_view>

namespace reelgate {
namespace {

using namespace std::chrono_literals;

constexpr auto kTellAfter = 1s;

constexpr std::array<std::string_view, 2> kNames{"log lines", "complaints"};

} // namespace

Allowance::Allowance(unsigned at_once, unsigned per_second)
    : each_(std::chrono::nanoseconds(1s) / per_second), ahead_(each_ * (at_once - 1))
{
}

bool Allowance::take(SteadyTime now)
{
    const SteadyTime from = std::max(paid_until_, now);
    if (from - now > ahead_) return false;
    paid_until_ = from + each_;
    return true;
}

bool Floodgate::let_by(Kind kind, SteadyTime now)
{
    const auto index = static_cast<std::size_t>(kind);
    if (allowed_[index].take(now)) return true;
    ++lost_[index];
    if (!first_loss_) first_loss_ = now;
    return false;
}

std::optional<std::string> Floodgate::losses(SteadyTime now, bool all)
{
    if (!first_loss_ || (!all && now < *first_loss_ + kTellAfter)) return std::nullopt;
    first_loss_.reset();
    std::string sentence;
    for (std::size_t i = 0; i < lost_.size(); ++i) {
        if (lost_[i] == 0) continue;
        sentence += (sentence.empty() ? "" : ", ") + std::to_string(lost_[i]) + ' ' +
                    std::string(kNames[i]) + " were dropped";
        lost_[i] = 0;
    }
    return sentence;
}

} // namespace reelgate
