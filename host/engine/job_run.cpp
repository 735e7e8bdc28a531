#include "host/engine/job_run.hpp"

#include "host/engine/adopt.hpp"
#include "host/engine/params.hpp"

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// Accepted work is followed through so many deaths of the worker in a row before it is a person's
// business.
constexpr unsigned kFollowsInARow = 5;
constexpr auto kFollowPatience = std::chrono::minutes(10);

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

// An attempt's directory, with the order's inputs in it. Links to the same file: a worker may read
// its inputs and never write them.
Result<Done> make_work_dir(const fs::path& dir, const fs::path& inputs, const Request& request)
{
    std::error_code failed;
    fs::remove_all(dir, failed); // of an earlier try of the same attempt
    fs::create_directories(dir / "inputs", failed);
    if (failed)
        return system_error(Category::storage_full, "making " + dir.string(), failed.value());
    fs::permissions(dir, fs::perms::owner_all, failed);
    for (const RequestInput& input : request.inputs) {
        fs::copy_file(inputs / fs::path(input.path).filename(), dir / input.path, failed);
        if (failed)
            return system_error(Category::storage_full, "copying " + input.path, failed.value());
    }
    return Done{};
}

} // namespace

std::string attempt_name(const JobId& id, unsigned number)
{
    return id.text + '.' + std::to_string(number);
}

JobRun::JobRun(Engine& engine, ProviderSlot& slot, JobId id)
    : engine_(engine), slot_(slot), id_(std::move(id)), deadline_(engine.parts_.loop),
      clock_(engine.parts_.loop.get_executor()), writes_(engine.parts_.loop.get_executor())
{
}

const Job& JobRun::job() const { return *engine_.parts_.store.live(id_); }

// From the decision to the provider.

Task<Done> JobRun::pick(Dispatch dispatch, std::string record)
{
    Attempt attempt;
    attempt.number = static_cast<unsigned>(job().attempts.size()) + 1;
    attempt.generation = job().revision + 1;
    attempt.provider = slot_.config().id;
    attempt.plugin = slot_.config().plugin;
    attempt.plugin_identity = slot_.config().plugin_identity;
    attempt.model = dispatch.model;
    attempt.config_revision = engine_.settings_.config_revision;
    attempt.charge = slot_.charge();
    attempt.request = std::move(dispatch.request);
    attempt.warnings = std::move(dispatch.warnings);
    attempt.reserved = dispatch.reserve;
    attempt.started = engine_.parts_.clock.wall();
    attempt.billing = attempt.charge == Charge::free ? Billing::free : Billing::not_billed;

    const Description* const description = slot_.provider()->description();
    auto params = description == nullptr
                      ? Result<std::string>(internal_error("a provider was chosen that is unknown"))
                      : params_for(job().order, attempt.plugin, *description);
    if (params)
        attempt.request.params_json = *std::move(params);
    else
        unfit_ = std::move(params).error();

    // Free work has no verdict to wait for: it is begun as soon as it is picked, in one write.
    std::vector<Step> steps(1);
    steps[0].event = JobEvent::picked;
    steps[0].edit = [attempt](Job& changed) {
        changed.attempts.push_back(attempt);
        changed.error.reset();
    };
    if (attempt.charge == Charge::free) {
        Step begun{.event = JobEvent::accepted};
        begun.edit = [](Job& changed) { changed.current()->verdict = Verdict::accepted; };
        steps.push_back(std::move(begun));
    }
    auto recording = engine_.parts_.store.record_route(id_, std::move(record));
    RG_CO_CHECK(co_await std::move(recording));
    RG_CO_TRY(const Job picked, co_await engine_.parts_.store.apply(id_, std::move(steps)));
    engine_.parts_.log.write(Event::route_decided,
                             {
                                 {"job_id",   id_.text        },
                                 {"attempt",  attempt.number  },
                                 {"provider", attempt.provider},
                                 {"model",    attempt.model   }
    });
    co_return Done{};
}

