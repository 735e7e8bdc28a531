#include "host/plugin/supervise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace reelgate::supervise {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

bool has_worker(Life life)
{
    return life == Life::starting || life == Life::ready || life == Life::leaving ||
           life == Life::dying || life == Life::stuck;
}

Duration doubled(Duration first, unsigned times, Duration longest)
{
    // Past 20 doublings every first value is beyond every longest one.
    return std::min(longest, Duration(first.count() << std::min(times, 20U)));
}

// One event's worth of work on a state: the rules, with their actions collected on the way.
class Turn {
public:
    Turn(State state, SteadyTime now, const Limits& limits, double chance)
        : s_(std::move(state)), now_(now), limits_(limits), chance_(chance)
    {
    }

    Step finish() && { return {std::move(s_), std::move(actions_)}; }

    void on(const StartAsked&)
    {
        s_.wanted = true;
        if (s_.life == Life::stopped) spawn("asked to start");
    }

    void on(const StopAsked&)
    {
        s_.wanted = false;
        switch (s_.life) {
        case Life::ready:
        case Life::starting:
            enter(Life::leaving, "asked to stop");
            actions_.emplace_back(SendBye{});
            break;
        case Life::resting:
        case Life::quarantined:
        case Life::refused:
            enter(Life::stopped, "asked to stop");
            break;
        default:
            break;
        }
    }

    void on(const ResetAsked&)
    {
        s_.crashes.clear();
        s_.rests = 0;
        s_.quarantines = 0;
        const bool waits =
            s_.life == Life::resting || s_.life == Life::quarantined || s_.life == Life::refused;
        if (waits && s_.wanted) spawn("reset");
    }

    void on(const Created&)
    {
        if (s_.life != Life::starting) return;
        enter(Life::ready, "");
        s_.next_ping = now_ + limits_.ping_every;
        s_.pings.clear();
    }

    void on(const Fatal& event)
    {
        if (s_.life == Life::starting) refuse_ = event.text;
        s_.reason = event.text;
        kill(KillReason::asked);
    }

    // One thread of the worker's answers them in their order. A number that waits for no answer
    // says nothing of that thread.
    void on(const Ponged& event)
    {
        if (!awaits_pong(s_, event.n)) return;
        std::erase_if(s_.pings, [&](const Ping& ping) { return ping.n <= event.n; });
        if (s_.pings.size() < limits_.pings_until_degraded && std::exchange(s_.degraded, false))
            actions_.emplace_back(StateChanged{});
    }

    void on(const SignOfLife& event)
    {
        if (const auto job = s_.jobs.find(event.job); job != s_.jobs.end())
            job->second.last_sign = now_;
    }

    void on(const JobStarted& event) { s_.jobs[event.job] = JobClock{.last_sign = now_}; }

    void on(const JobDone& event)
    {
        s_.jobs.erase(event.job);
        // The one that was to be killed has come back after all.
        const bool overdue = std::any_of(s_.jobs.begin(), s_.jobs.end(), [&](const auto& job) {
            return is_overdue(job.second);
        });
        if (s_.kill_at && !overdue) s_.kill_at.reset();
        if (s_.kill_at) watch_jobs(); // perhaps it was the last neighbour
    }

    void on(const CancelAsked& event)
    {
        const auto job = s_.jobs.find(event.job);
        if (job == s_.jobs.end() || job->second.cancel_sent) return;
        job->second.cancel_sent = now_;
        actions_.emplace_back(SendCancel{event.job});
    }

    void on(const WireBroken& event)
    {
        if (s_.life == Life::dying || s_.life == Life::leaving) return;
        s_.reason = event.text;
        kill(KillReason::protocol_violation);
    }

    void on(const SpawnFailed& event) { crashed(event.text); }

    void on(const Exited& event)
    {
        if (!has_worker(s_.life)) return;
        const bool unasked = s_.life == Life::starting || s_.life == Life::ready;
        const bool was_killed = s_.life == Life::dying || s_.life == Life::stuck;
        const std::string why = was_killed && !s_.reason.empty() ? s_.reason : event.text;
        s_.jobs.clear();
        s_.kill_at.reset();
        const auto reason = std::exchange(s_.killing_for, std::nullopt);
        if (!s_.refusal.empty()) return refused();
        if (unasked || (was_killed && reason != KillReason::bye_ignored)) return crashed(why);
        enter(Life::stopped, event.text);
        if (s_.wanted) spawn("asked to start");
    }

    void on(const Tick&)
    {
        if (s_.life == Life::starting && now_ >= s_.since + limits_.start) {
            s_.reason = "not ready in time";
            return kill(KillReason::start_timeout);
        }
        if (s_.life == Life::ready) watch();
        if (s_.life == Life::leaving && now_ >= s_.since + limits_.bye)
            return kill(KillReason::bye_ignored);
        if (s_.life == Life::dying && now_ >= s_.since + limits_.kill)
            return enter(Life::stuck, "killed and not gone; its devices may still be held");
        const bool rests = s_.life == Life::resting || s_.life == Life::quarantined;
        if (rests && now_ >= s_.rest_until) spawn("the rest is over");
    }

private:
    void enter(Life life, std::string reason)
    {
        s_.life = life;
        s_.since = now_;
        s_.reason = std::move(reason);
        if (life != Life::ready) s_.degraded = false;
        actions_.emplace_back(StateChanged{});
    }

    void spawn(std::string reason)
    {
        s_.refusal.clear();
        enter(Life::starting, std::move(reason));
        actions_.emplace_back(Spawn{});
    }

    void kill(KillReason reason)
    {
        if (!has_worker(s_.life) || s_.life == Life::dying || s_.life == Life::stuck) return;
        s_.refusal = std::exchange(refuse_, {});
        s_.killing_for = reason;
        enter(Life::dying, s_.reason);
        actions_.emplace_back(Kill{reason});
    }

