// What a restart, or a lost answer, means for a job that was not at rest. Nothing here submits:
// accepted work is followed, work that cost nothing may begin again, and what may have been paid
// for waits until somebody knows.
#include "host/engine/engine.hpp"
#include "host/engine/job_run.hpp"
#include "host/plugin/reconcile.hpp"

#include <algorithm>

namespace reelgate {
namespace {

constexpr auto kFirstAsk = std::chrono::seconds(10);
constexpr auto kLongestPause = std::chrono::minutes(10);

Error host_restarted(const Attempt& attempt)
{
    return Error{.category = Category::worker_unavailable,
                 .text = "the daemon ended while " + attempt.provider + " was at work",
                 .code = "host_restarted",
                 .phase = Phase::run,
                 .billing = attempt.charge == Charge::free ? Billing::free : Billing::not_billed};
}

Error orphaned(const Attempt& attempt)
{
    return Error{.category = Category::submit_ambiguous,
                 .text = "the work was accepted by " + attempt.provider + " (" + attempt.plugin +
                         "), which is no longer configured",
                 .code = "orphaned",
                 .hint = "configure it again, or say what became of " + attempt.remote_json,
                 .phase = Phase::poll,
                 .billing = Billing::billed};
}

Error given_up(const Attempt& attempt)
{
    if (!attempt.remote_json.empty())
        return Error{.category = Category::submit_ambiguous,
                     .text = "the work was accepted by " + attempt.provider +
                             " and could not be followed to its end",
                     .code = "never_followed",
                     .hint = "look for " + attempt.remote_json + " at the provider itself",
                     .phase = Phase::poll,
                     .billing = Billing::billed};
    return Error{.category = Category::submit_ambiguous,
                 .text = "it never became known whether " + attempt.provider + " accepted the work",
                 .code = "never_answered",
                 .hint = "look at the provider's own list of jobs before asking again",
                 .phase = Phase::submit,
                 .billing = Billing::maybe_billed};
}

// It is known that nothing was accepted: as good as a connection that never came about.
Error never_arrived(const Attempt& attempt)
{
    return Error{.category = Category::network_error,
                 .text = attempt.provider + " knows nothing of the work: it never arrived",
                 .code = "never_arrived",
                 .phase = Phase::connect,
                 .billing = Billing::not_billed};
}

// A person has decided: it may have been paid for, and is not waited for.
Error written_off(const Attempt& attempt)
{
    return Error{.category = Category::submit_ambiguous,
                 .text = "what " + attempt.provider + " may have accepted was given up as lost",
                 .code = "written_off",
                 .phase = Phase::submit,
                 .billing = Billing::maybe_billed};
}

Error unknown_at_cancel(const Attempt& attempt)
{
    return Error{.category = Category::cancelled,
                 .text = "cancelled while nobody knew whether " + attempt.provider +
                         " had accepted the work",
                 .phase = Phase::submit,
                 .billing = attempt.billing,
                 .compute_stopped = false};
}

Step ended_step(JobEvent event, Error error, Verdict verdict, WallTime now)
{
    return Step{.event = event, .edit = [error = std::move(error), verdict, now](Job& job) {
                    Attempt& attempt = *job.current();
                    attempt.verdict = verdict;
                    attempt.error = error;
                    if (verdict != Verdict::ambiguous) attempt.ended = now;
                    if (error.billing) attempt.billing = *error.billing;
                }};
}

} // namespace

// The steps that put a job to rest whose attempt died with the last daemon.
std::vector<Step> Engine::leftover_steps(const Job& job) const
{
    const Attempt& attempt = *job.current();
    const WallTime now = parts_.clock.wall();
    std::vector<Step> steps;
    if (job.state == JobState::cancelling) {
        Error error = host_restarted(attempt);
        error.billing = attempt.billing;
        steps.push_back(ended_step(JobEvent::stopped, std::move(error), attempt.verdict, now));
        steps[0].edit =
            [edit = std::move(steps[0].edit), now, keep = settings_.keep_artifacts](Job& changed) {
                edit(changed);
                const Attempt& last = *changed.current(); // what may have left may go on elsewhere
                changed.compute_stopped = last.charge == Charge::free || last.intent_json.empty();
                changed.finished = now;
                changed.expires = now + keep;
            };
    } else if (attempt.charge == Charge::free) {
        steps.push_back(
            ended_step(JobEvent::attempt_lost, host_restarted(attempt), attempt.verdict, now));
    } else if (attempt.intent_json.empty()) {
        steps.push_back(
            ended_step(JobEvent::refused, host_restarted(attempt), Verdict::not_sent, now));
    } else {
        Error error = host_restarted(attempt);
        error.billing = Billing::maybe_billed;
        steps.push_back(
            ended_step(JobEvent::verdict_lost, std::move(error), Verdict::ambiguous, now));
    }
    if (!was_killed_) return steps;
    parts_.log.write(Event::job_suspected,
                     {
                         {"job_id",   job.id.text     },
                         {"provider", attempt.provider}
    });
    steps[0].edit = [edit = std::move(steps[0].edit)](Job& changed) {
        edit(changed);
        ++changed.current()->host_deaths;
    };
    return steps;
}

asio::awaitable<void> Engine::take_up(JobId id)
{
    co_await purses_.until_known(); // what has changed by then is counted, no more and no less
    const Job* const job = parts_.store.live(id);
    if (job == nullptr || job->state == JobState::queued) { // somebody decided it meanwhile
        put_down(id);
        co_return;
    }
    const Attempt attempt = *job->current();
    const auto place = place_of(attempt);
    const bool same = place != nullptr;

    if (job->state == JobState::ambiguous) {
        // Below.
    } else if (attempt.remote_json.empty() || job->state == JobState::cancelling) {
        if (job->state == JobState::cancelling && !attempt.remote_json.empty() && same)
            co_await abandon(id, place);
        else
            co_await settle(id, leftover_steps(*job));
    } else if (same) {
        co_await follow(id, place);
    } else {
        co_await orphan(id, attempt);
    }
    co_await reconcile(id);
    put_down(id);
}

// Its provider is another now, or none: what was paid for is asked about when it is back.
asio::awaitable<void> Engine::orphan(JobId id, Attempt attempt)
{
    std::vector<Step> steps;
    if (attempt.charge == Charge::free)
        steps = leftover_steps(*parts_.store.live(id));
    else
        steps.push_back(ended_step(
            JobEvent::verdict_lost, orphaned(attempt), Verdict::ambiguous, parts_.clock.wall()));
    const bool is_settled = co_await settle(id, std::move(steps));
    if (!is_settled || attempt.charge == Charge::free) co_return;
    parts_.log.write(Event::attempt_ambiguous,
                     {
                         {"job_id", id.text   },
                         {"code",   "orphaned"}
    });
}

// False where somebody else was first.
asio::awaitable<bool> Engine::settle(JobId id, std::vector<Step> steps)
{
    const auto applied = co_await parts_.store.apply(id, std::move(steps));
    if (!applied && !leaving_ && applied.error().code != "illegal_event")
        note_bug("settling what became of an attempt", applied.error());
    co_return applied.has_value();
}

// Accepted work: the same remote job, the same provider, no submit.
asio::awaitable<void> Engine::follow(JobId id, std::shared_ptr<ProviderSlot> place)
{
    place->begin();
    {
        JobRun run(*this, *place, id);
        co_await run.from_remote();
    }
    place->end();
}

asio::awaitable<void> Engine::abandon(JobId id, std::shared_ptr<ProviderSlot> place)
{
    co_await tell_to_stop(id, *place, parts_.store.live(id)->current()->remote_json);
    if (leaving_) co_return; // who knows whether it was heard: the next daemon asks
    const Job* job = parts_.store.live(id);
    if (job != nullptr) co_await settle(id, leftover_steps(*job));
}

asio::awaitable<void> Engine::tell_to_stop(JobId id, ProviderSlot& place, std::string remote_json)
{
    const auto opened = co_await place.provider()->open(kFirstAsk);
    if (opened) {
        const auto answer = co_await place.provider()->abandon(std::move(remote_json));
        if (answer) co_return;
    }
    parts_.log.write(Event::attempt_ambiguous,
                     {
                         {"job_id", id.text        },
                         {"code",   "not_abandoned"}
    });
}

// Until it is known, a person decides, or the job's own deadline is over. A job that is not
// ambiguous is let be.
asio::awaitable<void> Engine::reconcile(JobId id)
{
    auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(kFirstAsk);
    while (!draining_) {
        const Job* const job = parts_.store.live(id);
        if (job != nullptr && job->state == JobState::cancelling) {
            std::vector<Step> steps;
            steps.push_back(cancelled_unknown());
            co_await settle(id, std::move(steps));
            co_return;
        }
        if (job == nullptr || job->state != JobState::ambiguous) co_return; // somebody decided
        const Attempt attempt = *job->current();
        const WallTime now = parts_.clock.wall();
        const WallTime deadline =
            job->began() + job->order.deadline.value_or(settings_.limits.deadline);
        if (now >= deadline) {
            std::vector<Step> steps;
            steps.push_back(end_as(JobEvent::gave_up, given_up(attempt)));
            co_await settle(id, std::move(steps));
            co_return;
        }
        co_await ask_what_became(id, attempt);
        co_await while_ambiguous(id, std::min<std::chrono::nanoseconds>(wait, deadline - now));
        wait = std::min<std::chrono::nanoseconds>(2 * wait, kLongestPause);
    }
}

asio::awaitable<void> Engine::while_ambiguous(JobId id, std::chrono::nanoseconds longest)
{
    const auto latest = std::chrono::steady_clock::now() + longest;
    while (!draining_ && std::chrono::steady_clock::now() < latest) {
        const Job* const job = parts_.store.live(id);
        if (job == nullptr || job->state != JobState::ambiguous) co_return;
        co_await bell_.wait_until(latest);
    }
}

// Cancelled while nobody knew whether it had left: nobody else will end it.
Step Engine::cancelled_unknown() const
{
    const WallTime now = parts_.clock.wall();
    return Step{.event = JobEvent::stopped,
                .edit = [now, keep = settings_.keep_artifacts](Job& job) {
                    Attempt* const attempt = job.current();
                    if (attempt != nullptr && !attempt->ended) {
                        attempt->ended = now;
                        attempt->error = unknown_at_cancel(*attempt);
                    }
                    job.compute_stopped = false;
                    job.finished = now;
                    job.expires = now + keep;
                }};
}

// Where an attempt can be asked about: nowhere but at the plugin that it was sent by. What another
// one does not know proves nothing.
std::shared_ptr<ProviderSlot> Engine::place_of(const Attempt& attempt) const
{
    auto place = slot(attempt.provider);
    const bool is_same = place != nullptr && place->provider() != nullptr &&
                         place->config().plugin == attempt.plugin;
    return is_same ? place : nullptr;
}

// What is known then is acted upon. Work whose identity is on disk was accepted: it is followed,
// and nobody is asked whether it exists.
asio::awaitable<void> Engine::ask_what_became(JobId id, Attempt attempt)
{
    const auto place = place_of(attempt);
    if (place == nullptr) co_return;
    Reconciled told{.answer = Reconciled::Answer::found, .remote_json = attempt.remote_json};
    if (attempt.remote_json.empty()) {
        if (attempt.intent_json.empty()) co_return;
        auto asking = reelgate::reconcile(*place->provider(), attempt.intent_json);
        Result<Reconciled> answer = co_await std::move(asking);
        if (!answer || answer->answer == Reconciled::Answer::unknown) co_return;
        told = *std::move(answer);
    }
    const Job* job = parts_.store.live(id);
    if (job == nullptr || job->state != JobState::ambiguous || place != place_of(attempt))
        co_return;

    const bool found = told.answer == Reconciled::Answer::found;
    parts_.log.write(Event::attempt_reconciled,
                     {
                         {"job_id", id.text},
                         {"found",  found  }
    });
    std::vector<Step> steps;
    steps.push_back(found ? found_step(told.remote_json) : never_arrived_step());
    const bool is_settled = co_await settle(id, std::move(steps));
    if (found && is_settled) co_await follow(id, place);
}

Step Engine::found_step(std::string remote_json) const
{
    return Step{.event = JobEvent::accepted,
                .edit = [remote = std::move(remote_json), now = parts_.clock.wall()](Job& job) {
                    Attempt& last = *job.current();
                    last.verdict = Verdict::accepted;
                    last.remote_json = remote;
                    last.billing = Billing::billed;
                    last.error.reset();
                    if (!last.accepted) last.accepted = now;
                }};
}

Step Engine::never_arrived_step() const
{
    return Step{.event = JobEvent::written_off, .edit = [now = parts_.clock.wall()](Job& job) {
                    Attempt& last = *job.current();
                    last.verdict = Verdict::not_sent;
                    last.billing = Billing::not_billed;
                    last.error = never_arrived(last);
                    last.ended = now;
                }};
}

Task<Job> Engine::resolve(JobId id, Resolution resolution)
{
    const Job* job = parts_.store.live(id);
    if (job == nullptr || job->state != JobState::ambiguous)
        co_return invalid("only a job in `ambiguous` can be decided by a person", "not_ambiguous");
    if (resolution == Resolution::wait) co_return *job;
    std::vector<Step> steps;
    if (resolution == Resolution::lost) {
        steps.push_back(
            Step{.event = JobEvent::written_off, .edit = [now = parts_.clock.wall()](Job& changed) {
                     Attempt& last = *changed.current();
                     last.ended = now;
                     last.error = written_off(last);
                 }});
    } else {
        Error error = given_up(*job->current());
        error.code = "marked_charged";
        error.billing = Billing::billed;
        steps.push_back(end_as(JobEvent::gave_up, std::move(error)));
    }
    co_return co_await parts_.store.apply(id, std::move(steps));
}

Task<Job> Engine::retry(JobId id)
{
    RG_CO_TRY(const Job before, co_await find(id));
    if (parts_.store.live(id) != nullptr || before.state != JobState::quarantined)
        co_return invalid("only a job in `quarantined` can try again", "not_quarantined");
    RG_CO_CHECK(room_for_one_more(before.order.owner));
    std::vector<Step> steps;
    steps.push_back(
        Step{.event = JobEvent::retried, .edit = [now = parts_.clock.wall()](Job& changed) {
                 changed.retried = now;
                 changed.error.reset();
                 changed.expires.reset();
                 for (Attempt& attempt : changed.attempts)
                     attempt.forgiven = true;
             }});
    co_return co_await parts_.store.apply(id, std::move(steps));
}

Step Engine::end_as(JobEvent event, Error error) const
{
    const WallTime now = parts_.clock.wall();
    return Step{.event = event,
                .edit = [error = std::move(error), now, keep = settings_.keep_artifacts](Job& job) {
                    job.error = error;
                    job.finished = now;
                    job.expires = now + keep;
                    if (Attempt* attempt = job.current()) {
                        if (!attempt->ended) attempt->ended = now;
                        if (error.billing && attempt->verdict == Verdict::ambiguous)
                            attempt->billing = *error.billing;
                    }
                }};
}

} // namespace reelgate
