// Cancels, in each phase of a job.
#include "sdk/conformance/cases.hpp"
#include "sdk/conformance/subject.hpp"

#include <nlohmann/json.hpp>

namespace reelgate::conformance {
namespace {

// A plugin that tells of no progress by then is at work on something else: it loads its model.
constexpr auto kLoading = 300ms;

Verdict failed_with(const Error& error) { return failed(error.sentence()); }

// A cancelled run says so, in time; one that was done before the cancel arrived has done nothing
// wrong.
Verdict judge_cancel(const Subject& s, const RunRecord& record)
{
    if (!record.cancelled) return skipped("its longest film was done before it could be cancelled");
    if (record.verdict && record.after_cancel > s.description->cancel_within)
        return failed("it went on for " + std::to_string(record.after_cancel.count()) +
                      " ms after the cancel and finished its film");
    if (record.verdict)
        return skipped("its longest film was done " + std::to_string(record.after_cancel.count()) +
                       " ms after the cancel, within its cancel_within_s: nothing was tried");
    const Error& error = record.verdict.error();
    if (error.code == "cancel_forced")
        return failed("it did not stop within its cancel_within_s and had to be killed: look at "
                      "cancel_fd or is_cancelled between steps");
    if (error.category != Category::cancelled) return failed("it answered " + error.sentence());
    if (record.after_cancel > s.description->cancel_within)
        return failed("it took " + std::to_string(record.after_cancel.count()) + " ms");
    return passed(std::to_string(record.after_cancel.count()) + " ms");
}

Verdict cancelled_run(Subject& s, CancelPlan plan)
{
    if (const auto why = s.cannot_run()) return *why;
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    return judge_cancel(s, live.run(s.heaviest(*s.easiest()), plan));
}

// After whatever went before, a small film is made as ever.
Verdict next_run_is_good(Subject& s, RawWorker& worker)
{
    worker.begin("next", s.smallest(*s.easiest()));
    const auto done = worker.next("done");
    if (!done) return failed("in the next run " + worker.end().value_or("it did not end"));
    if (done->value("status", Json()) == Json(RG_OK)) return passed();
    return failed(
        "the next run failed: " +
        done->value("failure", Json()).dump(-1, ' ', true, Json::error_handler_t::replace));
}

// The end of the job `first`, which was cancelled.
Verdict judge_done(const Subject& s, RawWorker& worker)
{
    const auto done = worker.next("done", s.description->cancel_within);
    if (!done)
        return failed(worker.end().value_or("its run did not end within its cancel_within_s"));
    const Json status = done->value("status", Json());
    if (status == RG_CANCELLED) return passed();
    if (status == RG_OK)
        return skipped("it was done within its cancel_within_s: nothing was tried");
    return failed(
        "it answered " +
        done->value("failure", Json()).dump(-1, ' ', true, Json::error_handler_t::replace));
}

// Begins a job and returns the frame in which it waits for that answer; a paid run waits twice.
Result<Json> waits_in(RawWorker& worker, const Request& request, std::string_view type)
{
    worker.answers = false;
    worker.begin("first", request);
    for (const std::string_view waiting : {"intend", "accepted"}) {
        auto frame = worker.next(waiting);
        if (!frame)
            return internal_error(worker.end().value_or("it said no " + std::string(waiting)));
        if (waiting == type) return *std::move(frame);
        worker.answer(*frame, RG_OK);
    }
    return internal_error("it waits for no " + std::string(type));
}

} // namespace

Verdict cancel_before_progress(Subject& s) { return cancelled_run(s, {.after_progress = 0}); }

Verdict cancel_midway(Subject& s)
{
    Verdict best = skipped("");
    for (const unsigned moment : {1U, 2U, 3U}) {
        Verdict v = cancelled_run(s, {.after_progress = moment});
        if (v.outcome == Outcome::failed) return v;
        if (best.outcome != Outcome::passed) best = std::move(v);
    }
    return best;
}

Verdict cancel_while_loading(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    const RunRecord record = live.run(s.heaviest(*s.easiest()), {.after_time = kLoading});
    if (record.told_before_cancel > 0 || !record.cancelled)
        return skipped("it tells of progress within " + std::to_string(kLoading / 1ms) + " ms");
    return judge_cancel(s, record);
}

// What the daemon answers to an intent of a job that is cancelled: nothing may leave any more.
Verdict cancel_while_intending(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    if (!s.is_paid()) return skipped("it is free");
    RawWorker worker(s, s.settings());
    if (const auto opened = worker.open(); !opened) return failed(opened.error().text);
    const auto intend = waits_in(worker, s.smallest(*s.easiest()), "intend");
    if (!intend) return failed(intend.error().text);
    worker.cancel("first");
    worker.answer(*intend, RG_CANCELLED);
    Verdict verdict = judge_done(s, worker);
    if (worker.next("accepted", 0ms)) return failed("it said accepted after it was cancelled");
    return verdict;
}

Verdict cancel_once_accepted(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    if (!s.is_paid()) return skipped("it is free");
    RawWorker worker(s, s.settings());
    if (const auto opened = worker.open(); !opened) return failed(opened.error().text);
    const auto accepted = waits_in(worker, s.heaviest(*s.easiest()), "accepted");
    if (!accepted) return failed(accepted.error().text);
    worker.cancel("first");
    worker.answer(*accepted, RG_OK);
    return judge_done(s, worker);
}

// The work is accepted in one life, and cancelled in the next, as after a crash of the host.
Verdict cancel_while_resuming(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    if (!s.is_paid()) return skipped("it is free");
    const ProviderSettings settings = s.settings();
    const Request request = s.heaviest(*s.easiest());
    Json remote;
    {
        RawWorker worker(s, settings);
        if (const auto opened = worker.open(); !opened) return failed(opened.error().text);
        const auto accepted = waits_in(worker, request, "accepted");
        if (!accepted) return failed(accepted.error().text);
        remote = accepted->value("remote", Json::object());
    }
    RawWorker later(s, settings);
    if (const auto opened = later.open(); !opened) return failed(opened.error().text);
    if (later.hello.value("resume", Json()) != Json(true)) return skipped("it cannot resume");
    later.resume("first", request, remote);
    later.cancel("first");
    return judge_done(s, later);
}

// The daemon cancels a job once. A program gets its frames as they are and may not trip over more.
Verdict cancel_twice(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    RawWorker worker(s, s.settings());
    if (const auto opened = worker.open(); !opened) return failed(opened.error().text);
    worker.begin("first", s.heaviest(*s.easiest()));
    worker.cancel("first");
    worker.cancel("first");
    if (!worker.next("done", s.description->cancel_within))
        return failed("after two cancels " + worker.end().value_or("its run did not end in time"));
    return next_run_is_good(s, worker);
}

// A cancel and the `done` of its job may meet on the way.
Verdict cancel_after_done(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    RawWorker worker(s, s.settings());
    if (const auto opened = worker.open(); !opened) return failed(opened.error().text);
    worker.begin("first", s.smallest(*s.easiest()));
    if (!worker.next("done")) return failed(worker.end().value_or("its run did not end"));
    worker.cancel("first");
    return next_run_is_good(s, worker);
}

} // namespace reelgate::conformance
