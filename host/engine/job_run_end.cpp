// From the provider's last word to the job's next state.
#include "host/engine/adopt.hpp"
#include "host/engine/job_run.hpp"

#include <utility>

namespace reelgate {
namespace {

// What is known of the money once the attempt is over; what may have been charged stays reserved.
void settle(Attempt& attempt)
{
    if (attempt.billing == Billing::free || attempt.billing == Billing::not_billed)
        attempt.settled = Money{};
    else if (attempt.billing == Billing::billed)
        attempt.settled = attempt.reserved;
}

} // namespace

asio::awaitable<void> JobRun::put(std::vector<Step> steps)
{
    const auto stored = co_await engine_.parts_.store.apply(id_, std::move(steps));
    if (!stored && !engine_.leaving_)
        engine_.note_bug("storing what became of an attempt", stored.error());
}

// What there is no room for stays where it is, and so does the job.
asio::awaitable<bool> JobRun::wait_for_room(const Error& why)
{
    engine_.parts_.log.write(Event::store_low,
                             {
                                 {"job_id", id_.text},
                                 {"text",   why.text}
    });
    engine_.no_room_because_ = why.text;
    if (!std::exchange(waits_for_room_, true)) ++engine_.short_of_room_;
    co_await pause(engine_.settings_.room_every);
    co_return goes_on();
}

// Until then nobody else begins: what is tried again needs the room that there is.
void JobRun::wait_no_longer_for_room()
{
    if (!std::exchange(waits_for_room_, false)) return;
    --engine_.short_of_room_;
    engine_.wake();
}

asio::awaitable<void> JobRun::collect(std::vector<ArtifactOffer> offers)
{
    const Job* const now = job();
    if (now == nullptr) co_return;
    // A cancel that came too late for work that costs nothing is honoured all the same.
    if (now->state == JobState::cancelling && slot_.charge() == Charge::free) {
        Error too_late{.category = Category::cancelled,
                       .text = "cancelled as it was done",
                       .compute_stopped = false};
        co_await stopped(std::move(too_late));
        co_return;
    }
    if (next(now->state, JobEvent::output_ready)) {
        std::vector<Step> steps(1);
        steps[0].event = JobEvent::output_ready;
        co_await put(std::move(steps));
    }
    auto verifying = verified(std::move(offers));
    Result<VerifiedVideo> video = co_await std::move(verifying);
    if (engine_.leaving_) co_return;
    if (!video) {
        co_await failed(std::move(video).error());
        co_return;
    }
    engine_.reached(Milestone::verified, id_);
    const Result<Done> kept = co_await adopted(*std::move(video));
    if (kept || engine_.leaving_) co_return;
    auto discard = [this] { return engine_.parts_.artifacts.remove(id_); };
    const Result<Done> gone = co_await on_pool(engine_.parts_.pool, std::move(discard));
    if (!gone) engine_.note_bug("discarding what was not adopted", gone.error());
    co_await failed(kept.error());
}

Task<VerifiedVideo> JobRun::verified(std::vector<ArtifactOffer> offers)
{
    while (true) {
        auto verifying = verify_offers(tools(), plan_, offers);
        Result<VerifiedVideo> video = co_await std::move(verifying);
        if (video || video.error().category != Category::storage_full) co_return video;
        const bool again = co_await wait_for_room(video.error());
        if (!again) co_return video;
    }
}

Task<Done> JobRun::adopted(VerifiedVideo video)
{
    const Job* const before = job();
    if (before == nullptr) co_return internal_error("a job has ended before its file was kept");
    Job done = *before; // as it will be, for the summary
    done.state = JobState::completed;
    done.current()->stages = stages_.times();
    settle(*done.current());
    for (const std::string& warning : done.current()->warnings)
        done.warnings.push_back(warning);
    while (true) {
        Result<Done> kept = co_await adopt_once(video, done);
        if (kept || kept.error().category != Category::storage_full) co_return kept;
        const bool again = co_await wait_for_room(kept.error());
        if (!again) co_return kept;
    }
}

Task<Done> JobRun::adopt_once(const VerifiedVideo& video, Job& done)
{
    const WallTime now = engine_.parts_.clock.wall();
    done.finished = now;
    done.expires = now + engine_.settings_.keep_artifacts;
    done.current()->ended = now;
    auto take = [this, &done, &video] { return adopt_film(engine_.parts_.artifacts, video, done); };
    RG_CO_CHECK(co_await on_pool(engine_.parts_.pool, std::move(take)));
    engine_.reached(Milestone::renamed, id_);

    // Cancelled while it was looked at: it is done, and it is delivered.
    std::vector<Step> steps;
    const Job* const live = job();
    const bool is_cancelling = live != nullptr && live->state == JobState::cancelling;
    if (is_cancelling) steps.push_back(Step{.event = JobEvent::output_ready});
    Step delivered{.event = JobEvent::verified};
    delivered.edit = [done](Job& changed) {
        changed.artifact = done.artifact;
        changed.finished = done.finished;
        changed.expires = done.expires;
        changed.warnings = done.warnings;
        changed.current()->ended = done.finished;
        changed.current()->stages = done.current()->stages;
        changed.current()->collecting = done.current()->collecting;
        settle(*changed.current());
    };
    steps.push_back(std::move(delivered));
    RG_CO_TRY(const Job stored, co_await engine_.parts_.store.apply(id_, std::move(steps)));
    slot_.succeeded(stored.current()->model);
    engine_.parts_.log.write(
        Event::job_completed,
        {
            {"job_id",     id_.text                                                   },
            {"provider",   slot_.config().id                                          },
            {"attempt",    plan_.number                                               },
            {"duration_s", std::chrono::duration<double>(now - stored.created).count()}
    });
    co_return Done{};
}

asio::awaitable<void> JobRun::stopped(Error error)
{
    const WallTime now = engine_.parts_.clock.wall();
    const auto expires = now + engine_.settings_.keep_artifacts;
    std::vector<Step> steps;
    const Job* const live = job();
    const bool is_collecting = live != nullptr && live->state == JobState::collecting;
    if (is_collecting) steps.push_back(Step{.event = JobEvent::cancel_asked}); // it was before
    Step end{.event = JobEvent::stopped};
    end.edit = [error, now, expires, stages = stages_.times()](Job& changed) {
        Attempt& attempt = *changed.current();
        attempt.ended = now;
        attempt.stages = stages;
        attempt.error = error;
        if (error.billing) attempt.billing = *error.billing;
        settle(attempt);
        changed.compute_stopped = error.compute_stopped.value_or(attempt.charge == Charge::free);
        changed.finished = now;
        changed.expires = expires;
    };
    steps.push_back(std::move(end));
    co_await put(std::move(steps));
    engine_.parts_.log.write(Event::job_cancelled,
                             {
                                 {"job_id", id_.text}
    });
}

// A clock that ran out says what was heard last.
Error JobRun::as_it_is_known(Error error) const
{
    if (over_deadline_)
        error = Error{.category = Category::timeout,
                      .text = "the attempt did not end within its time",
                      .code = "run_deadline",
                      .phase = Phase::run,
                      .billing = error.billing,
                      .compute_stopped = error.compute_stopped};
    if (error.category == Category::timeout && error.phase == Phase::run && !last_heard_.empty())
        error.text += "; the last that was heard: " + last_heard_;
    return error;
}

asio::awaitable<void> JobRun::failed(Error told)
{
    const Job* const now = job();
    if (now == nullptr || now->current() == nullptr) co_return; // it has ended otherwise
    Error error = as_it_is_known(std::move(told));
    const Attempt attempt = *now->current();
    engine_.parts_.log.write(Event::attempt_failed,
                             {
                                 {"job_id",   id_.text                                        },
                                 {"attempt",  plan_.number                                    },
                                 {"provider", slot_.config().id                               },
                                 {"category", to_string(error.category)                       },
                                 {"code",     error.code                                      },
                                 {"billing",  to_string(error.billing.value_or(Billing::free))}
    });
    if (now->cancel_asked) {
        co_await stopped(std::move(error));
        co_return;
    }
    slot_.failed(attempt.model, error);
    const bool goes_on_elsewhere = is_followed() && is_worker_gone(error) && !over_deadline_;
    const bool undecided = attempt.verdict == Verdict::pending;
    const bool may_have_left = undecided && !attempt.intent_json.empty() &&
                               error.billing.value_or(Billing::maybe_billed) != Billing::not_billed;
    if (goes_on_elsewhere || (attempt.charge == Charge::paid && may_have_left)) {
        engine_.parts_.log.write(Event::attempt_ambiguous,
                                 {
                                     {"job_id", id_.text}
        });
        co_await give_back(JobEvent::verdict_lost, std::move(error), Verdict::ambiguous);
    } else if (undecided) {
        co_await give_back(JobEvent::refused, std::move(error), Verdict::refused);
    } else {
        co_await give_back(JobEvent::attempt_lost, std::move(error), Verdict::accepted);
    }
}

asio::awaitable<void> JobRun::give_back(JobEvent as, Error error, Verdict verdict)
{
    const WallTime now = engine_.parts_.clock.wall();
    std::vector<Step> steps(1);
    steps[0].event = as;
    steps[0].edit =
        [error, verdict, now, stage = last_stage_, stages = stages_.times()](Job& changed) {
            Attempt& attempt = *changed.current();
            attempt.verdict = verdict;
            attempt.stages = stages;
            attempt.error = error;
            attempt.last_stage = stage;
            if (error.billing) attempt.billing = *error.billing;
            if (verdict != Verdict::ambiguous) {
                attempt.ended = now;
                settle(attempt);
            }
            if (error.category != Category::plugin_crashed) return;
            attempt.crashed_worker = true;
            ++changed.crashes;
        };
    co_await put(std::move(steps));
}

} // namespace reelgate
