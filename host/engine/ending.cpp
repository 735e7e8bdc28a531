// How jobs end before their time: cancelled or deleted.
#include "host/engine/engine.hpp"
#include "host/engine/job_run.hpp"

namespace reelgate {

Task<CancelAnswer> Engine::cancel(JobId id)
{
    const Job* const live = parts_.store.live(id);
    if (live == nullptr) {
        RG_CO_TRY(const Job job, co_await parts_.store.find(id));
        co_return invalid("the job is " + std::string(to_string(job.state)) + " already",
                          "already_final");
    }
    if (live->state == JobState::cancelling)
        co_return CancelAnswer{live->state, live->compute_stopped, billing_of(*live)};
    if (!next(live->state, JobEvent::cancel_asked))
        co_return internal_error("a live job that cannot be cancelled");
    const bool never_left = live->state == JobState::queued;
    const WallTime now = parts_.clock.wall();
    const auto expires = now + settings_.keep_artifacts;
    std::vector<Step> steps(1);
    steps[0].event = JobEvent::cancel_asked;
    steps[0].edit = [never_left, now, expires](Job& job) {
        job.cancel_asked = true;
        if (!never_left) return;
        job.compute_stopped = true;
        job.finished = now;
        job.expires = expires;
    };
    // Nobody works on it here, so it ends at once; it may go on elsewhere.
    if (live->state == JobState::ambiguous) steps.push_back(cancelled_unknown());
    RG_CO_TRY(const Job asked, co_await parts_.store.apply(id, std::move(steps)));
    if (const Attempt* attempt = asked.current(); attempt != nullptr && !never_left)
        cancel_at(*attempt, attempt_name(asked.id, attempt->number));
    co_return CancelAnswer{asked.state, asked.compute_stopped, billing_of(asked)};
}

asio::awaitable<void> Engine::until_ended(JobId id, std::chrono::milliseconds patience)
{
    const auto latest = std::chrono::steady_clock::now() + patience;
    while (parts_.store.live(id) != nullptr && std::chrono::steady_clock::now() < latest)
        co_await bell_.wait_until(latest);
}

Task<Done> Engine::remove(JobId id, std::chrono::milliseconds patience)
{
    if (parts_.store.live(id) != nullptr) {
        const auto asked = co_await cancel(id);
        if (!asked && asked.error().code != "already_final") co_return asked.error();
        co_await until_ended(id, patience);
    }
    if (parts_.store.live(id) != nullptr) {
        auto hide = [](Job& job) { job.deleted = true; };
        RG_CO_CHECK(co_await parts_.store.note(id, std::move(hide)));
        if (parts_.store.live(id) != nullptr) co_return Done{}; // bury() does the rest
    }
    const Result<Done> gone = co_await erase(id);
    if (!gone && gone.error().category == Category::not_found) co_return Done{}; // buried already
    co_return gone;
}

Task<Done> Engine::erase(JobId id)
{
    RG_CO_TRY(const Job job, co_await parts_.store.find(id));
    // Files first: a daemon that ends in between leaves a row, which is found and removed again.
    auto clear = [this, id, inputs = job.order.inputs_dir]() -> Result<Done> {
        std::error_code ignored; // what is left is swept at the next start
        if (!inputs.empty()) std::filesystem::remove_all(inputs_of(inputs), ignored);
        return parts_.artifacts.remove(id);
    };
    RG_CO_CHECK(co_await on_pool(parts_.pool, std::move(clear)));
    co_return co_await parts_.store.remove(id);
}

// One that its owner had deleted while it lived, and that has ended now.
asio::awaitable<void> Engine::bury(JobId id)
{
    const auto gone = co_await erase(id);
    if (!gone && !leaving_ && gone.error().category != Category::not_found)
        note_bug("removing a deleted job", gone.error());
}

} // namespace reelgate
