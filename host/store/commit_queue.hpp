// Changes on their way to the disk: whatever waits when the writer is free goes into one
// transaction, and is answered after its flush. Lives on the loop; the writing is on a thread of
// its own.
#pragma once

#include "host/base/async.hpp"
#include "host/base/clock.hpp"
#include "host/store/change.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace reelgate::store {

class CommitQueue {
public:
    // Somebody who waits for his change.
    struct Waiter {
        explicit Waiter(const asio::any_io_executor& loop)
            : wake(loop, asio::steady_timer::time_point::max())
        {
        }
        asio::steady_timer wake;
        std::optional<Result<Written>> answer;
    };

    // Called for each change in the order of handing in, before whoever waits for it goes on.
    using Settled = std::function<void(const Change&, const Result<Written>&)>;

    CommitQueue(asio::any_io_executor loop,
                const Clock& clock,
                BatchWriter writer,
                std::chrono::milliseconds retry_every,
                Settled settled);

    std::function<void()> on_room; // is_full() has changed

    void start();
    std::shared_ptr<Waiter> hand_in(Change change);
    // `cancelled` if the waiting coroutine is stopped; the change is made nevertheless.
    static Task<Written> answer(std::shared_ptr<Waiter> waiter);

    std::size_t size() const { return waiting_.changes.size(); }
    bool is_full() const { return full_; } // the disk
    const std::optional<Error>& failure() const { return failure_; }

    // What waits is written, or fails where that cannot be; then the database is closed.
    asio::awaitable<void> close();

private:
    struct Batch {
        std::vector<Change> changes;
        std::vector<std::shared_ptr<Waiter>> waiters; // one for each change
    };

    asio::awaitable<void> pump();
    asio::awaitable<void> sleep();
    asio::awaitable<void> gather();
    asio::awaitable<void> write();
    Batch take();
    void settle(Batch batch, BatchResult result);
    void set_full(bool full);
    void settle(Change& change, Waiter& waiter, Result<Written> answer);
    void put_back(Batch batch, std::size_t from, const Error& why);

    asio::any_io_executor loop_;
    const Clock& clock_;
    std::chrono::milliseconds retry_every_;
    Settled settled_;
    Batch waiting_;
    bool full_ = false;
    bool closing_ = false;
    std::optional<Error> failure_;
    std::optional<BatchWriter> writer_; // the thread's, while it writes
    asio::thread_pool thread_{1};

    // Members below run code on the loop when they die and use the ones above; keep them last.
    asio::steady_timer wake_;
    TaskGroup tasks_;
};

} // namespace reelgate::store
