// For the tests of the router: a stage on which jobs, providers and time play together, as the
// engine lets them, without anything real.
#pragma once

#include "host/router/breaker.hpp"
#include "host/router/health.hpp"
#include "host/router/route_world.hpp"

#include <map>
#include <set>

namespace reelgate::testing_world {

struct Player {
    JobOrder order{.wish = {.prompt = "a cat"}};
    WallTime created = kNow;
    KeyView key = {};
    std::vector<Attempt> attempts = {};
    std::optional<WallTime> waiting_since = {};
    std::string at = {}; // the provider that has it now
    Decision last = {};
};

class Stage {
public:
    std::vector<ProviderSnapshot> providers;
    Chain chain{.id = "clips", .steps = {}};
    JobLimits limits;
    std::map<std::string, HealthFold> health;
    std::map<std::string, BreakerFold> breakers;
    std::set<std::string> down; // does not answer probes
    WallTime now = kNow;
    unsigned changes = 0; // of any provider's state

    explicit Stage(std::vector<ProviderSnapshot> all) : providers(std::move(all))
    {
        for (const ProviderSnapshot& p : providers) {
            chain.steps.push_back({.use = p.id});
            look_at(p.id);
        }
        changes = 0;
    }

    ProviderSnapshot& operator[](const std::string& id)
    {
        return *std::find_if(
            providers.begin(), providers.end(), [&](const auto& p) { return p.id == id; });
    }

    // Time passes, and everybody is probed when it is their turn.
    void pass(WallTime::duration time)
    {
        for (const WallTime end = now + time; now < end;) {
            const auto next =
                std::min_element(probes_.begin(), probes_.end(), [](const auto& a, const auto& b) {
                    return a.second < b.second;
                });
            now = std::min(end, next->second);
            if (next->second <= now) look_at(next->first);
        }
    }

    std::string ask(Player& job)
    {
        std::vector<ProviderSnapshot> seen;
        for (const ProviderSnapshot& p : providers)
            seen.push_back(snapshot(p));
        job.last = decide({.order = job.order,
                           .attempts = job.attempts,
                           .providers = seen,
                           .chain = chain,
                           .limits = limits,
                           .key = job.key,
                           .seed = 42,
                           .created = job.created,
                           .now = now,
                           .waiting_since = job.waiting_since});
        const auto* wait = std::get_if<Wait>(&job.last.outcome);
        const bool for_somebody =
            wait != nullptr && wait->for_what == Waiting::waiting_for_provider;
        job.waiting_since =
            for_somebody ? job.waiting_since.value_or(now) : std::optional<WallTime>();
        if (const auto* go = std::get_if<Dispatch>(&job.last.outcome)) {
            job.at = go->provider;
            ++(*this)[job.at].running;
        }
        return told(job.last);
    }

    void fail(Player& job, Error error, Verdict verdict = Verdict::accepted)
    {
        World w;
        w.providers = providers;
        w.now = now;
        w.failed(job.at, error, verdict);
        w.attempts[0].number = static_cast<unsigned>(job.attempts.size()) + 1;
        job.attempts.push_back(std::move(w.attempts[0]));
        --(*this)[job.at].running;
        breakers[job.at] = after_failure(breakers[job.at], error, now, 0.5, {});
    }

    void finish(Player& job)
    {
        --(*this)[job.at].running;
        breakers[job.at] = after_success(breakers[job.at], now);
    }

    Health state(const std::string& id) { return health[id].state; }

private:
    void look_at(const std::string& id)
    {
        const Health before = health[id].state;
        const ProbeSeen seen{
            .answered = !down.contains(id), .said = Health::ready, .reason = "gone"};
        health[id] = after_probe(health[id], seen, now, limits_);
        probes_[id] = next_probe(health[id], now, 0.5, limits_);
        if (health[id].state != before) ++changes;
    }

    ProviderSnapshot snapshot(ProviderSnapshot p)
    {
        if (p.health == Health::ready) {
            p.health = health[p.id].state;
            p.reason = health[p.id].reason;
        }
        const bool well = p.health == Health::ready || p.health == Health::busy;
        BreakerFold& breaker = breakers[p.id];
        breaker = as_time_passes(breaker, well, now);
        for (PairSnapshot& pair : p.pairs) {
            pair.breaker = breaker.state;
            if (breaker.state == Breaker::open) pair.rests_until = breaker.until;
        }
        return p;
    }

    HealthLimits limits_;
    std::map<std::string, WallTime> probes_;
};

} // namespace reelgate::testing_world