    // Who stops it while it dies waits for `stopped`, whatever it died of.
    void refused() { enter(s_.wanted ? Life::refused : Life::stopped, s_.refusal); }

    void crashed(const std::string& why)
    {
        if (!s_.wanted) return enter(Life::stopped, why);
        s_.crashes.push_back(now_);
        std::erase_if(s_.crashes, [&](SteadyTime at) { return at + limits_.crash_window < now_; });
        if (s_.crashes.size() >= limits_.crashes) {
            s_.rest_until =
                now_ + jittered(doubled(
                           limits_.first_quarantine, s_.quarantines++, limits_.longest_quarantine));
            return enter(Life::quarantined, why);
        }
        s_.rest_until =
            now_ + jittered(doubled(limits_.first_rest, s_.rests++, limits_.longest_rest));
        enter(Life::resting, why);
    }

    Duration jittered(Duration rest) const
    {
        const double factor = 1.0 + limits_.rest_jitter * (2.0 * chance_ - 1.0);
        return Duration(std::llround(static_cast<double>(rest.count()) * factor));
    }

    void watch()
    {
        if (now_ >= s_.since + limits_.steady) {
            s_.rests = 0;
            s_.quarantines = 0;
        }
        watch_pings();
        if (s_.life == Life::ready) watch_jobs();
    }

    void watch_pings()
    {
        if (!s_.pings.empty() && now_ >= s_.pings.front().sent + limits_.ping_limit) {
            s_.reason = "no answer to a ping";
            return kill(KillReason::unresponsive);
        }
        if (!s_.next_ping || now_ < *s_.next_ping) return;
        if (s_.pings.size() == limits_.pings_until_degraded) {
            s_.degraded = true;
            actions_.emplace_back(StateChanged{});
        }
        s_.pings.push_back(Ping{++s_.last_ping, now_});
        s_.next_ping = now_ + limits_.ping_every;
        actions_.emplace_back(SendPing{s_.last_ping});
    }

    bool is_overdue(const JobClock& job) const
    {
        return job.cancel_sent && now_ >= *job.cancel_sent + limits_.cancel_within;
    }

    // Silence is answered by a cancel, an ignored cancel by a kill; the kill waits for the
    // neighbours.
    void watch_jobs()
    {
        bool all_overdue = true;
        std::optional<KillReason> due;
        for (auto& [id, job] : s_.jobs) {
            if (!job.cancel_sent && now_ >= job.last_sign + limits_.silent_for) {
                job.stalled = true;
                job.cancel_sent = now_;
                actions_.emplace_back(SendCancel{id});
            }
            if (is_overdue(job))
                due = job.stalled ? KillReason::run_stalled : KillReason::cancel_ignored;
            else
                all_overdue = false;
        }
        if (!due) return;
        if (!s_.kill_at) s_.kill_at = now_ + limits_.neighbours;
        if (!all_overdue && now_ < *s_.kill_at) return;
        s_.reason = due == KillReason::run_stalled
                        ? "a job gave no sign of life and ignored its cancel"
                        : "a job ignored its cancel";
        kill(*due);
    }

    State s_;
    SteadyTime now_;
    const Limits& limits_;
    double chance_;
    std::string refuse_;
    std::vector<Action> actions_;
};

} // namespace

std::string_view to_string(KillReason reason)
{
    constexpr std::array<std::string_view, 7> kNames{"start_timeout",
                                                     "unresponsive",
                                                     "run_stalled",
                                                     "cancel_ignored",
                                                     "bye_ignored",
                                                     "protocol_violation",
                                                     "asked"};
    return kNames[static_cast<std::size_t>(reason)];
}

std::string_view to_string(Life life)
{
    constexpr std::array<std::string_view, 9> kNames{"stopped",
                                                     "starting",
                                                     "ready",
                                                     "leaving",
                                                     "dying",
                                                     "resting",
                                                     "quarantined",
                                                     "refused",
                                                     "stuck"};
    return kNames[static_cast<std::size_t>(life)];
}

Step step(State state, const Event& event, SteadyTime now, const Limits& limits, double chance)
{
    Turn turn(std::move(state), now, limits, chance);
    std::visit([&](const auto& e) { turn.on(e); }, event);
    return std::move(turn).finish();
}

std::optional<SteadyTime> wake_at(const State& state, const Limits& limits)
{
    std::optional<SteadyTime> wake;
    const auto by = [&](SteadyTime at) { wake = wake ? std::min(*wake, at) : at; };
    switch (state.life) {
    case Life::starting:
        by(state.since + limits.start);
        break;
    case Life::leaving:
        by(state.since + limits.bye);
        break;
    case Life::dying:
        by(state.since + limits.kill);
        break;
    case Life::resting:
    case Life::quarantined:
        by(state.rest_until);
        break;
    case Life::ready:
        if (state.next_ping) by(*state.next_ping);
        if (!state.pings.empty()) by(state.pings.front().sent + limits.ping_limit);
        // Jobs that are overdue wait for the same moment; their own clocks have run out.
        if (state.kill_at) {
            by(*state.kill_at);
            break;
        }
        for (const auto& [id, job] : state.jobs)
            by(job.cancel_sent ? *job.cancel_sent + limits.cancel_within
                               : job.last_sign + limits.silent_for);
        break;
    default:
        break;
    }
    return wake;
}

bool awaits_pong(const State& state, std::uint64_t n)
{
    return std::any_of(
        state.pings.begin(), state.pings.end(), [n](const Ping& ping) { return ping.n == n; });
}

bool takes_jobs(const State& state) { return state.life == Life::ready && !state.kill_at; }

} // namespace reelgate::supervise
