#include "host/engine/engine.hpp"

#include "host/engine/prompt_note.hpp"

#include <algorithm>
#include <random>

namespace reelgate {
namespace {

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
      purses_(parts.loop,
              parts.store,
              parts.clock,
              [this] {
                  waits_.world_changed();
                  wake();
              }),
      bell_(parts.loop.get_executor()), retiring_(parts.loop.get_executor()),
      counting_(parts.loop.get_executor()), tasks_(parts.loop.get_executor())
{
    purses_.configure(settings_.spend_per_day);
    parts_.store.on_change(
        [this](const Job& job, const StoredEvent& event) { took_place(job, event); });
    parts_.store.on_room([this] {
        bell_.ring();
        wake();
    });
}

Engine::~Engine() = default;

void Engine::add(SlotConfig config, std::unique_ptr<Provider> provider)
{
    slots_.push_back(std::make_shared<ProviderSlot>(
        std::move(config), std::move(provider), parts_.clock, parts_.log, [this] {
            waits_.world_changed();
            keep_breakers();
            wake();
        }));
}

void Engine::start()
{
    counting_.spawn(purses_.keep());
    for (const auto& slot : slots_)
        tasks_.spawn(watch(slot));
    for (const Job* job : parts_.store.live_jobs()) {
        count_in(job->order.owner);
        if (job->state == JobState::queued) {
            waits_.add(*job);
        } else {
            busy_.insert(job->id); // until it is taken up
        }
    }
    tasks_.spawn(sweep());
    tasks_.spawn(recall());
}

void Engine::took_place(const Job& job, const StoredEvent& event)
{
    purses_.stored(job);
    hub_.changed(job, event.cursor);
    if (event.event == JobEvent::verified) learn_from(job);
    if (!event.event || event.event == JobEvent::retried) count_in(job.order.owner);
    if (is_final(event.state)) {
        waits_.drop(job.id);
        count_out(job.order.owner);
        if (job.deleted && !leaving_) tasks_.spawn(bury(job.id));
    } else if (event.state == JobState::queued && !busy_.contains(job.id)) {
        if (const Job* const now = parts_.store.live(job.id)) waits_.add(*now);
    }
    bell_.ring();
    wake();
}

void Engine::learn_from(const Job& film)
{
    const Attempt* const attempt = film.current();
    if (attempt == nullptr) return;
    PaceFold& pace = paces_[{attempt->provider, attempt->model}];
    pace = after_film(std::move(pace), *attempt);
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
    for (const auto& slot : slots_) {
        ProviderSnapshot& provider = all.emplace_back(slot->snapshot());
        for (PairSnapshot& pair : provider.pairs)
            if (const auto pace = paces_.find({provider.id, pair.model.id}); pace != paces_.end())
                pair.pace = usual_pace(pace->second);
    }
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

void Engine::count_in(const std::string& owner)
{
    ++live_;
    ++live_of_[owner];
}

void Engine::count_out(const std::string& owner)
{
    --live_;
    if (--live_of_[owner] == 0) live_of_.erase(owner);
}

Result<Done> Engine::room_for_one_more(const std::string& owner) const
{
    if (live_ >= settings_.max_queued)
        return refused(Category::rate_limited,
                       "the queue is full: " + std::to_string(live_) + " jobs",
                       "queue_full");
    const auto limit = settings_.queued_per_key.find(owner);
    const auto mine = live_of_.find(owner);
    if (limit == settings_.queued_per_key.end() || mine == live_of_.end()) return Done{};
    if (mine->second < limit->second) return Done{};
    return refused(Category::rate_limited,
                   "this key has " + std::to_string(mine->second) + " jobs waiting already",
                   "queue_full");
}

Result<Done> Engine::admissible(const JobOrder& order) const
{
    if (draining_)
        return refused(Category::worker_unavailable, "the daemon is stopping", "shutting_down");
    if (is_short_of_room())
        return Error{.category = Category::storage_full,
                     .text = "there is no room on the disk for another job" +
                             (short_of_room_ > 0 ? ": " + no_room_because_ : std::string()),
                     .code = "store_full",
                     .hint = "make room on the disk",
                     .phase = Phase::store};
    if (!order.route.chain.empty() && chain_for(order).id.empty())
        return invalid("route: there is no chain '" + order.route.chain + "'", "unknown_chain");
    RG_CHECK(room_for_one_more(order.owner));
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
    // Counted on its way to the disk: many that come at once shall not pass the limit together.
    const std::string owner = order.owner;
    count_in(owner);
    auto admitted = co_await parts_.store.create(std::move(order), seed, std::move(key));
    count_out(owner);
    if (!admitted || admitted->replayed) co_return admitted;
    reached(Milestone::job_stored, admitted->job.id);
    const std::string prompt = prompt_note(settings_.prompts, admitted->job.order.wish.prompt);
    parts_.log.write(Event::job_created,
                     {
                         {"job_id", admitted->job.id.text},
                         {"prompt", prompt               }
    });
    co_return admitted;
}

Task<Job> Engine::find(JobId id)
{
    RG_CO_TRY(Job job, co_await parts_.store.find(id));
    if (job.deleted)
        co_return Error{.category = Category::not_found,
                        .text = "there is no video " + id.text,
                        .code = "video_not_found"};
    co_return job;
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

std::optional<WaitNote> Engine::waiting(const JobId& id) const
{
    if (is_short_of_room() && parts_.store.live(id) != nullptr)
        return WaitNote{.for_what = Waiting::storage};
    return waits_.noted(id);
}

std::optional<std::size_t> Engine::queue_position(const JobId& id) const
{
    return waits_.position(id);
}

} // namespace reelgate
