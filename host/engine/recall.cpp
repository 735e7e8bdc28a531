// What outlives a daemon besides its jobs: how its life ended.
#include "host/engine/engine.hpp"

namespace reelgate {
namespace {

constexpr const char* kLife =
    "daemon.life"; // "open" while one works, "closed" after an orderly end

} // namespace

asio::awaitable<void> Engine::recall()
{
    const auto life = co_await parts_.store.fact(kLife);
    was_killed_ = life && *life && **life == "\"open\"";
    const auto noted = co_await parts_.store.put_fact(kLife, "\"open\"");
    if (leaving_) co_return;
    if (!noted) note_bug("noting the start", noted.error());
    for (const Job* job : parts_.store.live_jobs())
        if (busy_.contains(job->id)) tasks_.spawn(take_up(job->id));
    tasks_.spawn(turns());
}

asio::awaitable<void> Engine::note_orderly_end()
{
    if (parts_.store.is_full()) co_return; // it would wait for room
    const auto noted = co_await parts_.store.put_fact(kLife, "\"closed\"");
    if (!noted) note_bug("noting the end", noted.error());
}

} // namespace reelgate