Task<Done> JobRun::work_dir_ready()
{
    const Attempt& attempt = *job().current();
    const std::string name = attempt_name(id_, attempt.number);
    plan_ = AttemptPlan{.id = name,
                        .number = attempt.number,
                        .request = attempt.request,
                        .work_dir = engine_.parts_.work_root / attempt.provider / name,
                        .keep_dir = engine_.parts_.keep_root / name,
                        .deadline = engine_.settings_.attempt_deadline,
                        .idempotency_key = name,
                        .accept_deviations = job().order.accept_deviation,
                        .wants_mp4 = true,
                        .wants_pictures = true};
    auto make = [dir = plan_.work_dir,
                 inputs = engine_.inputs_of(job().order.inputs_dir),
                 request = plan_.request] { return make_work_dir(dir, inputs, request); };
    co_return co_await on_pool(engine_.parts_.pool, std::move(make));
}

asio::awaitable<void> JobRun::from_the_start(Dispatch dispatch, std::string record)
{
    auto picking = pick(std::move(dispatch), std::move(record));
    const Result<Done> picked = co_await std::move(picking);
    if (!picked) {
        // Cancelled meanwhile: then it was never picked, and has ended.
        if (picked.error().code != "illegal_event") engine_.note_bug("picking", picked.error());
        co_return;
    }
    const Result<Done> ready = co_await work_dir_ready();
    if (unfit_)
        co_await failed(*unfit_);
    else if (!ready)
        co_await failed(ready.error());
    else
        co_await work();
    co_await clean_up();
}

asio::awaitable<void> JobRun::from_remote()
{
    const Result<Done> ready = co_await work_dir_ready();
    if (!ready) {
        co_await failed(ready.error());
        co_return;
    }
    plan_.remote_json = job().current()->remote_json;
    engine_.parts_.log.write(Event::job_resumed,
                             {
                                 {"job_id",   id_.text         },
                                 {"provider", slot_.config().id}
    });
    co_await work();
    co_await clean_up();
}

// Follows the attempt to its end: through deaths of the worker where the work itself goes on
// elsewhere.
asio::awaitable<void> JobRun::work()
{
    clock_.spawn(until_deadline());
    for (unsigned follows = 0;; ++follows) {
        if (job().state == JobState::cancelling) {
            Error before_it_began{.category = Category::cancelled, .text = "cancelled"};
            co_await stopped(std::move(before_it_began));
            break;
        }
        auto working = work_on(tools(), plan_, *this);
        Result<std::vector<ArtifactOffer>> offers = co_await std::move(working);
        stages_.stopped(engine_.parts_.clock.now());
        co_await asio::this_coro::throw_if_cancelled(false); // what is spawned here ends here
        co_await writes_.join();
        co_await asio::this_coro::throw_if_cancelled(true);
        if (engine_.leaving_) break; // the next daemon takes it up from what is on disk
        if (offers) {
            co_await collect(*std::move(offers));
            break;
        }
        if (!may_be_followed(offers.error()) || follows >= kFollowsInARow) {
            co_await failed(std::move(offers).error());
            break;
        }
        plan_.remote_json = job().current()->remote_json;
        const auto open_again = co_await slot_.provider()->open(kFollowPatience);
        if (!open_again) {
            asio::steady_timer pause(engine_.parts_.loop, std::chrono::seconds(1));
            co_await pause.async_wait(asio::use_awaitable);
        }
    }
    deadline_.cancel();
    co_await asio::this_coro::throw_if_cancelled(false); // the clock's task refers to this
    co_await clock_.join();
    co_await asio::this_coro::throw_if_cancelled(true);
}

asio::awaitable<void> JobRun::until_deadline()
{
    const WallTime now = engine_.parts_.clock.wall();
    const auto total = job().order.deadline.value_or(engine_.settings_.limits.deadline);
    const auto left = std::min<WallTime::duration>(job().created + total - now,
                                                   engine_.settings_.attempt_deadline);
    deadline_.expires_after(std::chrono::duration_cast<std::chrono::nanoseconds>(left));
    boost::system::error_code stopped_first;
    const std::string name = plan_.id;
    co_await deadline_.async_wait(asio::redirect_error(asio::use_awaitable, stopped_first));
    if (stopped_first) co_return;
    over_deadline_ = true;
    slot_.provider()->cancel(name);
}

