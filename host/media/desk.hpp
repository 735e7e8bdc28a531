// Who may have media looked at, how many at a time, and how it is ended early. It has threads of
// its own: a child that takes its twenty minutes keeps nobody waiting who only reads a file.
#pragma once

#include "host/base/async.hpp"
#include "host/base/fd.hpp"
#include "host/media/media.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <optional>
#include <string>
#include <utility>

namespace reelgate {

enum class MediaLane : std::uint8_t {
    films,    // what providers left
    pictures, // what clients sent: they wait for an answer
};

struct MediaRoom {
    unsigned films = 2; // at a time; the others wait for their turn
    unsigned pictures = 2;
    std::size_t pictures_waiting = 32; // besides; who comes then is turned away
};

class MediaDesk {
public:
    MediaDesk(std::filesystem::path program, MediaRoom room);
    MediaDesk(const MediaDesk&) = delete;
    MediaDesk& operator=(const MediaDesk&) = delete;

    // Runs `work(tool)`, which BLOCKS and answers a Result, on a thread of the desk when it is its
    // turn: first come, first served. `name` is what stop() calls it by. Besides what `work`
    // answers:
    //   cancelled/media_stopped           it was stopped, at work or before
    //   rate_limited/pictures_full        too many pictures wait
    //   worker_unavailable/shutting_down  after stop_all()
    template <class Work>
    asio::awaitable<std::invoke_result_t<Work&, const MediaTool&>>
    run(MediaLane lane, std::string name, Work work)
    {
        const auto loop = co_await asio::this_coro::executor;
        RG_CO_TRY(Visit visit, enter(lane, std::move(name), loop));
        auto waiting = until_it_is_its_turn(visit);
        RG_CO_CHECK(co_await std::move(waiting));
        auto look = [&work, tool = visit.tool()] { return work(tool); };
        co_return co_await on_pool(threads_, std::move(look));
    }

    // Everything of that name: its child is killed, and what waits does so no more.
    void stop(const std::string& name);

    // Likewise everything there is, and all that comes from now on.
    void stop_all();

    // After stop_all(), when the loop has ended.
    void join() { threads_.join(); }

private:
    struct Entry {
        std::string name;
        Fd stop; // an eventfd: readable once it was told to
        bool is_stopped = false;
        asio::steady_timer turn;
    };
    struct Lane {
        std::size_t at_once;
        std::optional<std::size_t> waiting; // at most
        std::list<Entry> entries;           // the first `at_once` are at work
    };

    // Gone, it makes room for the next.
    class Visit {
    public:
        Visit(MediaDesk& desk, Lane& lane, std::list<Entry>::iterator entry)
            : desk_(&desk), lane_(&lane), entry_(entry)
        {
        }
        Visit(Visit&& other) noexcept
            : desk_(std::exchange(other.desk_, nullptr)), lane_(other.lane_), entry_(other.entry_)
        {
        }
        Visit& operator=(Visit&&) = delete;
        ~Visit();

        MediaTool tool() const { return {desk_->program_, entry_->stop.get()}; }
        bool is_its_turn() const;
        Entry& entry() const { return *entry_; }

    private:
        MediaDesk* desk_;
        Lane* lane_;
        std::list<Entry>::iterator entry_;
    };

    Result<Visit> enter(MediaLane lane, std::string name, const asio::any_io_executor& loop);
    Task<Done> until_it_is_its_turn(const Visit& visit);
    static void stop(Entry& entry);

    std::filesystem::path program_;
    std::array<Lane, 2> lanes_; // by MediaLane
    bool is_closed_ = false;
    asio::thread_pool threads_;
};

} // namespace reelgate
