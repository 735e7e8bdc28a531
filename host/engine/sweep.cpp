// What is kept for a while goes, and what nobody knows of any more.
#include "host/engine/engine.hpp"

namespace reelgate {
namespace {

namespace fs = std::filesystem;

constexpr auto kSweepEvery = std::chrono::minutes(1);
constexpr std::size_t kSweepBatch = 100;

std::vector<std::string> names_in(const fs::path& directory)
{
    std::vector<std::string> names;
    std::error_code failed; // there is none, then: nothing was ever sent
    for (fs::directory_iterator it(directory, failed), end; !failed && it != end;
         it.increment(failed))
        names.push_back(it->path().filename().string());
    return names;
}

} // namespace

asio::awaitable<void> Engine::sweep()
{
    // Before the first suspension no client can have sent anything: what lies there is of earlier.
    std::vector<std::string> inputs = names_in(parts_.inputs_root);
    co_await sweep_inputs(std::move(inputs));
    co_await sweep_artifacts();
    asio::steady_timer pause(parts_.loop);
    while (!draining_) {
        co_await sweep_deleted();
        co_await sweep_expired();
        pause.expires_after(kSweepEvery);
        boost::system::error_code woken;
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (woken) co_return;
    }
}

// What a daemon that died, or a file that would not go, has left of jobs that are deleted.
asio::awaitable<void> Engine::sweep_deleted()
{
    const auto left = co_await parts_.store.deleted(kSweepBatch);
    if (!left) co_return;
    for (const Job& job : *left)
        co_await bury(job.id);
}

asio::awaitable<void> Engine::sweep_expired()
{
    const auto old = co_await parts_.store.expired(parts_.clock.wall(), kSweepBatch);
    if (!old) co_return;
    for (const Job& job : *old) {
        const auto gone = co_await erase(job.id);
        if (!gone) note_bug("removing an expired job", gone.error());
    }
}

asio::awaitable<bool> Engine::is_unknown(JobId id)
{
    const Result<Job> job = co_await parts_.store.find(std::move(id));
    co_return !job && job.error().category == Category::not_found;
}

// A job that was removed as the power failed, and an order that never became one.
asio::awaitable<void> Engine::sweep_inputs(std::vector<std::string> names)
{
    std::set<std::string> wanted; // whatever it is called
    for (const Job* job : parts_.store.live_jobs())
        wanted.insert(job->order.inputs_dir);
    for (const std::string& name : names) {
        if (draining_) co_return;
        if (wanted.contains(name)) continue;
        JobId id(name);
        const bool unknown = co_await is_unknown(std::move(id));
        if (!unknown) continue;
        auto clear = [directory = inputs_of(name)] {
            std::error_code ignored; // the next start finds it again
            return fs::remove_all(directory, ignored);
        };
        co_await on_pool(parts_.pool, std::move(clear));
    }
}

asio::awaitable<void> Engine::sweep_artifacts()
{
    auto list = [this] { return parts_.artifacts.shards(); };
    const std::vector<std::string> shards = co_await on_pool(parts_.pool, std::move(list));
    for (const std::string& shard : shards) {
        auto look = [this, shard] { return parts_.artifacts.jobs_in(shard); };
        const std::vector<JobId> ids = co_await on_pool(parts_.pool, std::move(look));
        for (const JobId& id : ids) {
            if (draining_) co_return;
            const bool unknown = co_await is_unknown(id);
            if (!unknown) continue;
            auto clear = [this, id] { return parts_.artifacts.remove(id); };
            const Result<Done> cleared = co_await on_pool(parts_.pool, std::move(clear));
            if (!cleared) note_bug("removing files of a job that is gone", cleared.error());
        }
    }
}

} // namespace reelgate
