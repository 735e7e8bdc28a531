#include "host/engine/job_queue.hpp"

#include <algorithm>

namespace reelgate {

void JobQueue::line_up(const Entry* entry)
{
    lines_[entry->owner][static_cast<std::size_t>(entry->priority)].insert(entry);
}

void JobQueue::step_out(const Entry* entry)
{
    const auto lines = lines_.find(entry->owner);
    lines->second[static_cast<std::size_t>(entry->priority)].erase(entry);
    if (std::all_of(lines->second.begin(), lines->second.end(), [](const Line& line) {
            return line.empty();
        }))
        lines_.erase(lines);
}

void JobQueue::insert(Entry job)
{
    JobId id = job.id;
    const auto [at, is_new] = entries_.try_emplace(std::move(id), std::move(job));
    if (is_new) line_up(&at->second);
}

const JobQueue::Entry* JobQueue::find(const JobId& id) const
{
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second;
}

void JobQueue::erase(const JobId& id)
{
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    step_out(&found->second);
    entries_.erase(found);
}

void JobQueue::move(const JobId& id, JobQueue& to)
{
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    step_out(&found->second);
    to.line_up(&to.entries_.insert(entries_.extract(found)).position->second);
}

void JobQueue::move_all(JobQueue& to)
{
    lines_.clear();
    while (!entries_.empty())
        to.line_up(&to.entries_.insert(entries_.extract(entries_.begin())).position->second);
}

void JobAges::insert(const JobQueue::Entry* entry)
{
    const auto at = std::upper_bound(by_age_.begin(), by_age_.end(), entry, JobQueue::Older{});
    by_age_.insert(at, entry);
}

void JobAges::erase(const JobQueue::Entry* entry)
{
    by_age_.erase(std::lower_bound(by_age_.begin(), by_age_.end(), entry, JobQueue::Older{}));
}

std::size_t JobAges::position(const JobQueue::Entry* entry) const
{
    const auto at = std::lower_bound(by_age_.begin(), by_age_.end(), entry, JobQueue::Older{});
    return static_cast<std::size_t>(at - by_age_.begin());
}

const JobQueue::Entry* JobQueue::Walk::Lane::head() const
{
    const Entry* oldest = nullptr;
    for (const Stretch& stretch : stretches)
        if (stretch.at != stretch.end && (oldest == nullptr || Older{}(*stretch.at, oldest)))
            oldest = *stretch.at;
    return oldest;
}

void JobQueue::Walk::Lane::advance()
{
    const Entry* const oldest = head();
    for (Stretch& stretch : stretches)
        if (stretch.at != stretch.end && *stretch.at == oldest) ++stretch.at;
    ++round;
}

bool JobQueue::Walk::LaterTurn::operator()(const Lane* a, const Lane* b) const
{
    const auto turn = [](const Lane& lane) {
        const Entry& head = *lane.head();
        return std::tie(lane.round, head.created, head.id);
    };
    return turn(*b) < turn(*a);
}

// Which jobs of a line have aged into a class is said by two moments: a stretch of the line.
void JobQueue::Walk::open(std::size_t wanted)
{
    const auto split = [&](const Line& line, std::size_t steps) {
        return line.upper_bound(now_ - kAgeingStep * static_cast<long>(steps));
    };
    lanes_.clear();
    for (const auto& [owner, lines] : queue_.lines_) {
        Lane lane;
        for (std::size_t priority = wanted; priority < kClasses; ++priority) {
            const Line& line = lines[priority];
            const std::size_t steps = priority - wanted; // how much it must have aged
            const bool is_best = wanted == 0;            // nobody ages any further
            lane.stretches.push_back({.at = is_best ? line.begin() : split(line, steps + 1),
                                      .end = steps == 0 ? line.end() : split(line, steps)});
        }
        if (lane.head() != nullptr) lanes_.push_back(std::move(lane));
    }
    heap_.clear();
    for (Lane& lane : lanes_)
        heap_.push_back(&lane);
    std::make_heap(heap_.begin(), heap_.end(), LaterTurn{});
}

const JobId* JobQueue::Walk::next()
{
    while (heap_.empty()) {
        if (class_ == kClasses) return nullptr;
        open(class_++);
    }
    std::pop_heap(heap_.begin(), heap_.end(), LaterTurn{});
    Lane& lane = *heap_.back();
    const JobId* const id = &lane.head()->id;
    lane.advance();
    if (lane.head() == nullptr)
        heap_.pop_back();
    else
        std::push_heap(heap_.begin(), heap_.end(), LaterTurn{});
    return id;
}

} // namespace reelgate
