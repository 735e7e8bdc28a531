// A configured provider in the engine: what the operator said of it, the plugin that runs, and what
// has been seen of both lately. The router gets it as a value.
#pragma once

#include "host/base/async.hpp"
#include "host/base/clock.hpp"
#include "host/base/log.hpp"
#include "host/model/provider.hpp"
#include "host/plugin/provider.hpp"
#include "host/router/failure_policy.hpp"
#include "host/router/health.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace reelgate {

struct SlotConfig {
    std::string id;
    std::string plugin;
    std::string plugin_identity = {}; // version and what was trusted
    std::string pool = {};
    bool enabled = true;
    std::string misconfigured = {};    // why it cannot work as it is configured
    std::optional<Egress> egress = {}; // raises what the plugin states
    std::optional<std::uint32_t> slots = {};
    std::vector<std::string> models = {}; // only these; empty: all
    // What the operator leaves of a model that the plugin declares; none given: all of it.
    std::function<Result<ModelCapability>(ModelCapability)> narrow = {};
    std::map<std::string, Money> usd_per_second = {};
    std::vector<std::string> keys_allowed = {};
    std::optional<std::uint64_t> vram_budget_mb = {}; // of its card, where it is said
    HealthLimits health = {};
    BreakerLimits breaker = {};
};

class ProviderSlot {
public:
    // `provider` may be absent where the configuration already says that it cannot work. `changed`
    // is called on the loop when a place has come free, or the snapshot may have become another
    // for the router; a probe that says what was known is no change.
    ProviderSlot(SlotConfig config,
                 std::unique_ptr<Provider> provider,
                 const Clock& clock,
                 const Log& log,
                 std::function<void()> changed);

    ProviderSnapshot snapshot() const;

    // Calls `changed` if the router would see something else than it was told of last: time and
    // the worker change things between two probes. Whoever is about to decide asks for it first,
    // so that what a job was decided on is what it is told of.
    void tell_of_change();

    // Opens it, probes it, opens it again when it has died; until stop().
    asio::awaitable<void> watch();
    asio::awaitable<void> stop();

    // What the operator says of it anew; the plugin that runs stays the one that it is.
    void reconfigure(SlotConfig config);

    // Until no attempt has a place here, or nobody waits for that any more.
    asio::awaitable<void> until_idle();
    void stop_waiting();

    // One attempt takes a place from begin() to end().
    void begin();
    void end();
    void progressed();
    void succeeded(const std::string& model);
    void failed(const std::string& model, const Error& error);

    void enable(bool on);
    void reset(); // an operator's: breakers, crashes and what was found missing are forgotten
    Task<ProbeReport> probe_now();

    const SlotConfig& config() const { return config_; }
    Provider* provider() { return provider_.get(); }
    const Provider* provider() const { return provider_.get(); }
    const HealthFold& health() const { return health_; }
    const std::optional<ProbeReport>& last_probe() const { return last_probe_; }
    std::optional<WallTime> probed() const { return probed_; }
    std::uint32_t running() const { return running_; }
    Charge charge() const;
    unsigned restarts() const { return provider_ ? provider_->status().restarts : 0; }

    // Breakers outlive a restart of the daemon.
    const std::map<std::string, BreakerFold>& breakers() const { return breakers_; }
    void restore(std::map<std::string, BreakerFold> breakers) { breakers_ = std::move(breakers); }

private:
    // A model that cannot work as things are.
    struct Unfit {
        std::string why;
        std::optional<WallTime> until = {}; // then it is tried again; none: somebody must act
    };

    ProviderSnapshot as_if_idle() const;
    ProviderSnapshot to_decide_on() const;
    void tell();
    Health state() const;
    std::string reason() const;
    const std::vector<ModelCapability>* models() const;
    PairSnapshot pair(const ModelCapability& model) const;
    std::vector<std::string> befallen(const std::string& model, CoolUnit unit) const;
    void rest(const std::string& model, const Error& error);
    void take(const Result<ProbeReport>& report);
    void let_breakers_half_open();
    asio::awaitable<void> pause_until(WallTime when);
    double chance() { return spread_(random_); }

    SlotConfig config_;
    std::unique_ptr<Provider> provider_;
    const Clock& clock_;
    const Log& log_;
    std::function<void()> changed_;
    std::optional<ProviderSnapshot> told_; // as it was when `changed_` was called last
    std::optional<asio::steady_timer> pause_;
    std::optional<asio::steady_timer> idle_; // of until_idle()
    bool wait_no_longer_ = false;
    HealthFold health_;
    std::map<std::string, BreakerFold> breakers_; // by model
    std::map<std::string, Unfit> unfit_;          // by model
    std::optional<ProbeReport> last_probe_;
    std::optional<WallTime> probed_;
    std::uint32_t running_ = 0;
    bool stopping_ = false;
    Health said_ = Health::unknown; // what the log was told last
    std::minstd_rand random_{std::random_device{}()};
    std::uniform_real_distribution<double> spread_{0.0, 1.0};
};

} // namespace reelgate
