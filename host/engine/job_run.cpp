#include "host/engine/job_run.hpp"

#include "host/engine/params.hpp"
#include "host/engine/records.hpp"

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// Accepted work is followed through so many deaths of the worker in a row, in which nothing was
// heard; then it rests, as a lost verdict does, and is asked about ever more rarely.
constexpr unsigned kFollowsInVain = 5;
constexpr auto kOpenPatience = std::chrono::seconds(2);
constexpr auto kLongestRest = std::chrono::milliseconds(std::chrono::minutes(1));

// An attempt's directory, with copies of the order's inputs in it. What cannot be written is taken
// for want of room: somebody may put it right while the job waits.
Result<Done> make_work_dir(const fs::path& dir, const fs::path& inputs, const Request& request)
{
    std::error_code failed;
    fs::remove_all(dir, failed); // of an earlier try of the same attempt
    fs::create_directories(dir / "inputs", failed);
    if (failed)
        return system_error(Category::storage_full, "making " + dir.string(), failed.value());
    fs::permissions(dir, fs::perms::owner_all, failed);
    for (const RequestInput& input : request.inputs) {
        const fs::path kept = inputs / fs::path(input.path).filename();
        if (std::error_code unseen; !fs::exists(kept, unseen) && !unseen)
            return internal_error("the input " + input.path + " is gone");
        fs::copy_file(kept, dir / input.path, failed);
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

bool JobRun::goes_on() const
{
    const Job* const now = job();
    return now != nullptr && !now->cancel_asked && !over_deadline_ && !engine_.leaving_;
}

// From the decision to the provider.

Attempt JobRun::drawn_up(const Job& job, Dispatch dispatch)
{
    Attempt attempt;
    attempt.number = static_cast<unsigned>(job.attempts.size()) + 1;
    attempt.generation = job.revision + 1;
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
                      : params_for(job.order, attempt.plugin, *description);
    if (params)
        attempt.request.params_json = *std::move(params);
    else
        unfit_ = std::move(params).error();
    return attempt;
}

Task<Done> JobRun::pick(Dispatch dispatch, std::string record)
{
    const Job* const before = job();
    if (before == nullptr) co_return internal_error("a job was picked that has ended");
    const Attempt attempt = drawn_up(*before, std::move(dispatch));
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

Task<Done> JobRun::make_work_dir_once()
{
    const Job* const now = job();
    if (now == nullptr) co_return internal_error("a job has ended before it began");
    auto make = [dir = plan_.work_dir,
                 inputs = engine_.inputs_of(now->order.inputs_dir),
                 request = plan_.request] { return make_work_dir(dir, inputs, request); };
    co_return co_await on_pool(engine_.parts_.pool, std::move(make));
}

// The plan, and the directory that it names; waits for space on the disk.
Task<Done> JobRun::work_dir_ready()
{
    const Job* const now = job();
    if (now == nullptr) co_return internal_error("a job has ended before it began");
    const Attempt& attempt = *now->current();
    const std::string name = attempt_name(id_, attempt.number);
    plan_ = AttemptPlan{.id = name,
                        .number = attempt.number,
                        .request = attempt.request,
                        .work_dir = engine_.parts_.work_root / attempt.provider / name,
                        .keep_dir = engine_.parts_.keep_root / name,
                        .deadline = engine_.settings_.attempt_deadline,
                        .idempotency_key = name,
                        .accept_deviations = now->order.accept_deviation,
                        .wants_mp4 = true,
                        .wants_pictures = true};
    while (true) {
        auto ready = co_await make_work_dir_once();
        const bool is_full = !ready && ready.error().category == Category::storage_full;
        bool again = false;
        if (is_full) again = co_await wait_for_room(ready.error());
        if (again) continue;
        wait_no_longer_for_room();
        co_return ready;
    }
}

asio::awaitable<void> JobRun::from_the_start(Dispatch dispatch, std::string record)
{
    co_await asio::this_coro::throw_if_cancelled(false); // it ends in order: its tasks use it
    auto picking = pick(std::move(dispatch), std::move(record));
    const Result<Done> picked = co_await std::move(picking);
    if (!picked) {
        // Cancelled meanwhile: then it was never picked, and has ended.
        if (picked.error().code != "illegal_event" && !engine_.leaving_)
            engine_.note_bug("picking", picked.error());
        co_return;
    }
    clock_.spawn(until_deadline());
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
    co_await asio::this_coro::throw_if_cancelled(false); // it ends in order: its tasks use it
    clock_.spawn(until_deadline());
    const Result<Done> ready = co_await work_dir_ready();
    if (ready) {
        if (const Job* const now = job()) plan_.remote_json = now->current()->remote_json;
        engine_.parts_.log.write(Event::job_resumed,
                                 {
                                     {"job_id",   id_.text         },
                                     {"provider", slot_.config().id}
        });
        co_await work();
    } else {
        co_await failed(ready.error());
    }
    co_await clean_up();
}

// Follows the attempt to its end: through deaths of the worker where the work itself goes on
// elsewhere.
asio::awaitable<void> JobRun::work()
{
    for (unsigned in_vain = 0; job() != nullptr;) {
        bool is_back = true;
        if (plan_.remote_json) is_back = co_await until_worker_is_back();
        if (!is_back || !goes_on()) {
            co_await let_go();
            co_return;
        }
        heard_ = false;
        restarts_ = slot_.restarts();
        auto working = work_on(tools(), plan_, *this);
        Result<std::vector<ArtifactOffer>> offers = co_await std::move(working);
        stages_.stopped(engine_.parts_.clock.now());
        co_await writes_.join();
        if (engine_.leaving_) co_return; // the next daemon takes it up from what is on disk
        if (offers) {
            co_await collect(*std::move(offers));
            co_return;
        }
        in_vain = heard_ ? 0 : in_vain + 1;
        if (!is_followed() || !is_worker_gone(offers.error()) || in_vain > kFollowsInVain) {
            co_await failed(std::move(offers).error());
            co_return;
        }
        plan_.remote_json = job()->current()->remote_json;
        co_await pause(engine_.settings_.first_rest);
    }
}

// False where it does not come back in this place, or nobody waits for it any more.
asio::awaitable<bool> JobRun::until_worker_is_back()
{
    for (auto rest = engine_.settings_.first_rest; goes_on();
         rest = std::min(2 * rest, kLongestRest)) {
        const auto opened = co_await slot_.provider()->open(kOpenPatience);
        if (opened) co_return goes_on();
        if (slot_.provider()->status().health == Health::starting) continue; // look up meanwhile
        const bool is_retired = engine_.slot(slot_.config().id).get() != &slot_;
        if (is_retired || !is_paid()) co_return false;
        co_await pause(rest);
    }
    co_return false;
}

// No worker has it now, and none will: what goes on elsewhere is told to stop, unless it is wanted.
asio::awaitable<void> JobRun::let_go()
{
    const Job* const now = job();
    if (now == nullptr || engine_.leaving_) co_return;
    const bool is_cancelled = now->cancel_asked;
    Error why{.category = is_cancelled ? Category::cancelled : Category::worker_unavailable,
              .text = is_cancelled ? "cancelled" : "its worker does not come back",
              .phase = Phase::queue};
    if (is_followed()) {
        why.compute_stopped = false; // as far as anybody knows
        why.billing = now->current()->billing;
        if (!goes_on()) co_await engine_.tell_to_stop(id_, slot_, now->current()->remote_json);
        if (engine_.leaving_) co_return; // who knows whether it was heard: the next daemon asks
    }
    co_await failed(std::move(why));
}

// As long as it goes on at all.
asio::awaitable<void> JobRun::pause(std::chrono::nanoseconds longest)
{
    const auto latest = std::chrono::steady_clock::now() + longest;
    while (goes_on() && std::chrono::steady_clock::now() < latest)
        co_await engine_.bell_.wait_until(latest);
}

asio::awaitable<void> JobRun::until_deadline()
{
    const Job* const begun = job();
    if (begun == nullptr) co_return;
    const WallTime now = engine_.parts_.clock.wall();
    const auto total = begun->order.deadline.value_or(engine_.settings_.limits.deadline);
    const auto left = std::min<WallTime::duration>(begun->began() + total - now,
                                                   engine_.settings_.attempt_deadline);
    deadline_.expires_after(std::chrono::duration_cast<std::chrono::nanoseconds>(left));
    boost::system::error_code stopped_first;
    co_await deadline_.async_wait(asio::redirect_error(asio::use_awaitable, stopped_first));
    if (stopped_first) co_return;
    over_deadline_ = true;
    slot_.provider()->cancel(plan_.id);
    if (slot_.charge() == Charge::free) engine_.parts_.media.stop(plan_.id); // else it is paid for
    engine_.bell_.ring();
}

bool JobRun::is_paid() const
{
    const Job* const now = job();
    return now != nullptr && now->current()->charge == Charge::paid;
}

// It has died, or cannot be reached: that says nothing of work that goes on elsewhere. What a
// plugin that lives says in the same words is its verdict.
bool JobRun::is_worker_gone(const Error& error) const
{
    const bool says_so = error.category == Category::plugin_crashed ||
                         error.category == Category::worker_unavailable;
    const Health health = slot_.provider()->status().health;
    const bool is_up = health == Health::ready || health == Health::busy;
    return says_so && (!is_up || slot_.restarts() != restarts_);
}

bool JobRun::is_followed() const { return is_paid() && !job()->current()->remote_json.empty(); }

asio::awaitable<void> JobRun::clean_up()
{
    wait_no_longer_for_room();
    deadline_.cancel();
    co_await clock_.join();
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
