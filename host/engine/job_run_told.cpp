// What a provider says while it works: shown, or on disk before it is answered.
#include "host/engine/job_run.hpp"

#include <utility>

namespace reelgate {
namespace {

ProgressSource source_of(rg_source source)
{
    switch (source) {
    case RG_MEASURED:
        return ProgressSource::measured;
    case RG_ESTIMATED:
        return ProgressSource::estimated;
    default:
        return ProgressSource::none;
    }
}

std::string heard(const ProgressNote& note)
{
    if (note.steps == 0) return note.stage;
    return note.stage + " " + std::to_string(note.step) + " of " + std::to_string(note.steps);
}

} // namespace

void JobRun::on_progress(const ProgressNote& note)
{
    slot_.progressed();
    heard_ = true;
    last_stage_ = note.stage;
    last_heard_ = heard(note);
    stages_.entered(note.stage, engine_.parts_.clock.now());
    Progress progress{.attempt = plan_.number,
                      .source = source_of(note.source),
                      .value = note.value,
                      .stage = note.stage,
                      .step = note.step,
                      .steps = note.steps,
                      .at = engine_.parts_.clock.wall()};
    const bool first = !engine_.hub_.latest(id_);
    const Job* const now = job();
    if (now == nullptr) return;
    engine_.hub_.progressed(*now, std::move(progress));
    if (first) engine_.reached(Milestone::running, id_);
    if (note.stage == "download" && note.value > 0) engine_.reached(Milestone::download_half, id_);
}

void JobRun::on_preview(const std::string& path)
{
    const Job* const now = job();
    if (now == nullptr) return;
    engine_.hub_.previewed(*now,
                           {.attempt = plan_.number, .work_dir = plan_.work_dir, .path = path});
}

void JobRun::on_intend(const std::string& what_json, Ack ack)
{
    writes_.spawn(store_intent(what_json, std::move(ack)));
}

asio::awaitable<void> JobRun::store_intent(std::string what_json, Ack ack)
{
    if (!goes_on()) {
        ack(RG_CANCELLED);
        co_return;
    }
    auto edit = [what = std::move(what_json)](Job& changed) {
        Attempt& attempt = *changed.current();
        attempt.intent_json = what;
        if (attempt.charge == Charge::paid) attempt.billing = Billing::maybe_billed;
    };
    const auto noted = co_await engine_.parts_.store.note(id_, std::move(edit));
    if (noted) engine_.reached(Milestone::intent_stored, id_);
    ack(noted ? RG_OK : RG_FAILED);
    if (noted) engine_.reached(Milestone::request_sent, id_); // from here on it may have left
}

void JobRun::on_accepted(const std::string& remote_json, Ack ack)
{
    engine_.reached(Milestone::id_received, id_);
    writes_.spawn(store_acceptance(remote_json, std::move(ack)));
}

asio::awaitable<void> JobRun::store_acceptance(std::string remote_json, Ack ack)
{
    auto edit = [remote = std::move(remote_json), now = engine_.parts_.clock.wall()](Job& changed) {
        Attempt& attempt = *changed.current();
        attempt.remote_json = remote;
        attempt.verdict = Verdict::accepted;
        attempt.accepted = now;
        if (attempt.charge == Charge::paid) attempt.billing = Billing::billed;
    };
    // Cancelled meanwhile, or begun already: then the identity alone is news.
    Result<Job> stored = internal_error("not stored");
    const Job* const now = job();
    if (now != nullptr && next(now->state, JobEvent::accepted)) {
        std::vector<Step> steps;
        steps.push_back(Step{JobEvent::accepted, std::move(edit)});
        stored = co_await engine_.parts_.store.apply(id_, std::move(steps));
    } else {
        stored = co_await engine_.parts_.store.note(id_, std::move(edit));
    }
    if (stored) engine_.reached(Milestone::accepted_stored, id_);
    ack(stored ? RG_OK : RG_FAILED);
}

} // namespace reelgate
