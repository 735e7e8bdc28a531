#include "host/router/rules.hpp"

#include "host/router/reason_table.hpp"

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

using Refusal = std::optional<std::string>; // the sentence, if it is refused

bool is_named_in(const std::vector<std::string>& names, const ProviderSnapshot& provider)
{
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return name == provider.id || (!provider.pool.empty() && name == provider.pool);
    });
}

Refusal off(const RouteInput&, const History&, const Candidate& c)
{
    if (c.provider->health != Health::disabled) return {};
    return "it is switched off";
}

Refusal set_up_wrongly(const RouteInput&, const History&, const Candidate& c)
{
    if (c.provider->health == Health::misconfigured)
        return "it cannot work as it is configured: " + c.provider->reason;
    return {};
}

Refusal lacks_something(const RouteInput&, const History&, const Candidate& c)
{
    if (c.pair == nullptr || c.pair->misconfigured.empty()) return {};
    return "its model " + c.pair->model.id + " cannot work: " + c.pair->misconfigured;
}

Refusal leaving(const RouteInput&, const History&, const Candidate& c)
{
    if (c.provider->health != Health::draining) return {};
    return "it takes nothing new any more";
}

Refusal closed(const RouteInput&, const History&, const Candidate& c)
{
    if (c.step->closed.empty()) return {};
    return c.step->closed;
}

Refusal not_wanted(const RouteInput& in, const History&, const Candidate& c)
{
    const RouteWish& route = in.order.route;
    if (is_named_in(route.ignore, *c.provider)) return "the request asks to leave it out";
    if (!route.only.empty() && !is_named_in(route.only, *c.provider))
        return "the request asks for others only";
    return {};
}

Refusal not_for_this_key(const RouteInput& in, const History&, const Candidate& c)
{
    const std::vector<std::string>& keys = c.provider->keys_allowed;
    const bool provider_refuses =
        !keys.empty() && std::find(keys.begin(), keys.end(), in.key.name) == keys.end();
    const bool key_refuses =
        !in.key.providers.empty() && !is_named_in(in.key.providers, *c.provider);
    if (!provider_refuses && !key_refuses) return {};
    return "the key may not use it";
}

Refusal too_far(const RouteInput& in, const History&, const Candidate& c)
{
    if (c.pair == nullptr) return {}; // not known until it has described itself
    const Egress far = std::min(in.order.route.egress.value_or(Egress::cloud),
                                in.chain.egress.value_or(Egress::cloud));
    if (c.provider->egress > far)
        return "it sends requests further (" + std::string(to_string(c.provider->egress)) +
               ") than is allowed (" + std::string(to_string(far)) + ")";
    // Whoever says no is heard before those who say yes.
    const std::optional<bool>& said = in.order.route.allow_media_egress;
    const bool consent = said.value_or(in.key.allow_media_egress || in.chain.allow_media_egress);
    if (c.provider->egress == Egress::cloud && !in.order.wish.inputs.empty() && !consent)
        return "the inputs would leave for a cloud, and nobody has allowed that";
    return {};
}

std::optional<Money> smallest(std::initializer_list<std::optional<Money>> caps)
{
    std::optional<Money> least;
    for (const std::optional<Money>& cap : caps)
        if (cap && (!least || *cap < *least)) least = cap;
    return least;
}

// What one job may cost; the purse of the key is another thing.
std::optional<Money> job_cap(const RouteInput& in)
{
    return smallest({in.order.route.max_price, in.limits.spend_cap});
}

Refusal price_unknown(const RouteInput& in, const History&, const Candidate& c)
{
    const bool is_capped = job_cap(in) || in.key.left;
    if (!c.is_paid() || !c.fit || c.cost || !is_capped) return {};
    return "its price is not known, and there is a cap";
}

Refusal too_dear(const RouteInput& in, const History&, const Candidate& c)
{
    const std::optional<Money> cap = job_cap(in);
    if (!c.is_paid() || !c.cost || !cap || *c.cost <= *cap) return {};
    return "it would cost " + to_string(*c.cost) + " USD, and the cap is " + to_string(*cap) +
           " USD";
}

