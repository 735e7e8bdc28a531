// Who waits for a provider, what each was told when he was looked at last, and who is to be looked
// at next. Everybody is, after the world of providers has changed; while it stays as it was, only
// who is new and whose wait is over. What that costs goes by their number, not by the queue's.
#pragma once

#include "host/engine/job_queue.hpp"

#include <set>
#include <unordered_map>
#include <utility>

namespace reelgate {

// What a job waits for.
struct WaitNote {
    Waiting for_what = Waiting::slot;
    std::optional<WallTime> until = {};
    std::optional<WallTime> since = {}; // of waiting_for_provider, without a break

    friend bool operator==(const WaitNote&, const WaitNote&) = default;
};

class Waitlist {
public:
    void add(const Job& job); // not looked at yet
    void drop(const JobId& id);
    void note(const JobId& id, const WaitNote& told); // it was looked at in this world

    void world_changed() { ++world_; }
    void look_again(); // at everybody, whether somebody has room or not
    // Whether somebody may not have been looked at since the last change.
    bool is_behind() const { return passed_ != world_; }
    void caught_up() { passed_ = world_; }

    // The first of those who have not been looked at in this world, in turn.
    std::vector<JobId> next_behind(std::size_t most, WallTime now) const;
    // The first of those who are new or whose wait is over, in turn.
    std::vector<JobId> next_due(std::size_t most, WallTime now);

    std::optional<WaitNote> noted(const JobId& id) const;
    std::optional<WallTime> earliest() const; // end of a wait
    const JobQueue& queue() const { return queue_; }

private:
    struct Note {
        WaitNote told;
        std::uint64_t world = 0;
    };
    void end_wait(const JobId& id, const Note& note);

    JobQueue queue_;
    JobQueue due_; // a part of it
    std::unordered_map<JobId, Note> notes_;
    std::set<std::pair<WallTime, JobId>> ends_; // of waits
    std::uint64_t world_ = 1;
    std::uint64_t passed_ = 0;
};

} // namespace reelgate
