#include "host/engine/queue_order.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace reelgate {
namespace {

int class_of(const Job& job, WallTime now)
{
    const auto steps = (now - job.created) / kAgeingStep;
    const int aged =
        static_cast<int>(job.order.priority) - static_cast<int>(std::min<long>(steps, 2));
    return std::max(aged, 0);
}

struct Place {
    int priority;
    std::size_t round; // how many of the same owner and class stand before it
    WallTime created;
    const Job* job;

    auto key() const { return std::tie(priority, round, created, job->id); }
};

} // namespace

std::vector<const Job*> in_turn(std::vector<const Job*> queued, WallTime now)
{
    std::sort(queued.begin(), queued.end(), [](const Job* a, const Job* b) {
        return std::tie(a->created, a->id) < std::tie(b->created, b->id);
    });
    std::unordered_map<std::string, std::array<std::size_t, 3>> rounds;
    std::vector<Place> places;
    places.reserve(queued.size());
    for (const Job* job : queued) {
        const int priority = class_of(*job, now);
        std::size_t& round = rounds[job->order.owner][static_cast<std::size_t>(priority)];
        places.push_back({priority, round++, job->created, job});
    }
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
        return a.key() < b.key();
    });
    std::transform(
        places.begin(), places.end(), queued.begin(), [](const Place& place) { return place.job; });
    return queued;
}

} // namespace reelgate