Refusal over_budget(const RouteInput& in, const History& history, const Candidate& c)
{
    if (!c.is_paid() || !c.cost) return {};
    const std::optional<Money> cap = job_cap(in);
    if (cap && *c.cost <= *cap && history.committed + *c.cost > *cap)
        return "it would cost " + to_string(*c.cost) + " USD, and of " + to_string(*cap) +
               " USD for the job " + to_string(history.committed) + " USD are spent or reserved";
    if (in.key.left && *c.cost > *in.key.left)
        return "it would cost " + to_string(*c.cost) + " USD, and the key has " +
               to_string(*in.key.left) + " USD left";
    return {};
}

Refusal too_big(const RouteInput&, const History&, const Candidate& c)
{
    if (c.pair == nullptr || !c.pair->model.vram_peak_mb || !c.provider->vram_budget_mb) return {};
    const std::uint64_t needs = *c.pair->model.vram_peak_mb;
    if (needs <= *c.provider->vram_budget_mb) return {};
    return "it needs " + std::to_string(needs) + " MB of video memory and may use " +
           std::to_string(*c.provider->vram_budget_mb) + " MB";
}

struct Rule {
    std::string_view code;
    Category category;
    Refusal (*refuses)(const RouteInput&, const History&, const Candidate&);
};

// clang-format off
constexpr std::array kRules{
    Rule{"disabled",             Category::worker_unavailable, off},
    Rule{"misconfigured",        Category::worker_unavailable, set_up_wrongly},
    Rule{"misconfigured",        Category::model_not_found,    lacks_something},
    Rule{"draining",             Category::worker_unavailable, leaving},
    Rule{"not_named",            Category::invalid_params,     closed},
    Rule{"excluded",             Category::invalid_params,     not_wanted},
    Rule{"key_not_allowed",      Category::invalid_params,     not_for_this_key},
    Rule{"egress_denied",        Category::invalid_params,     too_far},
    Rule{"price_unknown",        Category::budget_exceeded,    price_unknown},
    Rule{"price_over_cap",       Category::budget_exceeded,    too_dear},
    Rule{"budget_exceeded",      Category::budget_exceeded,    over_budget},
    Rule{"vram_never_fits",      Category::insufficient_vram,  too_big},
};

// Who can do more about it comes first: the owner of the job, then the operator, then nobody.
constexpr std::array kUseful{
    Category::content_rejected, Category::budget_exceeded, Category::invalid_params,
    Category::unsupported_capability, Category::insufficient_vram, Category::auth_failed,
    Category::quota_exhausted, Category::region_blocked, Category::output_invalid,
    Category::rate_limited, Category::provider_error, Category::artifact_unavailable,
    Category::submit_ambiguous, Category::timeout, Category::plugin_crashed,
    Category::network_error, Category::provider_overloaded, Category::worker_unavailable,
    Category::unknown, Category::model_not_found};
// clang-format on

constexpr bool each_rule_is_explained()
{
    for (const Rule& rule : kRules)
        if (reason_index(rule.code) == kReasonTable.size()) return false;
    return true;
}
static_assert(each_rule_is_explained(), "a code that kReasonTable does not know");

// Fills in the request and its price, or says why the model cannot serve the order.
void fit(const RouteInput& in, Candidate& c)
{
    if (c.pair == nullptr) return;
    const bool again = c.repetition && c.repetition->wants_new_seed;
    const std::uint64_t seed = in.seed + (again ? in.attempts.size() : 0);
    Result<Normalised> done = normalise(in.order.wish, c.pair->model, in.order.adjust, seed);
    if (!done) {
        c.rejected.push_back({.code = done.error().code,
                              .text = done.error().text,
                              .category = done.error().category});
        return;
    }
    c.fit = *std::move(done);
    if (!c.is_paid())
        c.cost = Money{};
    else if (c.pair->usd_per_second)
        c.cost = cost_of(*c.pair->usd_per_second, c.fit->request.frames / c.fit->request.fps);
}

} // namespace

void judge_by_rules(const RouteInput& in, const History& history, Candidate& candidate)
{
    if (candidate.provider == nullptr || candidate.step == nullptr) return;
    fit(in, candidate);
    for (const Rule& rule : kRules)
        if (auto why = rule.refuses(in, history, candidate))
            candidate.rejected.push_back({.code = std::string(rule.code),
                                          .text = *std::move(why),
                                          .category = rule.category});
}

unsigned usefulness(Category category)
{
    const auto* const found = std::find(kUseful.begin(), kUseful.end(), category);
    return static_cast<unsigned>(found - kUseful.begin());
}

} // namespace reelgate
