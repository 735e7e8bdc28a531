// Jobs that wait for a provider, in the order in which they are looked at: priority classes that
// age, and within a class one job of each owner in turn, oldest first. Kept in order, so that a
// change costs the same however many wait. No clock inside.
#pragma once

#include "host/model/job.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace reelgate {

// After so long a job is treated as one class better, so that bulk work is late and never starved.
inline constexpr auto kAgeingStep = std::chrono::minutes(10);

class JobQueue {
public:
    struct Entry {
        WallTime created;
        JobId id;
        std::string owner;
        Priority priority = Priority::normal;

        auto age() const { return std::tie(created, id); }
    };
    struct Older { // a moment comes after all that was created then
        using is_transparent = void;
        bool operator()(const Entry* a, const Entry* b) const { return a->age() < b->age(); }
        bool operator()(WallTime moment, const Entry* b) const { return moment < b->created; }
        bool operator()(const Entry* a, WallTime moment) const { return a->created <= moment; }
    };
    class Walk;

    // One that is in it already stays where it is.
    void insert(Entry job);
    void erase(const JobId& id);
    // Entries stay where they are in memory.
    void move(const JobId& id, JobQueue& to);
    void move_all(JobQueue& to);

    const Entry* find(const JobId& id) const;
    bool contains(const JobId& id) const { return entries_.contains(id); }
    std::size_t size() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }

private:
    using Line = std::set<const Entry*, Older>;
    static constexpr std::size_t kClasses = 3;
    void line_up(const Entry* entry);
    void step_out(const Entry* entry);

    std::unordered_map<JobId, Entry> entries_;
    std::map<std::string, std::array<Line, kClasses>> lines_; // by owner and priority
};

// Entries of queues by their age. They must be taken out before they end.
class JobAges {
public:
    void insert(const JobQueue::Entry* entry);
    void erase(const JobQueue::Entry* entry);
    std::size_t position(const JobQueue::Entry* entry) const; // how many are older

private:
    std::vector<const JobQueue::Entry*> by_age_;
};

// The whole queue in its order at one moment, one job after the other. Good until the queue
// changes.
class JobQueue::Walk {
public:
    Walk(const JobQueue& queue, WallTime now) : queue_(queue), now_(now) {}
    const JobId* next(); // nothing: that was the last

private:
    struct Stretch { // of one line, as far as it belongs to the class
        Line::const_iterator at;
        Line::const_iterator end;
    };
    struct Lane { // of one owner
        std::vector<Stretch> stretches;
        std::size_t round = 0;

        const Entry* head() const;
        void advance();
    };
    struct LaterTurn {
        bool operator()(const Lane* a, const Lane* b) const;
    };
    void open(std::size_t wanted);

    const JobQueue& queue_;
    WallTime now_;
    std::size_t class_ = 0; // the next to open
    std::vector<Lane> lanes_;
    std::vector<Lane*> heap_;
};

} // namespace reelgate
