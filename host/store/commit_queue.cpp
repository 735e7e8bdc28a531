#include "host/store/commit_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace reelgate::store {
namespace {

// How often the loop is let take another turn while changes keep coming: those who were answered
// together ask again together, and shall share a flush again.
constexpr int kGatheringTurns = 4;

// More would make the first of them wait for the work of the last.
constexpr std::size_t kChangesAFlush = 512;

Error nobody_waits()
{
    return Error{.category = Category::cancelled,
                 .text = "nobody waits for this change any more; it is made all the same",
                 .phase = Phase::store};
}

} // namespace

CommitQueue::CommitQueue(asio::any_io_executor loop,
                         const Clock& clock,
                         BatchWriter writer,
                         std::chrono::milliseconds retry_every,
                         Settled settled)
    : loop_(loop), clock_(clock), retry_every_(retry_every), settled_(std::move(settled)),
      writer_(std::move(writer)), wake_(loop), tasks_(loop)
{
}

void CommitQueue::start() { tasks_.spawn(pump()); }

std::shared_ptr<CommitQueue::Waiter> CommitQueue::hand_in(Change change)
{
    auto waiter = std::make_shared<Waiter>(loop_);
    if (failure_) {
        settle(change, *waiter, *failure_);
        return waiter;
    }
    waiting_.changes.push_back(std::move(change));
    waiting_.waiters.push_back(waiter);
    if (!full_) wake_.cancel();
    return waiter;
}

Task<Written> CommitQueue::answer(std::shared_ptr<Waiter> waiter)
{
    while (!waiter->answer) {
        boost::system::error_code woken;
        co_await waiter->wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto ours = co_await asio::this_coro::cancellation_state;
        if (ours.cancelled() != asio::cancellation_type::none && !waiter->answer)
            co_return nobody_waits();
    }
    co_return *std::move(waiter->answer);
}

asio::awaitable<void> CommitQueue::pump()
{
    while (true) {
        if (size() == 0 && closing_) co_return;
        // While the disk is full every other look is a pause apart, also when nothing waits.
        if ((size() == 0 || full_) && !closing_) co_await sleep();
        co_await gather();
        if (size() > 0 || full_) co_await write();
    }
}

asio::awaitable<void> CommitQueue::sleep()
{
    if (full_)
        wake_.expires_after(retry_every_);
    else
        wake_.expires_at(asio::steady_timer::time_point::max());
    boost::system::error_code woken;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

asio::awaitable<void> CommitQueue::gather()
{
    for (int turn = 0; turn < kGatheringTurns; ++turn) {
        const std::size_t before = size();
        co_await asio::post(loop_, asio::use_awaitable);
        if (size() == before || size() >= kChangesAFlush) co_return;
    }
}

asio::awaitable<void> CommitQueue::write()
{
    Batch batch = take();
    const WallTime now = clock_.wall();
    const std::vector<Change>& changes = batch.changes;
    BatchWriter& writer = *writer_;
    auto work = [&writer, &changes, now] { return writer.write(changes, now); };
    BatchResult result = co_await on_pool(thread_, work);
    settle(std::move(batch), std::move(result));
}

CommitQueue::Batch CommitQueue::take()
{
    if (size() <= kChangesAFlush) return std::exchange(waiting_, Batch{});
    const auto first = [](auto& list) {
        const auto end = list.begin() + std::ptrdiff_t{kChangesAFlush};
        std::remove_reference_t<decltype(list)> taken(std::move_iterator(list.begin()),
                                                      std::move_iterator(end));
        list.erase(list.begin(), end);
        return taken;
    };
    return {first(waiting_.changes), first(waiting_.waiters)};
}

void CommitQueue::set_full(bool full)
{
    if (std::exchange(full_, full) != full && on_room) on_room();
}

void CommitQueue::settle(Batch batch, BatchResult result)
{
    set_full(result.low_space);
    const std::size_t done = result.answers.size();
    for (std::size_t i = 0; i < done; ++i)
        settle(batch.changes[i], *batch.waiters[i], std::move(result.answers[i]));
    if (result.stopped) put_back(std::move(batch), done, *result.stopped);
}

void CommitQueue::settle(Change& change, Waiter& waiter, Result<Written> answer)
{
    settled_(change, answer);
    waiter.answer = std::move(answer);
    waiter.wake.cancel();
}

// What was not written waits for room on the disk, except new jobs, which are refused. Without hope
// of room, or of time, all of it fails, and so does what comes later.
void CommitQueue::put_back(Batch batch, std::size_t from, const Error& why)
{
    set_full(store::is_full(why));
    if (!full_) failure_ = why;
    Batch later = std::exchange(waiting_, Batch{});
    std::move(later.changes.begin(), later.changes.end(), std::back_inserter(batch.changes));
    std::move(later.waiters.begin(), later.waiters.end(), std::back_inserter(batch.waiters));
    for (std::size_t i = from; i < batch.changes.size(); ++i) {
        Change& change = batch.changes[i];
        if (!full_ || closing_ || std::holds_alternative<CreateJob>(change)) {
            settle(change, *batch.waiters[i], why);
            continue;
        }
        waiting_.changes.push_back(std::move(change));
        waiting_.waiters.push_back(std::move(batch.waiters[i]));
    }
}

asio::awaitable<void> CommitQueue::close()
{
    closing_ = true;
    wake_.cancel();
    co_await tasks_.join();
    thread_.join();
    writer_.reset();
}

} // namespace reelgate::store
