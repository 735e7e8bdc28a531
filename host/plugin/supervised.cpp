#include "host/plugin/supervised.hpp"

#include "host/plugin/orphans.hpp"
#include "host/plugin/supervised_state.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using supervise::Life;

Health health_of(const supervise::State& state, unsigned max_concurrency)
{
    switch (state.life) {
    case Life::stopped:
        return Health::disabled;
    case Life::starting:
        return Health::starting;
    case Life::leaving:
        return Health::draining;
    case Life::refused:
        return Health::misconfigured;
    case Life::ready:
        break;
    default:
        return Health::unhealthy;
    }
    if (state.degraded) return Health::degraded;
    return state.jobs.size() >= max_concurrency ? Health::busy : Health::ready;
}

} // namespace

SupervisedProvider::SupervisedProvider(asio::any_io_executor loop,
                                       const Log& log,
                                       const Clock& clock,
                                       std::filesystem::path worker_program,
                                       Manifest manifest,
                                       ProviderSettings settings,
                                       StartChild start_child)
    : log_(log), clock_(clock), loop_(loop), program_(std::move(worker_program)),
      manifest_(std::move(manifest)), settings_(std::move(settings)), output_(settings_.log_dir),
      chance_(std::random_device{}()), start_child_(std::move(start_child)),
      asking_(
          loop, who(manifest_), manifest_.id, [this](const Json& frame) { return send(frame); }),
      timer_(loop), tasks_(loop)
{
    settings_.limits.start = settings_.start.value_or(manifest_.start_timeout);
}

SupervisedProvider::~SupervisedProvider() = default;

void SupervisedProvider::start()
{
    adopt_orphans();
    apply(supervise::StartAsked{});
    run_clock();
    wake_waiters(); // a stop() that is under way has been overtaken
}

// One tick() at a time: while stop() ends the old one, it is stop() that goes on with the next.
void SupervisedProvider::run_clock()
{
    if (ticking_) return;
    ticking_ = true;
    tasks_.spawn(tick());
}

void SupervisedProvider::reset() { apply(supervise::ResetAsked{}); }

void SupervisedProvider::ask_to_stop() { apply(supervise::StopAsked{}); }

asio::awaitable<void> SupervisedProvider::stop()
{
    constexpr auto kForever = asio::steady_timer::time_point::max();
    ask_to_stop();
    if (stopping_) { // by somebody else, who ends what there is to end
        while (stopping_)
            co_await state_change(kForever);
        co_return;
    }
    stopping_ = true;
    while (!state_.wanted && state_.life != Life::stopped && state_.life != Life::stuck)
        co_await state_change(kForever);
    if (!state_.wanted) {
        ended_ = true;
        timer_.cancel();
        co_await tasks_.join();
        ended_ = ticking_ = false;
        if (state_.wanted) run_clock();
    }
    stopping_ = false;
    wake_waiters();
}

Task<Done> SupervisedProvider::open(std::chrono::milliseconds patience)
{
    if (!state_.wanted) start();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!supervise::takes_jobs(state_)) {
        const bool comes_back = state_.life == Life::leaving && state_.wanted;
        const bool hopeless = state_.life != Life::starting && !comes_back;
        if (hopeless || std::chrono::steady_clock::now() >= deadline) co_return unavailable();
        co_await state_change(deadline);
    }
    co_return Done{};
}

const Description* SupervisedProvider::description() const
{
    return description_ ? &*description_ : nullptr;
}

ProviderStatus SupervisedProvider::status() const
{
    const unsigned slots = description_ ? description_->max_concurrency : 1;
    return {.health = health_of(state_, slots),
            .reason = state_.reason,
            .since = state_.since,
            .restarts = starts_ > 0 ? starts_ - 1 : 0};
}

std::optional<pid_t> SupervisedProvider::pid() const
{
    return child_ ? std::optional(child_->pid()) : std::nullopt;
}

Error SupervisedProvider::start_timeout() const
{
    return Error{.category = Category::worker_unavailable,
                 .text = who(manifest_) + " was not ready within " +
                         std::to_string(settings_.limits.start.count()) + " ms",
                 .code = "start_timeout",
                 .hint = "raise start_timeout_s in its plugin.json",
                 .phase = Phase::load};
}

Error SupervisedProvider::unavailable() const
{
    if (last_failure_ && state_.life != Life::stopped) return *last_failure_;
    return Error{.category = Category::worker_unavailable,
                 .text = who(manifest_) + " is " + std::string(supervise::to_string(state_.life)) +
                         (state_.reason.empty() ? "" : ": " + state_.reason),
                 .code = std::string(supervise::to_string(state_.life)),
                 .hint = "see `reelgate plugin logs " + manifest_.id + "`",
                 .phase = Phase::queue};
}

// Supervision
// --------------------------------------------------------------------------------------

void SupervisedProvider::apply(const supervise::Event& event)
{
    const double chance = std::uniform_real_distribution<>(0, 1)(chance_);
    auto [state, actions] =
        supervise::step(std::move(state_), event, clock_.now(), settings_.limits, chance);
    state_ = std::move(state);
    for (const supervise::Action& action : actions)
        perform(action);
    timer_.cancel(); // tick() arms it anew
}

void SupervisedProvider::perform(const supervise::Action& action)
{
    if (std::holds_alternative<supervise::Spawn>(action)) return do_spawn();
    if (std::holds_alternative<supervise::StateChanged>(action)) return announce_state();
    if (!child_) return;
    if (const auto* ping = std::get_if<supervise::SendPing>(&action)) {
        child_->send(Json{
            {"type", "ping" },
            {"n",    ping->n}
        });
    } else if (const auto* cancel = std::get_if<supervise::SendCancel>(&action)) {
        child_->send(Json{
            {"type", "cancel"   },
            {"job",  cancel->job}
        });
    } else if (std::holds_alternative<supervise::SendBye>(action)) {
        child_->send(Json{
            {"type", "bye"}
        });
    } else if (const auto* kill = std::get_if<supervise::Kill>(&action)) {
        const auto why = supervise::to_string(kill->reason);
        log_.write(Event::worker_killed,
                   {
                       {"provider", settings_.id},
                       {"why",      why         }
        });
        output_.note("killed: " + std::string(why), clock_.wall());
        // Known before it is gone: who waits in open() hears of it when the state changes.
        if (kill->reason == supervise::KillReason::start_timeout) last_failure_ = start_timeout();
        ++kills_;
        child_->kill();
    }
}

void SupervisedProvider::announce_state()
{
    log_.write(Event::worker_state,
               {
                   {"provider", settings_.id                     },
                   {"state",    supervise::to_string(state_.life)},
                   {"reason",   state_.reason                    }
    });
    wake_waiters();
}

void SupervisedProvider::wake_waiters()
{
    for (asio::steady_timer* waiter : waiters_)
        waiter->cancel();
}

// Each waiter brings a timer of its own: one shared by two would be re-armed by one under the
// other.
asio::awaitable<void>
SupervisedProvider::state_change(std::chrono::steady_clock::time_point deadline)
{
    asio::steady_timer timer(loop_, deadline);
    const auto place = waiters_.insert(waiters_.end(), &timer);
    boost::system::error_code woken;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    waiters_.erase(place);
}

// The only clock: sleeps until the next moment that the state names.
asio::awaitable<void> SupervisedProvider::tick()
{
    while (!ended_) {
        const auto wake = supervise::wake_at(state_, settings_.limits);
        boost::system::error_code woken;
        timer_.expires_at(wake.value_or(asio::steady_timer::time_point::max()));
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (!woken && !ended_) apply(supervise::Tick{});
    }
}

} // namespace reelgate
