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
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <list>
#include <optional>
#include <type_traits>
#include <utility>

namespace reelgate {

namespace asio = boost::asio;

template <class T>
using Task = asio::awaitable<Result<T>>;

// Runs `work` on a pool thread and returns on the loop with what it returned.
template <class Work>
asio::awaitable<std::invoke_result_t<Work&>> on_pool(asio::thread_pool& pool, Work work)
{
    const auto loop = co_await asio::this_coro::executor;
    std::optional<std::invoke_result_t<Work&>> answer;
    std::exception_ptr failure;

    // Without bind_executor this would resume on the loop, and `work` would block it.
    co_await asio::post(asio::bind_executor(pool, asio::use_awaitable));
    try {
        answer.emplace(work());
    } catch (...) {
        failure = std::current_exception();
    }
    co_await asio::post(asio::bind_executor(loop, asio::use_awaitable));

    if (failure) std::rethrow_exception(failure);
    co_return *std::move(answer);
}

// Coroutines that belong to one owner. join() ends when the last of them has ended; stop() asks
// them to end first. The group must outlive its tasks, so the owner awaits join() before it dies.
class TaskGroup {
public:
    explicit TaskGroup(asio::any_io_executor executor) : executor_(executor), idle_(executor) {}
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    void spawn(asio::awaitable<void> task)
    {
        const auto signal = signals_.emplace(signals_.end());
        auto ended = [this, signal](std::exception_ptr failure) {
            signals_.erase(signal);
            if (signals_.empty()) idle_.cancel();
            // What reaches this frame is a bug of ours; hiding it would leave a half-done state.
            if (failure) std::rethrow_exception(failure);
        };
        asio::co_spawn(executor_,
                       std::move(task),
                       asio::bind_cancellation_slot(signal->slot(), std::move(ended)));
    }

    void stop()
    {
        for (auto signal = signals_.begin(); signal != signals_.end();) {
            auto& current = *signal++; // emit() may end the task, which erases its signal
            current.emit(asio::cancellation_type::terminal);
        }
    }

    asio::awaitable<void> join()
    {
        while (!signals_.empty()) {
            idle_.expires_at(asio::steady_timer::time_point::max());
            boost::system::error_code woken;
            co_await idle_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        }
    }

    std::size_t size() const { return signals_.size(); }

private:
    asio::any_io_executor executor_;
    asio::steady_timer idle_;
    std::list<asio::cancellation_signal> signals_;
};

} // namespace reelgate
