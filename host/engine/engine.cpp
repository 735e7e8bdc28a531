#include "host/engine/engine.hpp"

#include "host/engine/job_run.hpp"
#include "host/engine/prompt_note.hpp"
#include "host/engine/queue_order.hpp"
#include "host/engine/records.hpp"

#include <algorithm>
#include <random>

namespace reelgate {
namespace {

// A job that waits is looked at again this often even if nothing has told of a change.
constexpr auto kLongestSleep = std::chrono::seconds(30);

bool has_room(const ProviderSnapshot& provider) { return provider.running < provider.slots; }

Error refused(Category category, std::string text, std::string code, Phase phase = Phase::admit)
{
    return Error{
        .category = category, .text = std::move(text), .code = std::move(code), .phase = phase};
}

std::uint64_t drawn_seed()
{
    thread_local std::mt19937_64 random{std::random_device{}()};
    return random() & 0x7fff'ffffULL; // 31 bits: what every model and every client can hold
}

} // namespace

Engine::Engine(EngineParts parts, EngineSettings settings)
    : parts_(parts), settings_(std::move(settings)), alarm_(parts.loop),
      purses_(parts.loop, parts.store, parts.clock, [this] { wake(); }),
      retiring_(parts.loop.get_executor()), counting_(parts.loop.get_executor()),
      tasks_(parts.loop.get_executor())
{
    purses_.configure(settings_.spend_per_day);
    parts_.store.on_change([this](const Job& job, const StoredEvent& event) {
        purses_.stored(job);
        hub_.changed(job, event.cursor);
        if (is_final(job.state)) waits_.erase(job.id);
        wake();
    });
}

Engine::~Engine() = default;

void Engine::add(SlotConfig config, std::unique_ptr<Provider> provider)
{
    slots_.push_back(std::make_shared<ProviderSlot>(
        std::move(config), std::move(provider), parts_.clock, parts_.log, [this] { wake(); }));
}

void Engine::start()
{
    counting_.spawn(purses_.keep());
    for (const auto& slot : slots_)
        tasks_.spawn(watch(slot));
    for (const Job* job : parts_.store.live_jobs())
        if (job->state != JobState::queued) {
            busy_.insert(job->id);
            tasks_.spawn(take_up(job->id));
        }
    tasks_.spawn(turns());
    tasks_.spawn(sweep());
    wake();
}

void Engine::reached(Milestone milestone, const JobId& id) const
{
    parts_.log.write(Event::job_milestone,
                     {
                         {"job_id",    id.text             },
                         {"milestone", to_string(milestone)}
    });
    if (on_milestone) on_milestone(milestone, id);
}

std::shared_ptr<ProviderSlot> Engine::slot(const std::string& id) const
{
    const auto found = std::find_if(
        slots_.begin(), slots_.end(), [&](const auto& slot) { return slot->config().id == id; });
    return found == slots_.end() ? nullptr : *found;
}

std::filesystem::path Engine::inputs_of(const std::string& name) const
{
    return parts_.inputs_root / name;
}

// Admission.

const Chain& Engine::chain_for(const JobOrder& order) const
{
    static const Chain nobody;
    const std::string& wanted =
        order.route.chain.empty() ? settings_.default_chain : order.route.chain;
    const auto found = std::find_if(settings_.chains.begin(),
                                    settings_.chains.end(),
                                    [&](const Chain& chain) { return chain.id == wanted; });
    return found == settings_.chains.end() ? nobody : *found;
}

KeyView Engine::key_of(const std::string& owner) const
{
    const auto found = settings_.keys.find(owner);
    if (found == settings_.keys.end()) return {};
    KeyView key = found->second;
    key.left = purses_.left(owner);
    return key;
}

std::vector<ProviderSnapshot> Engine::snapshots() const
{
    std::vector<ProviderSnapshot> all;
    all.reserve(slots_.size());
    for (const auto& slot : slots_)
        all.push_back(slot->snapshot());
    return all;
}

Decision Engine::decide_now(const JobOrder& order,
                            std::span<const Attempt> attempts,
                            std::uint64_t seed,
                            WallTime created,
                            std::span<const ProviderSnapshot> snapshots,
                            std::optional<WallTime> waiting_since) const
{
    return decide({.order = order,
                   .attempts = attempts,
                   .providers = snapshots,
                   .chain = chain_for(order),
                   .limits = settings_.limits,
                   .key = key_of(order.owner),
                   .seed = seed,
                   .created = created,
                   .now = parts_.clock.wall(),
                   .waiting_since = waiting_since});
}

Result<Done> Engine::admissible(const JobOrder& order) const
{
    if (draining_)
        return refused(Category::worker_unavailable, "the daemon is stopping", "shutting_down");
    if (!order.route.chain.empty() && chain_for(order).id.empty())
        return invalid("route: there is no chain '" + order.route.chain + "'", "unknown_chain");
    const auto live = parts_.store.live_jobs();
    if (live.size() >= settings_.max_queued)
        return refused(Category::rate_limited,
                       "the queue is full: " + std::to_string(live.size()) + " jobs",
                       "queue_full");
    if (const auto limit = settings_.queued_per_key.find(order.owner);
        limit != settings_.queued_per_key.end()) {
        const auto mine = std::count_if(live.begin(), live.end(), [&](const Job* job) {
            return job->order.owner == order.owner;
        });
        if (static_cast<std::size_t>(mine) >= limit->second)
            return refused(Category::rate_limited,
                           "this key has " + std::to_string(mine) + " jobs waiting already",
                           "queue_full");
    }
    const std::vector<ProviderSnapshot> all = snapshots();
    const WallTime now = parts_.clock.wall();
    if (auto why = refuse_at_the_door({.order = order,
                                       .attempts = {},
                                       .providers = all,
                                       .chain = chain_for(order),
                                       .limits = settings_.limits,
                                       .key = key_of(order.owner),
                                       .seed = 0,
                                       .created = now,
                                       .now = now}))
        return *std::move(why);
    return Done{};
}

Task<Admitted> Engine::submit(JobOrder order, std::optional<IdempotencyKey> key)
{
    co_await purses_.until_known();
    RG_CO_CHECK(admissible(order));
    const std::uint64_t seed = order.wish.seed.value_or(drawn_seed());
    RG_CO_TRY(Admitted admitted,
              co_await parts_.store.create(std::move(order), seed, std::move(key)));
    if (!admitted.replayed) {
        reached(Milestone::job_stored, admitted.job.id);
        const std::string prompt = prompt_note(settings_.prompts, admitted.job.order.wish.prompt);
        parts_.log.write(Event::job_created,
                         {
                             {"job_id", admitted.job.id.text},
                             {"prompt", prompt              }
        });
    }
    wake();
    co_return admitted;
}

Task<Job> Engine::find(JobId id) { co_return co_await parts_.store.find(std::move(id)); }

// The scheduler.

void Engine::wake()
{
    woken_ = true;
    alarm_.cancel();
}

asio::awaitable<void> Engine::turns()
{
    while (!draining_) {
        woken_ = false;
        const WallTime next = turn();
        if (woken_) continue; // what it did has changed something
        const auto sleep = std::clamp<WallTime::duration>(
            next - parts_.clock.wall(), std::chrono::milliseconds(1), kLongestSleep);
        alarm_.expires_after(std::chrono::duration_cast<std::chrono::nanoseconds>(sleep));
        boost::system::error_code ended;
        co_await alarm_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    }
}

WallTime Engine::turn()
{
    const WallTime now = parts_.clock.wall();
    WallTime earliest = now + kLongestSleep;
    if (!purses_.are_known()) return earliest; // whoever is decided on may spend
    std::vector<const Job*> queued;
    for (const Job* job : parts_.store.live_jobs())
        if (job->state == JobState::queued && !busy_.contains(job->id)) queued.push_back(job);
    if (queued.empty()) return earliest;

    std::vector<ProviderSnapshot> all = snapshots();
    for (const Job* job : in_turn(std::move(queued), now)) {
        // With every place taken, only a wait that is over can change anything for a job that has
        // been looked at before.
        const auto noted = waits_.find(job->id);
        const bool place_free = std::any_of(all.begin(), all.end(), has_room);
        const bool due =
            noted == waits_.end() || (noted->second.until && *noted->second.until <= now);
        if (place_free || due) look_at(*job, all);
        if (const auto wait = waits_.find(job->id); wait != waits_.end() && wait->second.until)
            earliest = std::min(earliest, *wait->second.until);
    }
    return earliest;
}

void Engine::look_at(const Job& job, std::vector<ProviderSnapshot>& all)
{
    const auto noted = waits_.find(job.id);
    const auto since = noted == waits_.end() ? std::nullopt : noted->second.since;
    const Decision decision =
        decide_now(job.order, job.attempts, job.seed, job.created, all, since);
    if (const auto* wait = std::get_if<Wait>(&decision.outcome)) {
        WaitNote note{.for_what = wait->for_what, .until = wait->until};
        if (wait->for_what == Waiting::waiting_for_provider)
            note.since = since.value_or(parts_.clock.wall());
        waits_[job.id] = note;
        return;
    }
    waits_.erase(job.id);
    busy_.insert(job.id);
    const std::string record = route_record(
        decision, {chain_for(job.order).id, settings_.config_revision, parts_.clock.wall()});
    if (const auto* over = std::get_if<GiveUp>(&decision.outcome)) {
        tasks_.spawn(give_up(job.id, *over, record));
        return;
    }
    const auto& dispatch = std::get<Dispatch>(decision.outcome);
    const auto chosen = std::find_if(
        all.begin(), all.end(), [&](const auto& p) { return p.id == dispatch.provider; });
    ++chosen->running;
    auto place = slot(dispatch.provider);
    place->begin();
    purses_.promise(job.id, job.attempts.size() + 1, job.order.owner, dispatch.reserve);
    reached(Milestone::decided, job.id);
    tasks_.spawn(carry(job.id, dispatch, std::move(place), record));
}

asio::awaitable<void>
Engine::carry(JobId id, Dispatch dispatch, std::shared_ptr<ProviderSlot> place, std::string record)
{
    JobRun run(*this, *place, id);
    co_await run.from_the_start(std::move(dispatch), std::move(record));
    place->end();
    purses_.withdraw(id);
    busy_.erase(id);
    wake();
}

asio::awaitable<void> Engine::give_up(JobId id, GiveUp why, std::string record)
{
    std::vector<Step> steps;
    steps.push_back(end_as(why.as, why.error));
    const auto recorded = co_await parts_.store.record_route(id, std::move(record));
    const auto applied = co_await parts_.store.apply(id, std::move(steps));
    if (!recorded || !applied) note_bug("giving up", recorded ? applied.error() : recorded.error());
    parts_.log.write(Event::job_failed,
                     {
                         {"job_id",   id.text                      },
                         {"category", to_string(why.error.category)},
                         {"code",     why.error.code               }
    });
    busy_.erase(id);
    wake();
}

void Engine::note_bug(std::string_view doing, const Error& error) const
{
    const std::string text = error.sentence();
    parts_.log.write(Event::internal_fault,
                     {
                         {"doing", doing},
                         {"text",  text }
    });
}

Explained Engine::explain(const JobOrder& order, const std::map<std::string, Health>& assume) const
{
    std::vector<ProviderSnapshot> all = snapshots();
    for (ProviderSnapshot& provider : all)
        if (const auto health = assume.find(provider.id); health != assume.end())
            provider.health = health->second;
    const WallTime now = parts_.clock.wall();
    return {.decision = decide_now(order, {}, order.wish.seed.value_or(0), now, all, {}),
            .chain = chain_for(order).id,
            .config_revision = settings_.config_revision,
            .at = now};
}

std::optional<Engine::WaitNote> Engine::waiting(const JobId& id) const
{
    const auto found = waits_.find(id);
    return found == waits_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::size_t> Engine::queue_position(const JobId& id) const
{
    std::size_t position = 0;
    for (const Job* job : parts_.store.live_jobs()) {
        if (job->state != JobState::queued) continue;
        if (job->id == id) return position;
        ++position;
    }
    return std::nullopt;
}

// Cancel, removal.

Task<CancelAnswer> Engine::cancel(JobId id)
{
    const Job* live = parts_.store.live(id);
    if (live == nullptr) {
        RG_CO_TRY(const Job job, co_await parts_.store.find(id));
        co_return invalid("the job is " + std::string(to_string(job.state)) + " already",
                          "already_final");
    }
    if (live->state != JobState::cancelling) {
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
        // Nobody works on it here, so nobody else would end it; it may go on elsewhere.
        if (live->state == JobState::ambiguous)
            steps.push_back(Step{.event = JobEvent::stopped, .edit = [now, expires](Job& job) {
                                     job.compute_stopped = false;
                                     job.current()->ended = now;
                                     job.finished = now;
                                     job.expires = expires;
                                 }});
        RG_CO_TRY(const Job asked, co_await parts_.store.apply(id, std::move(steps)));
        if (const Attempt* attempt = asked.current(); attempt != nullptr && !never_left)
            cancel_at(attempt->provider, attempt_name(asked.id, attempt->number));
        co_return CancelAnswer{asked.state, asked.compute_stopped, billing_of(asked)};
    }
    co_return CancelAnswer{live->state, live->compute_stopped, billing_of(*live)};
}

Task<Done> Engine::remove(JobId id, std::chrono::milliseconds patience)
{
    if (parts_.store.live(id) != nullptr) {
        const auto asked = co_await cancel(id);
        if (!asked && asked.error().code != "already_final") co_return asked.error();
        const auto deadline = std::chrono::steady_clock::now() + patience;
        asio::steady_timer pause(parts_.loop);
        while (parts_.store.live(id) != nullptr && std::chrono::steady_clock::now() < deadline) {
            pause.expires_after(std::chrono::milliseconds(20));
            co_await pause.async_wait(asio::use_awaitable);
        }
        if (parts_.store.live(id) != nullptr)
            co_return refused(
                Category::timeout, "the provider has not let go of it yet", "still_stopping");
    }
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

} // namespace reelgate
