#include "host/router/breaker.hpp"

#include "host/router/failure_policy.hpp"

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

constexpr std::chrono::seconds kQuotaRest = std::chrono::hours(1);

using Span = std::chrono::duration<double>;

Span doubled(std::chrono::seconds first, std::chrono::seconds most, unsigned times)
{
    Span rest = first;
    for (unsigned i = 1; i < times && rest < Span(most); ++i)
        rest *= 2;
    return std::min<Span>(rest, most);
}

Span rest_of(const BreakerFold& breaker,
             const PolicyRow& row,
             const Error& error,
             double chance,
             const BreakerLimits& limits)
{
    if (error.retry_after) return *error.retry_after;
    const Span spread{0.8 + 0.4 * chance};
    if (error.category == Category::quota_exhausted) return kQuotaRest;
    // Its probes say when it is back.
    if (row.cools == CoolUnit::provider_open) return Span{0};
    if (row.cools == CoolUnit::credential)
        return doubled(row.back_off_first, row.back_off_most, breaker.times_opened) *
               spread.count();
    return doubled(limits.first_rest, limits.longest_rest, breaker.times_opened) * spread.count();
}

// Does this failure open it, counted in?
bool opens(BreakerFold& breaker, const Error& error, WallTime now, const BreakerLimits& limits)
{
    if (error.category == Category::plugin_crashed) {
        std::erase_if(breaker.crashes,
                      [&](WallTime then) { return now - then >= kCrashesAreHeldFor; });
        breaker.crashes.push_back(now);
        return breaker.crashes.size() >= limits.crashes;
    }
    if (error.phase > Phase::submit) return ++breaker.run_failures >= limits.run_failures;
    return ++breaker.submit_failures >= limits.submit_failures;
}

bool counts(CoolUnit unit)
{
    return unit == CoolUnit::counts_provider || unit == CoolUnit::counts_pair;
}

bool opens_at_once(CoolUnit unit)
{
    return unit == CoolUnit::pair || unit == CoolUnit::pair_size ||
           unit == CoolUnit::provider_open || unit == CoolUnit::credential;
}

} // namespace

BreakerFold after_failure(BreakerFold breaker,
                          const Error& error,
                          WallTime now,
                          double chance,
                          const BreakerLimits& limits)
{
    const PolicyRow& row = policy_for(error, Charge::paid);
    if (!counts(row.cools) && !opens_at_once(row.cools)) return breaker;
    const bool was_closed = breaker.state == Breaker::closed;
    const bool is_enough = opens_at_once(row.cools) || opens(breaker, error, now, limits);
    if (was_closed && !is_enough) return breaker;
    // What fails while it rests was begun before: it may prolong the rest, and does not double it.
    if (breaker.state != Breaker::open) ++breaker.times_opened;
    breaker.state = Breaker::open;
    const WallTime until = now + std::chrono::duration_cast<WallTime::duration>(
                                     rest_of(breaker, row, error, chance, limits));
    breaker.until = std::max(breaker.until.value_or(until), until);
    return breaker;
}

BreakerFold after_success(BreakerFold breaker, WallTime now)
{
    const bool rests = breaker.state == Breaker::open && breaker.until && now < *breaker.until;
    if (breaker.held_open || rests) return breaker;
    BreakerFold closed;
    closed.crashes = std::move(breaker.crashes);
    return closed;
}

BreakerFold as_time_passes(BreakerFold breaker, bool probe_passes, WallTime now)
{
    const bool is_over = !breaker.until || now >= *breaker.until;
    if (breaker.state == Breaker::open && !breaker.held_open && is_over && probe_passes)
        breaker.state = Breaker::half_open;
    return breaker;
}

BreakerFold reset(BreakerFold /*breaker*/) { return {}; }

BreakerFold hold_open(BreakerFold breaker)
{
    breaker.state = Breaker::open;
    breaker.held_open = true;
    return breaker;
}

} // namespace reelgate