bool JobRun::may_be_followed(const Error& error) const
{
    const Attempt& attempt = *job().current();
    const bool worker_gone = error.category == Category::plugin_crashed ||
                             error.category == Category::worker_unavailable;
    return worker_gone && !attempt.remote_json.empty() && attempt.charge == Charge::paid &&
           !job().cancel_asked && !over_deadline_;
}

// What the provider says while it works.

void JobRun::on_progress(const ProgressNote& note)
{
    slot_.progressed();
    stages_.entered(note.stage, engine_.parts_.clock.now());
    Progress progress{.attempt = plan_.number,
                      .source = source_of(note.source),
                      .value = note.value,
                      .stage = note.stage,
                      .step = note.step,
                      .steps = note.steps,
                      .at = engine_.parts_.clock.wall()};
    const bool first = !engine_.hub_.latest(id_);
    engine_.hub_.progressed(job(), std::move(progress));
    if (first) engine_.reached(Milestone::running, id_);
    if (note.stage == "download" && note.value > 0) engine_.reached(Milestone::download_half, id_);
}

void JobRun::on_preview(const std::string& path) { preview_ = path; }

void JobRun::on_intend(const std::string& what_json, Ack ack)
{
    writes_.spawn(store_intent(what_json, std::move(ack)));
}

