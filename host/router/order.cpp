#include "host/router/order.hpp"

#include "host/router/chance.hpp"
#include "host/router/history.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

namespace reelgate {
namespace {

constexpr double kLast = std::numeric_limits<double>::infinity();

void skip(Candidate& c, std::string code, std::string text, std::optional<WallTime> over = {})
{
    c.skipped.push_back({.code = std::move(code), .text = std::move(text)});
    if (over && (!c.earliest || *over > *c.earliest)) c.earliest = over;
}

std::string because(const std::string& what, const std::string& why)
{
    return why.empty() ? what : what + ": " + why;
}

void judge_health(Candidate& c)
{
    const ProviderSnapshot& p = *c.provider;
    if (p.health == Health::unhealthy)
        skip(c, "unhealthy", because("it is unhealthy", p.reason), p.back_at);
    else if (p.health == Health::starting || p.health == Health::unknown || c.pair == nullptr)
        skip(c, "starting", because("it is not ready yet", p.reason), p.back_at);
}

void judge_rest(const RouteInput& in, Candidate& c)
{
    const PairSnapshot& pair = *c.pair;
    if (pair.breaker == Breaker::open)
        skip(c,
             "breaker_open",
             because("its breaker is open", pair.rests_because),
             pair.rests_until);
    else if (pair.rests_until && *pair.rests_until > in.now)
        skip(c, "cooling_down", because("it rests", pair.rests_because), pair.rests_until);
    else if (pair.breaker == Breaker::half_open && c.provider->running > 0)
        skip(c, "trial_running", "one job tries whether it is back");
}

// Which of several providers is better off, when nothing else tells them apart.
int class_of(Health health)
{
    constexpr std::array<Health, 5> kBest{
        Health::ready, Health::busy, Health::starting, Health::unknown, Health::degraded};
    const auto* const found = std::find(kBest.begin(), kBest.end(), health);
    return static_cast<int>(found - kBest.begin());
}

bool is_reason(const Reason& reason, std::initializer_list<std::string_view> codes)
{
    return std::find(codes.begin(), codes.end(), reason.code) != codes.end();
}

bool only_for(const Candidate& c, std::initializer_list<std::string_view> codes)
{
    return std::all_of(c.skipped.begin(), c.skipped.end(), [&](const Reason& reason) {
        return is_reason(reason, codes);
    });
}

bool is_granted(const Candidate& c)
{
    return c.rejected.empty() && c.repetition && !c.repetition->is_last_resort;
}

int rank_of(const RouteInput& in, const Candidate& c, bool somebody_repeats)
{
    if (!c.rejected.empty()) return 4;
    if (c.repetition && c.repetition->is_last_resort) return 3;
    if (!c.repetition) return c.is_paid() && somebody_repeats ? 2 : 0;
    const bool waits = c.repetition->row->after_restart || c.repetition->at > in.now;
    return waits ? 1 : 0;
}

// After a failure of a credential the provider's other credentials come first.
bool has_another_credential(const RouteInput& in, const Candidate& c)
{
    if (in.attempts.empty() || c.provider == nullptr || c.pair == nullptr) return false;
    const Attempt& last = in.attempts.back();
    if (!last.error || last.provider != c.provider->id) return false;
    const Error& error = *last.error;
    return error.scope.value_or(traits(error.category).scope) == Scope::credential &&
           last.model != c.pair->model.id;
}

double seconds_of(const Candidate& c)
{
    const Estimate estimate = c.estimate();
    if (estimate.basis == Estimate::Basis::none) return kLast;
    return (estimate.start + estimate.run).count();
}

// What the policy goes by; the smaller number comes first.
double policy_key(const RouteInput& in, const Candidate& c)
{
    switch (in.chain.policy) {
    case ChainPolicy::ordered:
        return 0;
    case ChainPolicy::cheapest:
        return c.cost ? static_cast<double>(c.cost->micros) : kLast;
    case ChainPolicy::fastest:
        return seconds_of(c);
    case ChainPolicy::weighted: {
        // The smallest of exponentially distributed numbers falls to each with its weight.
        if (c.step == nullptr || c.step->chain.weight == 0) return kLast;
        const double chance = chance_of(in.seed, c.step->chain.use);
        return -std::log1p(-chance) / c.step->chain.weight;
    }
    }
    return 0;
}

auto key_of(const RouteInput& in, const Candidate& c, bool somebody_repeats)
{
    const bool measures =
        in.chain.policy == ChainPolicy::cheapest || in.chain.policy == ChainPolicy::fastest;
    const int cold = c.pair != nullptr && c.pair->loaded ? 0 : 1;
    const bool is_somebody = c.provider != nullptr;
    const double load =
        is_somebody ? c.provider->running / static_cast<double>(std::max(c.provider->slots, 1U))
                    : 0;
    return std::tuple(rank_of(in, c, somebody_repeats),
                      has_another_credential(in, c) ? 0 : 1,
                      policy_key(in, c),
                      measures ? cold : 0,
                      c.step == nullptr ? std::numeric_limits<std::size_t>::max() : c.step_index,
                      c.place,
                      cold,
                      load,
                      is_somebody ? class_of(c.provider->health) : 0);
}

// A slot at a provider that is there, or one that is on its way, comes without a doubt; an
// unhealthy provider or an open breaker may take for ever.
bool is_worth_waiting_for(const RouteInput& in, const Candidate& c)
{
    if (in.chain.policy == ChainPolicy::fastest || c.skipped.empty()) return false;
    if (c.repetition && c.repetition->is_last_resort) return false;
    const bool is_free = !c.is_paid() || c.is_undetermined();
    return is_free && only_for(c, {"no_free_slot", "starting"});
}

// A granted repetition comes before anything paid, unless nobody knows when it could go.
bool holds_all(const RouteInput& in, const Candidate& c)
{
    if (!is_granted(c) || c.skipped.empty()) return false;
    const bool restarts = c.repetition->row->after_restart && c.earliest;
    const bool is_near = !c.earliest || *c.earliest - in.now <= patience_of(in);
    return is_near &&
           (only_for(c, {"backing_off", "no_free_slot", "cooling_down", "starting"}) ||
            (restarts && only_for(c, {"backing_off", "no_free_slot", "unhealthy", "starting"})));
}

} // namespace

void judge_by_state(const RouteInput& in, Candidate& candidate)
{
    if (candidate.provider == nullptr || candidate.step == nullptr) return;
    judge_health(candidate);
    if (candidate.pair != nullptr) judge_rest(in, candidate);
    if (candidate.repetition && candidate.repetition->at > in.now)
        skip(candidate, "backing_off", "it is tried again later", candidate.repetition->at);
    if (candidate.provider->running >= candidate.provider->slots)
        skip(candidate, "no_free_slot", "all its slots are taken");
}

void put_in_order(const RouteInput& in, std::vector<Candidate>& candidates)
{
    const bool somebody_repeats = std::any_of(candidates.begin(), candidates.end(), is_granted);
    std::stable_sort(
        candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
            return key_of(in, a, somebody_repeats) < key_of(in, b, somebody_repeats);
        });
}

void hold_paid_ones(const RouteInput& in, std::vector<Candidate>& candidates)
{
    bool held = std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& c) {
        return c.rejected.empty() && holds_all(in, c);
    });
    for (Candidate& c : candidates) {
        if (!c.rejected.empty()) break;
        const bool is_its_own = c.repetition && !c.repetition->is_last_resort;
        if (c.skipped.empty() && c.is_paid() && held && !is_its_own) c.is_held = true;
        if (is_worth_waiting_for(in, c)) held = true;
    }
}

} // namespace reelgate
