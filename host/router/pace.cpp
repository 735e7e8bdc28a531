#include "host/router/pace.hpp"

#include <algorithm>
#include <chrono>

namespace reelgate {
namespace {

constexpr std::size_t kFilms = 32;

} // namespace

PaceFold after_film(PaceFold fold, const Attempt& attempt)
{
    if (!attempt.ended || attempt.request.frames == 0 || attempt.request.fps <= 0) return fold;
    const std::chrono::duration<double> took = *attempt.ended - attempt.started;
    if (took.count() <= 0) return fold; // a clock that was set
    fold.latest.push_back(took.count() * attempt.request.fps / attempt.request.frames);
    if (fold.latest.size() > kFilms) fold.latest.erase(fold.latest.begin());
    return fold;
}

std::optional<double> usual_pace(const PaceFold& fold)
{
    if (fold.latest.empty()) return std::nullopt;
    std::vector<double> paces = fold.latest;
    const auto middle = paces.begin() + static_cast<std::ptrdiff_t>(paces.size() / 2);
    std::nth_element(paces.begin(), middle, paces.end());
    return *middle;
}

} // namespace reelgate
