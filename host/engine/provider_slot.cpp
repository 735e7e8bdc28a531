#include "host/engine/provider_slot.hpp"

#include <algorithm>

namespace reelgate {
namespace {

// A worker that does not come up is asked again no more often than this; what it waits for itself
// (rest, quarantine) is the supervision's.
constexpr auto kOpenPause = std::chrono::seconds(1);
constexpr auto kOpenPatience = std::chrono::minutes(5);
// Somebody may have fetched the model meanwhile.
constexpr auto kLookAgainAfter = std::chrono::minutes(10);

Health health_of(ProviderState state)
{
    switch (state) {
    case ProviderState::ready:
        return Health::ready;
    case ProviderState::busy:
        return Health::busy;
    case ProviderState::starting:
        return Health::starting;
    case ProviderState::degraded:
        return Health::degraded;
    case ProviderState::unhealthy:
        return Health::unhealthy;
    case ProviderState::misconfigured:
        return Health::misconfigured;
    }
    return Health::unknown;
}

// A worker that is there; whether the provider in it is well is another question.
bool takes_jobs(Health health) { return health == Health::ready || health == Health::busy; }

bool contains(const std::vector<std::string>& list, const std::string& one)
{
    return std::find(list.begin(), list.end(), one) != list.end();
}

} // namespace

ProviderSlot::ProviderSlot(SlotConfig config,
                           std::unique_ptr<Provider> provider,
                           const Clock& clock,
                           const Log& log,
                           std::function<void()> changed)
    : config_(std::move(config)), provider_(std::move(provider)), clock_(clock), log_(log),
      changed_(std::move(changed))
{
    health_.since = clock_.wall();
}

Charge ProviderSlot::charge() const
{
    const Description* d = provider_ ? provider_->description() : nullptr;
    return d == nullptr ? Charge::paid : d->billing;
}

const std::vector<ModelCapability>* ProviderSlot::models() const
{
    if (!provider_) return nullptr;
    if (last_probe_ && last_probe_->models) return &*last_probe_->models;
    const Description* d = provider_->description();
    return d == nullptr ? nullptr : &d->models;
}

Health ProviderSlot::state() const
{
    if (!config_.enabled) return Health::disabled;
    if (!config_.misconfigured.empty() || !provider_) return Health::misconfigured;
    if (stopping_) return Health::draining;
    const ProviderStatus status = provider_->status();
    if (!takes_jobs(status.health)) return status.health;
    return health_.state == Health::unknown ? Health::starting : health_.state;
}

std::string ProviderSlot::reason() const
{
    if (!config_.enabled) return "switched off";
    if (!config_.misconfigured.empty() || !provider_) return config_.misconfigured;
    const ProviderStatus status = provider_->status();
    return takes_jobs(status.health) ? health_.reason : status.reason;
}

PairSnapshot ProviderSlot::pair(const ModelCapability& model) const
{
    PairSnapshot pair{.model = model};
    if (config_.narrow) {
        auto left = config_.narrow(model);
        if (left)
            pair.model = *std::move(left);
        else
            pair.misconfigured = left.error().text;
    }
    if (last_probe_) {
        pair.loaded = contains(last_probe_->loaded, model.id);
        if (contains(last_probe_->missing, model.id))
            pair.misconfigured = "the provider says that this model is missing";
    }
    if (const auto unfit = unfit_.find(model.id);
        unfit != unfit_.end() && clock_.wall() < unfit->second.until.value_or(WallTime::max()))
        pair.misconfigured = unfit->second.why;
    if (const auto breaker = breakers_.find(model.id); breaker != breakers_.end()) {
        const bool well = takes_jobs(health_.state);
        const BreakerFold now = as_time_passes(breaker->second, well, clock_.wall());
        pair.breaker = now.state;
        pair.rests_until = now.until;
    }
    if (const auto price = config_.usd_per_second.find(model.id);
        price != config_.usd_per_second.end())
        pair.usd_per_second = price->second;
    else if (model.usd_per_second) {
        const auto declared = money_from(*model.usd_per_second);
        if (declared) pair.usd_per_second = *declared;
    }
    return pair;
}

ProviderSnapshot ProviderSlot::snapshot() const
{
    ProviderSnapshot snap = as_if_idle();
    snap.running = running_;
    if (snap.health == Health::ready && running_ >= snap.slots) snap.health = Health::busy;
    return snap;
}

ProviderSnapshot ProviderSlot::as_if_idle() const
{
    ProviderSnapshot snap{.id = config_.id, .plugin = config_.plugin, .pool = config_.pool};
    snap.health = state();
    snap.reason = reason();
    snap.keys_allowed = config_.keys_allowed;
    snap.vram_budget_mb = config_.vram_budget_mb;
    snap.charge = charge();
    if (const Description* d = provider_ ? provider_->description() : nullptr) {
        const Egress stated = egress_from(d->egress).value_or(Egress::cloud);
        snap.egress = std::max(stated, config_.egress.value_or(Egress::none));
        snap.slots = std::max(1U, config_.slots.value_or(d->max_concurrency));
    } else {
        snap.egress = config_.egress.value_or(Egress::cloud);
    }
    if (const auto* all = models())
        for (const ModelCapability& model : *all)
            if (config_.models.empty() || contains(config_.models, model.id))
                snap.pairs.push_back(pair(model));
    return snap;
}

// As the router sees it. A place that is taken tells nobody anything, one that comes free is told
// by end(); the words of a probe are for people, except where nothing can work.
ProviderSnapshot ProviderSlot::to_decide_on() const
{
    ProviderSnapshot snap = as_if_idle();
    if (snap.health != Health::misconfigured) snap.reason.clear();
    return snap;
}

void ProviderSlot::tell()
{
    told_ = to_decide_on();
    changed_();
}

void ProviderSlot::tell_of_change()
{
    if (told_ != to_decide_on()) tell();
}

// Whether a breaker is half open is said by time and probes; a trial that fails must find it so.
void ProviderSlot::let_breakers_half_open()
{
    for (auto& [model, breaker] : breakers_)
        breaker = as_time_passes(std::move(breaker), takes_jobs(health_.state), clock_.wall());
}

void ProviderSlot::begin()
{
    let_breakers_half_open();
    ++running_;
}

void ProviderSlot::end()
{
    --running_;
    if (running_ == 0 && idle_) idle_->cancel();
    tell();
}

void ProviderSlot::progressed() { health_ = after_progress(std::move(health_), clock_.wall()); }

void ProviderSlot::succeeded(const std::string& model)
{
    if (const auto found = breakers_.find(model); found != breakers_.end())
        found->second = after_success(found->second, clock_.wall());
    tell();
}

std::vector<std::string> ProviderSlot::befallen(const std::string& model, CoolUnit unit) const
{
    std::vector<std::string> all{model};
    if (!is_of_all_models(unit) || models() == nullptr) return all;
    for (const ModelCapability& other : *models())
        if (other.id != model) all.push_back(other.id);
    return all;
}

void ProviderSlot::rest(const std::string& model, const Error& error)
{
    BreakerFold& breaker = breakers_[model];
    const Breaker before = breaker.state;
    breaker = after_failure(std::move(breaker), error, clock_.wall(), chance(), config_.breaker);
    if (breaker.state == before) return;
    log_.write(Event::breaker_changed,
               {
                   {"provider", config_.id               },
                   {"model",    model                    },
                   {"state",    to_string(breaker.state) },
                   {"category", to_string(error.category)}
    });
}

void ProviderSlot::failed(const std::string& model, const Error& error)
{
    const CoolUnit unit = policy_for(error, charge()).cools;
    Unfit unfit{.why = error.sentence()};
    if (error.category == Category::model_not_found) unfit.until = clock_.wall() + kLookAgainAfter;
    for (const std::string& one : befallen(model, unit)) {
        if (misconfigures(unit)) unfit_[one] = unfit;
        if (rests(unit)) rest(one, error);
    }
    tell();
}

void ProviderSlot::enable(bool on)
{
    config_.enabled = on;
    tell();
}

void ProviderSlot::reset()
{
    if (provider_) provider_->reset();
    for (auto& [model, breaker] : breakers_)
        breaker = reelgate::reset(breaker);
    unfit_.clear();
    tell();
}

void ProviderSlot::take(const Result<ProbeReport>& report)
{
    ProbeSeen seen{.answered = report.has_value()};
    if (report) {
        last_probe_ = *report;
        seen.said = health_of(report->state);
        seen.reason = report->reason;
        seen.idle = report->idle;
    } else {
        seen.reason = report.error().text;
    }
    const WallTime now = clock_.wall();
    probed_ = now;
    health_ = after_probe(std::move(health_), seen, now, config_.health);
    let_breakers_half_open();
    if (health_.state != said_) {
        said_ = health_.state;
        log_.write(Event::provider_probed,
                   {
                       {"provider", config_.id              },
                       {"state",    to_string(health_.state)},
                       {"reason",   health_.reason          }
        });
    }
    tell_of_change();
}

Task<ProbeReport> ProviderSlot::probe_now()
{
    if (!provider_) co_return invalid(config_.misconfigured, "misconfigured");
    Result<ProbeReport> report = co_await provider_->probe();
    take(report);
    co_return report;
}

asio::awaitable<void> ProviderSlot::pause_until(WallTime when)
{
    const auto wait =
        std::max<WallTime::duration>(when - clock_.wall(), WallTime::duration::zero());
    if (!pause_) pause_.emplace(co_await asio::this_coro::executor);
    pause_->expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(wait));
    boost::system::error_code woken;
    co_await pause_->async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

asio::awaitable<void> ProviderSlot::watch()
{
    if (!provider_) co_return;
    while (!stopping_) {
        if (!takes_jobs(provider_->status().health)) {
            const auto opened = co_await provider_->open(kOpenPatience);
            if (stopping_) co_return;
            if (!opened) {
                if (health_.state != Health::unhealthy)
                    health_ = after_worker_death(
                        std::move(health_), opened.error().sentence(), clock_.wall());
                tell_of_change();
                co_await pause_until(clock_.wall() + kOpenPause);
                continue;
            }
        }
        const auto report = co_await provider_->probe();
        if (stopping_) co_return;
        take(report);
        co_await pause_until(next_probe(health_, clock_.wall(), chance(), config_.health));
    }
}

void ProviderSlot::reconfigure(SlotConfig config)
{
    config.plugin_identity = config_.plugin_identity;
    config_ = std::move(config);
    if (pause_) pause_->cancel(); // the pause between two probes may be another now
    tell();
}

asio::awaitable<void> ProviderSlot::until_idle()
{
    idle_.emplace(co_await asio::this_coro::executor);
    while (running_ > 0 && !wait_no_longer_) {
        idle_->expires_at(asio::steady_timer::time_point::max());
        boost::system::error_code woken;
        co_await idle_->async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
}

void ProviderSlot::stop_waiting()
{
    wait_no_longer_ = true;
    if (idle_) idle_->cancel();
}

asio::awaitable<void> ProviderSlot::stop()
{
    stopping_ = true;
    if (pause_) pause_->cancel();
    if (provider_) co_await provider_->stop();
}

} // namespace reelgate
