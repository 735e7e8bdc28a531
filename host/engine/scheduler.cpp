// The scheduler's turn: who is looked at, and what follows from what the router answers.
#include "host/engine/engine.hpp"
#include "host/engine/job_run.hpp"
#include "host/engine/records.hpp"

#include <algorithm>

namespace reelgate {
namespace {

// Jobs looked at before others on the loop have their turn.
constexpr std::size_t kLooksATurn = 64;

bool have_room(const std::vector<ProviderSnapshot>& all)
{
    return std::any_of(all.begin(), all.end(), [](const ProviderSnapshot& provider) {
        return provider.running < provider.slots;
    });
}

} // namespace

void Engine::wake()
{
    woken_ = true;
    alarm_.cancel();
}

asio::awaitable<void> Engine::turns()
{
    using Steady = std::chrono::steady_clock;
    auto latest = Steady::now() + settings_.look_again_every;
    while (!draining_) {
        woken_ = false;
        if (Steady::now() >= latest) { // even if nothing has told of a change
            waits_.world_changed();
            latest = Steady::now() + settings_.look_again_every;
        }
        const std::optional<WallTime> next = turn();
        const WallTime now = parts_.clock.wall();
        if (woken_ || (next && *next <= now)) { // there is more to do, once others had their turn
            co_await asio::post(parts_.loop, asio::use_awaitable);
            continue;
        }
        auto wake_at = latest;
        if (next && *next - now < settings_.look_again_every)
            wake_at = std::min(
                latest, Steady::now() + std::chrono::duration_cast<Steady::duration>(*next - now));
        alarm_.expires_at(wake_at);
        boost::system::error_code woken;
        co_await alarm_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
}

// While a pass over everybody lasts, a turn looks at the next of them, so that who has waited
// longest is first where a place has come free, and then at those whose wait is over: changes that
// come faster than a pass ends never let it reach the last of them.
std::optional<WallTime> Engine::turn()
{
    if (waits_.empty() || is_short_of_room()) return std::nullopt;
    if (!purses_.are_known()) return std::nullopt; // whoever is decided on may spend

    for (const auto& place : slots_)
        place->tell_of_change();
    const WallTime now = parts_.clock.wall();
    std::vector<ProviderSnapshot> all = snapshots();
    // With every place taken, only a wait that is over can change anything for a job that has been
    // looked at before.
    const bool everybody = waits_.is_behind() && have_room(all);
    if (everybody) {
        const std::vector<JobId> next = waits_.next_behind(kLooksATurn, now);
        for (auto id = next.begin(); id != next.end() && have_room(all); ++id)
            look_at(*id, all);
        if (next.size() < kLooksATurn || !have_room(all)) waits_.caught_up();
    }
    const std::vector<JobId> due =
        everybody ? waits_.next_over(kLooksATurn, now) : waits_.next_due(kLooksATurn, now);
    for (const JobId& id : due)
        look_at(id, all);
    if (everybody || due.size() == kLooksATurn) return now;
    return waits_.earliest();
}

void Engine::look_at(const JobId& id, std::vector<ProviderSnapshot>& all)
{
    ++looks_;
    const Job* const job = parts_.store.live(id);
    if (job == nullptr || job->state != JobState::queued) { // its end is on its way to the disk
        waits_.drop(id);
        return;
    }
    const auto noted = waits_.noted(id);
    const auto since = noted ? noted->since : std::nullopt;
    Decision decision = decide_now(job->order, job->attempts, job->seed, job->began(), all, since);
    if (const auto* wait = std::get_if<Wait>(&decision.outcome)) {
        WaitNote note{.for_what = wait->for_what, .until = wait->until};
        if (wait->for_what == Waiting::waiting_for_provider)
            note.since = since.value_or(parts_.clock.wall());
        waits_.note(id, note);
        return;
    }
    waits_.drop(id);
    busy_.insert(id);
    begin(*job, std::move(decision), all);
}

void Engine::begin(const Job& job, Decision decision, std::vector<ProviderSnapshot>& all)
{
    std::string record = route_record(
        decision, {chain_for(job.order).id, settings_.config_revision, parts_.clock.wall()});
    if (auto* const over = std::get_if<GiveUp>(&decision.outcome)) {
        tasks_.spawn(give_up(job.id, std::move(*over), std::move(record)));
        return;
    }
    auto& dispatch = std::get<Dispatch>(decision.outcome);
    const auto chosen = std::find_if(
        all.begin(), all.end(), [&](const auto& p) { return p.id == dispatch.provider; });
    ++chosen->running;
    auto place = slot(dispatch.provider);
    place->begin();
    purses_.promise(job.id, job.attempts.size() + 1, job.order.owner, dispatch.reserve);
    reached(Milestone::decided, job.id);
    tasks_.spawn(carry(job.id, std::move(dispatch), std::move(place), std::move(record)));
}

asio::awaitable<void>
Engine::carry(JobId id, Dispatch dispatch, std::shared_ptr<ProviderSlot> place, std::string record)
{
    {
        JobRun run(*this, *place, id);
        co_await run.from_the_start(std::move(dispatch), std::move(record));
        place->end();
    }
    co_await reconcile(id);
    put_down(id);
}

asio::awaitable<void> Engine::give_up(JobId id, GiveUp why, std::string record)
{
    std::vector<Step> steps;
    steps.push_back(end_as(why.as, why.error));
    const auto recorded = co_await parts_.store.record_route(id, std::move(record));
    const auto applied = co_await parts_.store.apply(id, std::move(steps));
    if (!recorded) note_bug("recording a route", recorded.error());
    if (!applied) {
        // Cancelled meanwhile: then it has ended otherwise.
        if (applied.error().code != "illegal_event") note_bug("giving up", applied.error());
    } else {
        const bool is_poison = why.as == JobEvent::poisoned;
        parts_.log.write(is_poison ? Event::job_quarantined : Event::job_failed,
                         {
                             {"job_id",   id.text                      },
                             {"category", to_string(why.error.category)},
                             {"code",     why.error.code               }
        });
    }
    put_down(id);
}

void Engine::put_down(const JobId& id)
{
    busy_.erase(id);
    purses_.withdraw(id);
    const Job* const job = parts_.store.live(id);
    if (job != nullptr && job->state == JobState::queued) waits_.add(*job);
    bell_.ring();
    wake();
}

} // namespace reelgate
