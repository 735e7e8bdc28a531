#include "host/router/health.hpp"

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

void become(HealthFold& health, Health state, std::string reason, WallTime now)
{
    if (health.state != state) health.since = now;
    health.state = state;
    health.reason = std::move(reason);
}

void forget_the_good(HealthFold& health)
{
    health.good_in_a_row = 0;
    health.good_since.reset();
}

std::chrono::seconds dwell_after(std::size_t falls, const HealthLimits& limits)
{
    std::chrono::seconds dwell = limits.dwell;
    for (std::size_t i = 1; i < falls && dwell < limits.dwell_most; ++i)
        dwell *= 2;
    return std::min(dwell, limits.dwell_most);
}

void fall(HealthFold& health, std::string reason, WallTime now, const HealthLimits& limits)
{
    // What never was up does not fall: a back end that is started after us need not wait.
    const bool was_up = health.state == Health::ready || health.state == Health::busy ||
                        health.state == Health::degraded;
    if (was_up) {
        std::erase_if(health.falls, [&](WallTime then) { return now - then >= kFallsAreHeldFor; });
        health.falls.push_back(now);
        health.dwell = dwell_after(health.falls.size(), limits);
    }
    become(health, Health::unhealthy, std::move(reason), now);
}

HealthFold
after_bad(HealthFold health, std::string reason, WallTime now, const HealthLimits& limits)
{
    forget_the_good(health);
    ++health.bad_in_a_row;
    health.is_new = false;
    if (health.state == Health::unhealthy)
        health.reason = std::move(reason);
    else if (health.bad_in_a_row >= limits.fall)
        fall(health, std::move(reason), now, limits);
    health.disagrees = health.state != Health::unhealthy;
    return health;
}

std::string stalled_text(std::chrono::duration<double> idle)
{
    return "stalled: its oldest work has not advanced for " +
           std::to_string(static_cast<long long>(idle.count())) + " s";
}

// Recovered means: good probes without a break for the whole dwell. With the counts alone a
// provider that is up for four seconds and down for four changes state hundreds of times an hour;
// with the dwell, once.
bool is_believed(const HealthFold& health, WallTime now, const HealthLimits& limits)
{
    if (health.state != Health::unhealthy || health.is_new) return true;
    return health.good_in_a_row >= limits.rise && now - *health.good_since >= health.dwell;
}

HealthFold
after_good(HealthFold health, const ProbeSeen& seen, WallTime now, const HealthLimits& limits)
{
    health.bad_in_a_row = 0;
    ++health.good_in_a_row;
    if (!health.good_since) health.good_since = now;
    health.disagrees = !is_believed(health, now, limits);
    if (health.disagrees) return health;
    health.is_new = false;
    if (seen.idle && *seen.idle >= limits.stall)
        become(health, Health::degraded, stalled_text(*seen.idle), now);
    else
        become(health, seen.said, seen.reason, now);
    return health;
}

HealthFold after_starting(HealthFold health, const ProbeSeen& seen, WallTime now)
{
    forget_the_good(health);
    health.bad_in_a_row = 0;
    if (health.state != Health::unhealthy || health.is_new)
        become(health, Health::starting, seen.reason, now);
    health.disagrees = true; // it is on its way: look again soon
    return health;
}

// Certain at once, and gone at once when it is repaired: a person's change, not a flapping machine.
HealthFold after_misconfigured(HealthFold health, const ProbeSeen& seen, WallTime now)
{
    forget_the_good(health);
    health.bad_in_a_row = 0;
    health.disagrees = false;
    become(health, Health::misconfigured, seen.reason, now);
    return health;
}

} // namespace

HealthFold
after_probe(HealthFold health, const ProbeSeen& seen, WallTime now, const HealthLimits& limits)
{
    if (!seen.answered) {
        const bool advances =
            health.last_progress && now - *health.last_progress <= limits.fall * limits.interval;
        if (!advances || health.state == Health::unhealthy)
            return after_bad(std::move(health), seen.reason, now, limits);
        become(health, Health::busy, "misses probes, and its work advances", now);
        health.disagrees = false;
        return health;
    }
    switch (seen.said) {
    case Health::ready:
    case Health::busy:
    case Health::degraded:
        return after_good(std::move(health), seen, now, limits);
    case Health::starting:
        return after_starting(std::move(health), seen, now);
    case Health::misconfigured:
        return after_misconfigured(std::move(health), seen, now);
    default:
        return after_bad(std::move(health), seen.reason, now, limits);
    }
}

HealthFold after_progress(HealthFold health, WallTime now)
{
    health.last_progress = now;
    health.bad_in_a_row = 0;
    return health;
}

HealthFold after_worker_death(HealthFold health, const std::string& why, WallTime now)
{
    forget_the_good(health);
    health.bad_in_a_row = 0;
    health.last_progress.reset();
    health.is_new = true;
    health.disagrees = true;
    become(health, Health::unhealthy, why, now);
    return health;
}

WallTime
next_probe(const HealthFold& health, WallTime now, double chance, const HealthLimits& limits)
{
    const std::chrono::duration<double, std::milli> wait =
        health.disagrees ? limits.hurried : limits.interval;
    return now + std::chrono::duration_cast<WallTime::duration>(wait * (0.9 + 0.2 * chance));
}

} // namespace reelgate
