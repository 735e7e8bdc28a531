// What each key may still spend today (UTC), by the clock on the wall whenever that is asked: a
// machine that slept over midnight, or whose clock was set, is none the wiser for a timer. The
// store is asked once a day what its jobs have cost so far; from then on each change that is on
// disk is added, and what has been decided and is not on disk yet is held back, so that two jobs of
// one turn do not spend the same money.
#pragma once

#include "host/base/clock.hpp"
#include "host/store/job_store.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace reelgate {

class Purses {
public:
    // All outlive this. `changed` is called on the loop whenever somebody may have more than
    // before.
    Purses(asio::io_context& loop,
           JobStore& store,
           const Clock& clock,
           std::function<void()> changed);

    // The caps by key; who is not among them has no limit.
    void configure(const std::map<std::string, Money>& caps);

    // Whether it is known of all that have a cap what they have spent today; nobody may be decided
    // on before. Where it is not, it is being asked for.
    bool are_known();
    asio::awaitable<void> until_known();

    std::optional<Money> left(const std::string& owner) const; // nothing: no limit

    // Decided: the job's attempt with that number will be stored with `amount` reserved.
    void promise(const JobId& id, std::size_t attempt, const std::string& owner, Money amount);
    void withdraw(const JobId& id); // what of it was not stored never will be
    void stored(const Job& job);    // as it is on disk now

    // Asks the store at the start, for new keys, and on another day; until stop(). Begins before
    // any job changes.
    asio::awaitable<void> keep();
    void stop();

private:
    struct Purse {
        Money cap;
        Money spent = {}; // or reserved, today
        bool is_known = false;
    };
    struct Promise {
        JobId id;
        std::size_t attempt = 0;
        std::string owner;
        Money amount;
    };
    struct Share { // of one job, as it is in `spent`
        WallTime day = {};
        Money amount;
    };

    asio::awaitable<bool> ask(std::string owner); // false: the store did not answer
    void begin_day();                             // nothing is known of it yet
    WallTime midnight() const;                    // the last one
    Money committed_today(const Job& job) const;

    JobStore& store_;
    const Clock& clock_;
    std::function<void()> changed_;
    WallTime day_ = {};
    std::map<std::string, Purse> purses_; // by key
    std::map<JobId, Share> shares_;       // of live jobs
    std::vector<Promise> promises_;
    std::uint64_t changes_ = 0;
    bool stopped_ = false;
    asio::steady_timer alarm_;
    asio::steady_timer known_alarm_; // never set anew: several may wait for it
};

} // namespace reelgate
