// For the tests of the router: a small world that works, of which each test spoils one thing.
#pragma once

#include "host/router/decide.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace reelgate::testing_world {

inline const WallTime kNow = WallTime{} + std::chrono::hours(24 * 365 * 56);

inline ModelCapability wan(std::string id = "wan")
{
    ModelCapability m;
    m.id = std::move(id);
    m.tasks = {"t2v", "i2v"};
    m.inputs = {.image = 1};
    m.sizes = {.multiple_of = 32, .max_pixels = 1280 * 704};
    m.frames = {.min = 5, .max = 121, .step = 4, .offset = 1};
    m.fps = {24};
    m.seed = true;
    m.default_size = {640, 384};
    m.default_frames = 121;
    m.default_fps = 24;
    return m;
}

inline ProviderSnapshot local(std::string id)
{
    ProviderSnapshot p{.id = std::move(id), .plugin = "local"};
    p.charge = Charge::free;
    p.egress = Egress::none;
    p.health = Health::ready;
    p.pairs = {PairSnapshot{.model = wan()}};
    return p;
}

// 0.10 USD a second; the default request lasts 121 / 24 s and costs 0.504167.
inline ProviderSnapshot cloud(std::string id)
{
    ProviderSnapshot p = local(std::move(id));
    p.plugin = "cloud";
    p.charge = Charge::paid;
    p.egress = Egress::cloud;
    p.slots = 4;
    p.pairs[0].usd_per_second = Money{100'000};
    return p;
}

struct World {
    JobOrder order{.wish = {.prompt = "a cat"}};
    std::vector<Attempt> attempts;
    std::vector<ProviderSnapshot> providers{local("a"), local("b"), cloud("c")};
    Chain chain{
        .id = "clips", .steps = {{.use = "a"}, {.use = "b"}, {.use = "c"}}
    };
    JobLimits limits;
    KeyView key;
    std::uint64_t seed = 42;
    WallTime created = kNow;
    WallTime now = kNow;
    std::optional<WallTime> waiting_since;

    ProviderSnapshot& operator[](const std::string& id)
    {
        return *std::find_if(
            providers.begin(), providers.end(), [&](const auto& p) { return p.id == id; });
    }
    PairSnapshot& pair(const std::string& id) { return (*this)[id].pairs[0]; }

    RouteInput input() const
    {
        return {.order = order,
                .attempts = attempts,
                .providers = providers,
                .chain = chain,
                .limits = limits,
                .key = key,
                .seed = seed,
                .created = created,
                .now = now,
                .waiting_since = waiting_since};
    }
    Decision decide() const { return reelgate::decide(input()); }

    // The job had an attempt at `id`, which has just ended like this.
    Attempt& failed(const std::string& id, Error error, Verdict verdict = Verdict::accepted)
    {
        const ProviderSnapshot& at = (*this)[id];
        Attempt a{.number = static_cast<unsigned>(attempts.size()) + 1};
        a.provider = id;
        a.model = at.pairs[0].model.id;
        a.charge = at.charge;
        a.verdict = verdict;
        a.started = now;
        a.ended = now;
        const bool left = verdict == Verdict::accepted || verdict == Verdict::ambiguous;
        a.billing = at.charge == Charge::free ? Billing::free
                    : left                    ? Billing::maybe_billed
                                              : Billing::not_billed;
        a.reserved = at.charge == Charge::free ? Money{} : Money{504'167};
        a.error = std::move(error);
        attempts.push_back(std::move(a));
        return attempts.back();
    }
};

inline Error failure(Category category, Phase phase, std::string code = {})
{
    return Error{
        .category = category, .text = "it did not work", .code = std::move(code), .phase = phase};
}

// "a/wan", "wait slot", "give up budget_exceeded": the outcome in a few words.
inline std::string told(const Decision& decision)
{
    if (const auto* go = std::get_if<Dispatch>(&decision.outcome))
        return go->provider + "/" + go->model;
    if (const auto* wait = std::get_if<Wait>(&decision.outcome))
        return "wait " + std::string(to_string(wait->for_what));
    const GiveUp& end = std::get<GiveUp>(decision.outcome);
    return (end.as == JobEvent::poisoned ? "poisoned " : "give up ") +
           std::string(to_string(end.error.category));
}

inline const Considered& of(const Decision& decision, const std::string& provider)
{
    return *std::find_if(decision.considered.begin(),
                         decision.considered.end(),
                         [&](const Considered& c) { return c.provider == provider; });
}

inline bool has_reason(const Considered& c, const std::string& code)
{
    return std::find(c.reasons.begin(), c.reasons.end(), code) != c.reasons.end();
}

} // namespace reelgate::testing_world
