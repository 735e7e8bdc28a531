// What waits is a Task<T>. Everything runs on the loop's one thread; what blocks goes through
// on_pool() and comes back to the loop with a value. A coroutine is awaited, or it lives in a
// TaskGroup whose owner stops it and waits for it: nothing floats.
#pragma once

#include "host/base/result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <list>
#include <optional>
#include <type_traits>
#include <utility>

namespace reelgate {

namespace asio = boost::asio;

template <class T>
using Task = asio::awaitable<Result<T>>;

// Runs `work` on a pool thread and returns on the loop with what it returned. Whoever is told to
// end meanwhile ends on the loop, after `work`: here the cancellation would be thrown on the pool's
// thread.
template <class Work>
asio::awaitable<std::invoke_result_t<Work&>> on_pool(asio::thread_pool& pool, Work work)
{
    const auto loop = co_await asio::this_coro::executor;
    std::optional<std::invoke_result_t<Work&>> answer;
    std::exception_ptr failure;
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);

    // Without bind_executor this would resume on the loop, and `work` would block it.
    co_await asio::post(asio::bind_executor(pool, asio::use_awaitable));
    try {
        answer.emplace(work());
    } catch (...) {
        failure = std::current_exception();
    }
    co_await asio::post(asio::bind_executor(loop, asio::use_awaitable));
    co_await asio::this_coro::throw_if_cancelled(throws);

    if (failure) std::rethrow_exception(failure);
    co_return *std::move(answer);
}

// Coroutines that belong to one owner. join() ends when the last of them has ended; stop() asks
// them to end first, and so does whoever is told to end while he waits in join(). The group must
// outlive its tasks, so the owner awaits join() before it dies.
class TaskGroup {
public:
    explicit TaskGroup(asio::any_io_executor executor) : executor_(executor), idle_(executor) {}
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    void spawn(asio::awaitable<void> task)
    {
        const auto mine = tasks_.emplace(tasks_.end());
        auto ended = [this, mine](std::exception_ptr failure) {
            const bool was_told = mine->was_told_to_end;
            tasks_.erase(mine);
            if (tasks_.empty()) idle_.cancel();
            // What reaches this frame is a bug of ours; hiding it would leave a half-done state.
            if (failure && !(was_told && is_cancellation(failure))) std::rethrow_exception(failure);
        };
        asio::co_spawn(executor_,
                       std::move(task),
                       asio::bind_cancellation_slot(mine->signal.slot(), std::move(ended)));
    }

    void stop()
    {
        for (auto task = tasks_.begin(); task != tasks_.end();) {
            Running& current = *task++; // emit() may end the task, which erases it
            current.was_told_to_end = true;
            current.signal.emit(asio::cancellation_type::terminal);
        }
    }

    asio::awaitable<void> join()
    {
        const bool throws = co_await asio::this_coro::throw_if_cancelled();
        co_await asio::this_coro::throw_if_cancelled(false);
        while (!tasks_.empty()) {
            const auto mine = co_await asio::this_coro::cancellation_state;
            if (mine.cancelled() != asio::cancellation_type::none) stop();
            if (tasks_.empty()) break; // they ended at once
            idle_.expires_at(asio::steady_timer::time_point::max());
            boost::system::error_code woken;
            co_await idle_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        }
        co_await asio::this_coro::throw_if_cancelled(throws);
    }

    std::size_t size() const { return tasks_.size(); }

private:
    struct Running {
        asio::cancellation_signal signal;
        bool was_told_to_end = false;
    };

    static bool is_cancellation(const std::exception_ptr& failure)
    {
        try {
            std::rethrow_exception(failure);
        } catch (const boost::system::system_error& error) {
            return error.code() == asio::error::operation_aborted;
        } catch (...) {
            return false;
        }
    }

    asio::any_io_executor executor_;
    asio::steady_timer idle_;
    std::list<Running> tasks_;
};

} // namespace reelgate
