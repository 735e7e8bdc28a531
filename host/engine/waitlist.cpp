#include "host/engine/waitlist.hpp"

namespace reelgate {

void Waitlist::add(const Job& job)
{
    if (queue_.contains(job.id)) return;
    const JobQueue::Entry entry{job.created, job.id, job.order.owner, job.order.priority};
    queue_.insert(entry);
    due_.insert(entry);
}

void Waitlist::drop(const JobId& id)
{
    queue_.erase(id);
    due_.erase(id);
    const auto found = notes_.find(id);
    if (found == notes_.end()) return;
    end_wait(id, found->second);
    notes_.erase(found);
}

void Waitlist::end_wait(const JobId& id, const Note& note)
{
    if (note.told.until) ends_.erase({*note.told.until, id});
}

void Waitlist::note(const JobId& id, const WaitNote& told)
{
    due_.erase(id);
    Note& note = notes_[id];
    end_wait(id, note);
    note = {.told = told, .world = world_};
    if (told.until) ends_.emplace(*told.until, id);
}

void Waitlist::look_again()
{
    world_changed();
    JobQueue::Walk walk(queue_, WallTime::max());
    while (const JobId* const id = walk.next())
        due_.insert(*queue_.find(*id));
}

std::vector<JobId> Waitlist::next_behind(std::size_t most, WallTime now) const
{
    std::vector<JobId> next;
    JobQueue::Walk walk(queue_, now);
    while (next.size() < most) {
        const JobId* const id = walk.next();
        if (id == nullptr) break;
        const auto note = notes_.find(*id);
        if (note == notes_.end() || note->second.world != world_ || due_.contains(*id))
            next.push_back(*id);
    }
    return next;
}

std::vector<JobId> Waitlist::next_due(std::size_t most, WallTime now)
{
    while (!ends_.empty() && ends_.begin()->first <= now) {
        const JobId id = ends_.begin()->second;
        ends_.erase(ends_.begin());
        due_.insert(*queue_.find(id));
    }
    std::vector<JobId> next;
    JobQueue::Walk walk(due_, now);
    while (next.size() < most) {
        const JobId* const id = walk.next();
        if (id == nullptr) break;
        next.push_back(*id);
    }
    return next;
}

std::optional<WaitNote> Waitlist::noted(const JobId& id) const
{
    const auto found = notes_.find(id);
    return found == notes_.end() ? std::nullopt : std::optional(found->second.told);
}

std::optional<WallTime> Waitlist::earliest() const
{
    return ends_.empty() ? std::nullopt : std::optional(ends_.begin()->first);
}

} // namespace reelgate
