// The end of an engine: what runs may end, and what does not is left as it stands on disk.
#include "host/engine/engine.hpp"

#include <algorithm>

namespace reelgate {
namespace {

constexpr auto kEndsWithin = std::chrono::seconds(2); // of an attempt whose provider is stopped

} // namespace

asio::awaitable<void> Engine::drain(std::chrono::milliseconds patience)
{
    draining_ = true;
    purses_.stop();
    wake();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    asio::steady_timer pause(parts_.loop);
    while (!busy_.empty() && std::chrono::steady_clock::now() < deadline) {
        pause.expires_after(std::chrono::milliseconds(20));
        co_await pause.async_wait(asio::use_awaitable);
    }
    leaving_ = true; // what ends from now on is left as it stands on disk
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
    const auto at_work = [](const auto& place) { return place->running() > 0; };
    const auto patience_for_ends = std::chrono::steady_clock::now() + kEndsWithin;
    while (std::any_of(slots_.begin(), slots_.end(), at_work) &&
           std::chrono::steady_clock::now() < patience_for_ends) {
        pause.expires_after(std::chrono::milliseconds(5));
        co_await pause.async_wait(asio::use_awaitable);
    }
    tasks_.stop();
    co_await tasks_.join();
}

} // namespace reelgate
