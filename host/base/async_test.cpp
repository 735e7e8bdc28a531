#include "host/base/async.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <stdexcept>
#include <thread>

namespace reelgate {
namespace {

struct Seen {
    std::thread::id after = {};
    bool went_on = false;
};

asio::awaitable<void>
work_long(asio::thread_pool& pool, std::latch& begun, std::latch& go, Seen& seen)
{
    auto work = [&begun, &go] {
        begun.count_down();
        go.wait();
        return std::this_thread::get_id();
    };
    co_await on_pool(pool, work);
    seen.after = std::this_thread::get_id();
    co_await asio::post(asio::use_awaitable);
    seen.went_on = true;
}

// The loop runs on the test's thread, so whatever is thrown elsewhere ends the program.
TEST(Async, WhoIsStoppedWhileThePoolWorksEndsOnTheLoop)
{
    asio::thread_pool pool(1);
    asio::io_context loop;
    std::latch begun(1);
    std::latch go(1);
    Seen seen;
    TaskGroup tasks(loop.get_executor());
    tasks.spawn(work_long(pool, begun, go, seen));
    while (!begun.try_wait())
        loop.poll();
    tasks.stop();
    go.count_down();
    loop.restart();
    EXPECT_NO_THROW(loop.run());
    EXPECT_EQ(tasks.size(), 0U);
    EXPECT_EQ(seen.after, std::this_thread::get_id());
    EXPECT_FALSE(seen.went_on) << "told to end, it ends at the next wait";
    pool.join();
}

asio::awaitable<void> fail_when_cancelled(asio::io_context& loop)
{
    asio::steady_timer never(loop, asio::steady_timer::time_point::max());
    boost::system::error_code ignored;
    co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    throw std::runtime_error("a bug");
}

TEST(Async, ABugOfATaskThatIsStoppedIsNotTakenForItsEnd)
{
    asio::io_context loop;
    TaskGroup tasks(loop.get_executor());
    tasks.spawn(fail_when_cancelled(loop));
    loop.poll();
    tasks.stop();
    loop.restart();
    EXPECT_THROW(loop.run(), std::runtime_error);
}

asio::awaitable<void> sleep_forever(asio::io_context& loop)
{
    asio::steady_timer never(loop, asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
}

asio::awaitable<void> own_a_task(asio::io_context& loop, bool& went_on)
{
    TaskGroup mine(loop.get_executor());
    mine.spawn(sleep_forever(loop));
    co_await mine.join();
    EXPECT_EQ(mine.size(), 0U);
    co_await asio::post(asio::use_awaitable);
    went_on = true;
}

TEST(Async, WhoIsStoppedWhileItWaitsForItsTasksStopsThemAndEndsAfterThem)
{
    asio::io_context loop;
    bool went_on = false;
    TaskGroup tasks(loop.get_executor());
    tasks.spawn(own_a_task(loop, went_on));
    loop.poll();
    tasks.stop();
    loop.restart();
    loop.run();
    EXPECT_EQ(tasks.size(), 0U);
    EXPECT_FALSE(went_on);
}

} // namespace
} // namespace reelgate
