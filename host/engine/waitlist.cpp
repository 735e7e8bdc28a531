#include "host/engine/waitlist.hpp"

namespace reelgate {

const JobQueue::Entry* Waitlist::find(const JobId& id) const
{
    const JobQueue::Entry* const entry = behind_.find(id);
    return entry != nullptr ? entry : seen_.find(id);
}

void Waitlist::add(const Job& job)
{
    if (find(job.id) != nullptr) return;
    behind_.insert({job.created, job.id, job.order.owner, job.order.priority});
    ages_.insert(behind_.find(job.id));
    newcomers_.push_back(job.id);
}

void Waitlist::drop(const JobId& id)
{
    const JobQueue::Entry* const entry = find(id);
    if (entry == nullptr) return;
    ages_.erase(entry);
    due_.erase(id);
    if (const auto found = notes_.find(id); found != notes_.end()) {
        end_wait(id, found->second);
        notes_.erase(found);
    }
    behind_.erase(id);
    seen_.erase(id);
}

void Waitlist::end_wait(const JobId& id, const WaitNote& told)
{
    if (told.until) ends_.erase({*told.until, id});
}

void Waitlist::note(const JobId& id, const WaitNote& told)
{
    if (find(id) == nullptr) return;
    due_.erase(id);
    behind_.move(id, seen_);
    WaitNote& note = notes_[id];
    end_wait(id, note);
    note = told;
    if (told.until) ends_.emplace(*told.until, id);
}

void Waitlist::world_changed()
{
    is_behind_ = true;
    if (behind_.size() < seen_.size()) std::swap(behind_, seen_);
    steps_ += seen_.size();
    seen_.move_all(behind_);
}

void Waitlist::look_again()
{
    world_changed();
    JobQueue::Walk walk(behind_, WallTime::max());
    while (const JobId* const id = walk.next())
        due_.insert(*behind_.find(*id));
}

std::vector<JobId> Waitlist::first_of(const JobQueue& queue, std::size_t most, WallTime now)
{
    std::vector<JobId> first;
    JobQueue::Walk walk(queue, now);
    while (first.size() < most) {
        const JobId* const id = walk.next();
        if (id == nullptr) break;
        first.push_back(*id);
    }
    steps_ += first.size();
    return first;
}

std::vector<JobId> Waitlist::next_behind(std::size_t most, WallTime now)
{
    return first_of(behind_, most, now);
}

std::vector<JobId> Waitlist::next_due(std::size_t most, WallTime now)
{
    steps_ += newcomers_.size();
    for (const JobId& id : std::exchange(newcomers_, {})) {
        const JobQueue::Entry* const entry = find(id);
        if (entry != nullptr && !notes_.contains(id)) due_.insert(*entry);
    }
    return next_over(most, now);
}

std::vector<JobId> Waitlist::next_over(std::size_t most, WallTime now)
{
    while (!ends_.empty() && ends_.begin()->first <= now) {
        const JobId id = ends_.begin()->second;
        ends_.erase(ends_.begin());
        due_.insert(*find(id));
        ++steps_;
    }
    return first_of(due_, most, now);
}

std::optional<WaitNote> Waitlist::noted(const JobId& id) const
{
    const auto found = notes_.find(id);
    return found == notes_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<WallTime> Waitlist::earliest() const
{
    return ends_.empty() ? std::nullopt : std::optional(ends_.begin()->first);
}

std::optional<std::size_t> Waitlist::position(const JobId& id) const
{
    const JobQueue::Entry* const entry = find(id);
    return entry == nullptr ? std::nullopt : std::optional(ages_.position(entry));
}

} // namespace reelgate