asio::awaitable<void> JobRun::store_intent(std::string what_json, Ack ack)
{
    if (job().cancel_asked || over_deadline_ || engine_.leaving_) {
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
    if (next(job().state, JobEvent::accepted)) {
        std::vector<Step> steps;
        steps.push_back(Step{JobEvent::accepted, std::move(edit)});
        stored = co_await engine_.parts_.store.apply(id_, std::move(steps));
    } else {
        stored = co_await engine_.parts_.store.note(id_, std::move(edit));
    }
    if (stored) engine_.reached(Milestone::accepted_stored, id_);
    ack(stored ? RG_OK : RG_FAILED);
}

// From the provider's last word to the job's next state.

asio::awaitable<void> JobRun::put(std::vector<Step> steps)
{
    const auto stored = co_await engine_.parts_.store.apply(id_, std::move(steps));
    if (!stored) engine_.note_bug("storing what became of an attempt", stored.error());
}

asio::awaitable<void> JobRun::collect(std::vector<ArtifactOffer> offers)
{
    // A cancel that came too late for work that costs nothing is honoured all the same.
    if (job().state == JobState::cancelling && slot_.charge() == Charge::free) {
        Error too_late{.category = Category::cancelled,
                       .text = "cancelled as it was done",
                       .compute_stopped = false};
        co_await stopped(std::move(too_late));
        co_return;
    }
    if (next(job().state, JobEvent::output_ready)) {
        std::vector<Step> steps(1);
        steps[0].event = JobEvent::output_ready;
        co_await put(std::move(steps));
    }
    auto verifying = verify_offers(tools(), plan_, std::move(offers));
    Result<VerifiedVideo> video = co_await std::move(verifying);
    if (engine_.leaving_) co_return;
    if (!video) {
        co_await failed(std::move(video).error());
        co_return;
    }
    engine_.reached(Milestone::verified, id_);
    const Result<Done> adopted = co_await adopt(*std::move(video));
    if (!adopted && !engine_.leaving_) co_await failed(adopted.error());
}

Task<Done> JobRun::adopt(VerifiedVideo video)
{
    const WallTime now = engine_.parts_.clock.wall();
    Job done = job(); // as it will be, for the summary
    done.finished = now;
    done.expires = now + engine_.settings_.keep_artifacts;
    done.current()->ended = now;
    done.current()->stages = stages_.times();
    done.state = JobState::completed;
    for (const std::string& warning : done.current()->warnings)
        done.warnings.push_back(warning);

    auto take = [this, &done, &video] { return adopt_film(engine_.parts_.artifacts, video, done); };
    RG_CO_CHECK(co_await on_pool(engine_.parts_.pool, std::move(take)));
    engine_.reached(Milestone::renamed, id_);

    std::vector<Step> steps(1);
    steps[0].event = JobEvent::verified;
    steps[0].edit = [done](Job& changed) {
        changed.artifact = done.artifact;
        changed.finished = done.finished;
        changed.expires = done.expires;
        changed.warnings = done.warnings;
        changed.current()->ended = done.finished;
        changed.current()->stages = done.current()->stages;
        changed.current()->collecting = done.current()->collecting;
    };
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
    std::vector<Step> steps(1);
    steps[0].event = JobEvent::stopped;
    steps[0].edit = [error, now, expires, stages = stages_.times()](Job& changed) {
        Attempt& attempt = *changed.current();
        attempt.ended = now;
        attempt.stages = stages;
        attempt.error = error;
        if (error.billing) attempt.billing = *error.billing;
        changed.compute_stopped = error.compute_stopped.value_or(attempt.charge == Charge::free);
        changed.finished = now;
        changed.expires = expires;
    };
    co_await put(std::move(steps));
    engine_.parts_.log.write(Event::job_cancelled,
                             {
                                 {"job_id", id_.text}
    });
}

asio::awaitable<void> JobRun::failed(Error error)
{
    if (engine_.parts_.store.live(id_) == nullptr) co_return; // it has ended otherwise
    if (over_deadline_) {
        error = Error{.category = Category::timeout,
                      .text = "the attempt did not end within its time",
                      .code = "run_deadline",
                      .phase = Phase::run,
                      .billing = error.billing};
    }
    const Attempt& attempt = *job().current();
    engine_.parts_.log.write(Event::attempt_failed,
                             {
                                 {"job_id",   id_.text                                        },
                                 {"attempt",  plan_.number                                    },
                                 {"provider", slot_.config().id                               },
                                 {"category", to_string(error.category)                       },
                                 {"code",     error.code                                      },
                                 {"billing",  to_string(error.billing.value_or(Billing::free))}
    });
    if (job().state == JobState::cancelling) {
        co_await stopped(std::move(error));
        co_return;
    }
    slot_.failed(attempt.model, error);
    const bool undecided = attempt.verdict == Verdict::pending;
    const bool may_have_left = undecided && !attempt.intent_json.empty() &&
                               error.billing.value_or(Billing::maybe_billed) != Billing::not_billed;
    if (attempt.charge == Charge::paid && may_have_left) {
        co_await give_back(JobEvent::verdict_lost, std::move(error), Verdict::ambiguous);
        engine_.parts_.log.write(Event::attempt_ambiguous,
                                 {
                                     {"job_id", id_.text}
        });
        engine_.tasks_.spawn(engine_.reconcile(id_));
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
    steps[0].edit = [error, verdict, now, stages = stages_.times()](Job& changed) {
        Attempt& attempt = *changed.current();
        attempt.verdict = verdict;
        attempt.stages = stages;
        attempt.error = error;
        if (verdict != Verdict::ambiguous) attempt.ended = now;
        if (error.billing) attempt.billing = *error.billing;
        if (error.category != Category::plugin_crashed) return;
        attempt.crashed_worker = true;
        ++changed.crashes;
    };
    co_await put(std::move(steps));
}

asio::awaitable<void> JobRun::clean_up()
{
    if (engine_.leaving_) co_return;
    auto remove = [work = plan_.work_dir, keep = plan_.keep_dir] {
        std::error_code ignored; // what stays is swept at the next start
        fs::remove_all(work, ignored);
        fs::remove_all(keep, ignored);
        return true;
    };
    co_await on_pool(engine_.parts_.pool, std::move(remove));
}

} // namespace reelgate
