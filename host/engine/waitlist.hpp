// Who waits for a provider, what each was told when he was looked at last, and who is to be looked
// at next. Everybody is, after the world of providers has changed; while it stays as it was, only
// who is new and whose wait is over. What that costs goes by their number, not by the queue's: who
// has been looked at is out of the way of the next turn, and a change in the middle of a pass puts
// back no more than the pass has looked at.
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

    void world_changed(); // nobody has been looked at in this one
    void look_again();    // at everybody, whether somebody has room or not
    // Whether a pass over everybody is wanted, and not over yet.
    bool is_behind() const { return is_behind_; }
    void caught_up() { is_behind_ = false; }

    // The first of those who have not been looked at in this world, in turn.
    std::vector<JobId> next_behind(std::size_t most, WallTime now);
    // The first of those who are new or whose wait is over, in turn.
    std::vector<JobId> next_due(std::size_t most, WallTime now);
    // The same without who is new: during a pass those have their turn like everybody.
    std::vector<JobId> next_over(std::size_t most, WallTime now);

    std::optional<WaitNote> noted(const JobId& id) const;
    std::optional<WallTime> earliest() const;                       // end of a wait
    std::optional<std::size_t> position(const JobId& id) const;     // how many are older
    bool empty() const { return behind_.empty() && seen_.empty(); } // nobody waits
    std::uint64_t steps() const { return steps_; } // entries met or put back so far: the cost

private:
    const JobQueue::Entry* find(const JobId& id) const;
    void end_wait(const JobId& id, const WaitNote& told);
    std::vector<JobId> first_of(const JobQueue& queue, std::size_t most, WallTime now);

    JobQueue behind_; // not looked at in this world
    JobQueue seen_;   // the others
    JobAges ages_;    // of both
    JobQueue due_;    // copies
    std::vector<JobId> newcomers_;
    std::unordered_map<JobId, WaitNote> notes_;
    std::set<std::pair<WallTime, JobId>> ends_; // of waits
    bool is_behind_ = true;
    std::uint64_t steps_ = 0;
};

} // namespace reelgate
