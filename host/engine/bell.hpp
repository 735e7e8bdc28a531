// Waiting for something to change: whoever waits looks again after each ring, and sleeps on if it
// was not for him.
#pragma once

#include "host/base/async.hpp"

#include <chrono>
#include <list>

namespace reelgate {

class Bell {
public:
    explicit Bell(asio::any_io_executor loop) : loop_(std::move(loop)) {}

    void ring()
    {
        for (asio::steady_timer* waiting : waiting_)
            waiting->cancel();
    }

    // Until it rings, at the latest until then.
    asio::awaitable<void> wait_until(std::chrono::steady_clock::time_point latest)
    {
        asio::steady_timer timer(loop_, latest);
        const Place place(waiting_, timer);
        boost::system::error_code woken;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }

private:
    class Place {
    public:
        Place(std::list<asio::steady_timer*>& list, asio::steady_timer& timer)
            : list_(list), mine_(list.insert(list.end(), &timer))
        {
        }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place() { list_.erase(mine_); }

    private:
        std::list<asio::steady_timer*>& list_;
        std::list<asio::steady_timer*>::iterator mine_;
    };

    asio::any_io_executor loop_;
    std::list<asio::steady_timer*> waiting_;
};

} // namespace reelgate
