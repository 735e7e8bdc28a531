// The end of an engine: what runs may end, and what does not is left as it stands on disk.
#include "host/engine/engine.hpp"

namespace reelgate {
namespace {

constexpr auto kEndsWithin = std::chrono::seconds(2); // of an attempt whose provider is stopped

} // namespace

asio::awaitable<void> Engine::until_nobody_is_carried(std::chrono::milliseconds patience)
{
    const auto latest = std::chrono::steady_clock::now() + patience;
    while (!busy_.empty() && std::chrono::steady_clock::now() < latest)
        co_await bell_.wait_until(latest);
}

// A disk that is full is not waited for; what is handed in is written if the store still can.
asio::awaitable<void> Engine::until_the_end_is_noted()
{
    const auto latest = std::chrono::steady_clock::now() + kEndsWithin;
    end_is_noted_ = false;
    tasks_.spawn(note_orderly_end());
    while (!end_is_noted_ && !parts_.store.is_full() && std::chrono::steady_clock::now() < latest)
        co_await bell_.wait_until(latest);
}

asio::awaitable<void> Engine::drain(std::chrono::milliseconds patience)
{
    draining_ = true;
    purses_.stop();
    wake();
    bell_.ring();
    co_await until_nobody_is_carried(patience);
    leaving_ = true; // what ends from now on is left as it stands on disk
    parts_.media.stop_all();
    bell_.ring();
    TaskGroup stopping(parts_.loop.get_executor());
    for (const auto& place : slots_)
        stopping.spawn(place->stop());
    for (const auto& place : retired_)
        place->stop_waiting();
    co_await stopping.join();
    co_await retiring_.join();
    co_await counting_.join();
    // What their providers have left ends by itself; only what still waits for something is
    // stopped.
    co_await until_nobody_is_carried(kEndsWithin);
    co_await until_the_end_is_noted();
    tasks_.stop();
    co_await tasks_.join();
}

} // namespace reelgate
