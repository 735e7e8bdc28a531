#include "host/media/desk.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <iterator>

namespace reelgate {
namespace {

Error shutting_down()
{
    return Error{.category = Category::worker_unavailable,
                 .text = "the daemon is ending, no more media is looked at",
                 .code = "shutting_down",
                 .phase = Phase::verify};
}

Error pictures_full(std::size_t waiting)
{
    return Error{.category = Category::rate_limited,
                 .text =
                     std::to_string(waiting) + " requests wait for their pictures to be looked at",
                 .code = "pictures_full",
                 .hint = "try again in a moment",
                 .phase = Phase::admit};
}

} // namespace

MediaDesk::MediaDesk(std::filesystem::path program, MediaRoom room)
    : program_(std::move(program)),
      lanes_{
          {{room.films, std::nullopt, {}}, {room.pictures, room.pictures_waiting, {}}}
},
      threads_(room.films + room.pictures)
{
}

MediaDesk::Visit::~Visit()
{
    if (desk_ == nullptr) return;
    lane_->entries.erase(entry_);
    for (Entry& other : lane_->entries)
        other.turn.cancel(); // it may be the turn of another
}

bool MediaDesk::Visit::is_its_turn() const
{
    const auto ahead = std::distance(lane_->entries.begin(), entry_);
    return static_cast<std::size_t>(ahead) < lane_->at_once;
}

Result<MediaDesk::Visit>
MediaDesk::enter(MediaLane lane, std::string name, const asio::any_io_executor& loop)
{
    Lane& queue = lanes_.at(static_cast<std::size_t>(lane));
    if (is_closed_) return shutting_down();
    if (queue.waiting && queue.entries.size() >= queue.at_once + *queue.waiting)
        return pictures_full(*queue.waiting);
    Fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stop) return system_error(Category::internal, "making an event for a media child", errno);
    queue.entries.push_back({std::move(name), std::move(stop), false, asio::steady_timer(loop)});
    return Visit(*this, queue, std::prev(queue.entries.end()));
}

Task<Done> MediaDesk::until_it_is_its_turn(const Visit& visit)
{
    Entry& entry = visit.entry();
    while (!entry.is_stopped) {
        if (visit.is_its_turn()) co_return Done{};
        entry.turn.expires_at(asio::steady_timer::time_point::max());
        boost::system::error_code woken;
        co_await entry.turn.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto told = co_await asio::this_coro::cancellation_state;
        if (told.cancelled() != asio::cancellation_type::none) break;
    }
    co_return media_stopped();
}

void MediaDesk::stop(Entry& entry)
{
    entry.is_stopped = true;
    ::eventfd_write(entry.stop.get(), 1);
    entry.turn.cancel();
}

void MediaDesk::stop(const std::string& name)
{
    for (Lane& lane : lanes_)
        for (Entry& entry : lane.entries)
            if (entry.name == name) stop(entry);
}

void MediaDesk::stop_all()
{
    is_closed_ = true;
    for (Lane& lane : lanes_)
        for (Entry& entry : lane.entries)
            stop(entry);
}

} // namespace reelgate
