// How a provider's worker is kept alive, as a pure function of (state, event, now). Whoever owns
// the process feeds it what happened and does what it answers; the clocks, the back-off and the
// quarantine are all here, and no time passes inside.
#pragma once

#include "host/base/clock.hpp"
#include "host/base/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace reelgate::supervise {

using namespace std::chrono_literals;
using Duration = std::chrono::milliseconds;

enum class Life : std::uint8_t {
    stopped,     // nobody wants it
    starting,    // spawned, not yet created
    ready,       // created
    leaving,     // told `bye`
    dying,       // killed, not yet gone
    resting,     // crashed, waits for its next start
    quarantined, // crashed too often: one trial when the rest is over
    refused,     // cannot work until the plugin, its configuration or the host changes
    stuck,       // killed and still there: nothing may be started beside it
};

// Every number here was measured or chosen in the SDK's design; the operator may set them.
struct Limits {
    Duration start = 30s;
    Duration ping_every = 2s;
    unsigned pings_until_degraded = 3;
    Duration ping_limit = 15s;
    Duration silent_for = 120s;   // no sign of life of a job
    Duration cancel_within = 10s; // from cancel to `done`
    Duration bye = 5s;
    Duration kill = 10s;       // from SIGKILL to gone; 8 GB of memory take 0.4 s
    Duration neighbours = 30s; // how long other jobs may go on beside one that must be killed
    Duration first_rest = 1s;
    Duration longest_rest = 60s;
    double rest_jitter = 0.2;
    Duration steady = 5min;        // ready this long: the next rest is the first again
    unsigned crashes = 3;          // this many
    Duration crash_window = 10min; // within this
    Duration first_quarantine = 30s;
    Duration longest_quarantine = 15min;
};

enum class KillReason : std::uint8_t {
    start_timeout,
    unresponsive,
    run_stalled,
    cancel_ignored,
    bye_ignored,
    protocol_violation,
    asked,
};
std::string_view to_string(KillReason reason);
std::string_view to_string(Life life);

struct JobClock {
    SteadyTime last_sign{};
    std::optional<SteadyTime> cancel_sent{};
    bool stalled = false; // cancelled because it was silent, not because somebody asked
};

struct Ping {
    std::uint64_t n = 0;
    SteadyTime sent{};
};

struct State {
    Life life = Life::stopped;
    SteadyTime since{};
    std::string reason{}; // why it is in this phase, for people
    bool wanted = false;
    bool degraded = false;

    std::map<std::string, JobClock> jobs{};
    std::optional<SteadyTime> next_ping{};
    std::vector<Ping> pings{}; // unanswered, the oldest first
    std::uint64_t last_ping = 0;
    std::optional<KillReason> killing_for{};
    std::optional<SteadyTime> kill_at{}; // a kill that waits for the neighbours
    std::string refusal{};               // set while the worker that can never be dies

    std::vector<SteadyTime> crashes{};
    unsigned rests = 0;       // since it was last steady: the exponent of the back-off
    unsigned quarantines = 0; // likewise
    SteadyTime rest_until{};
};

// What happened.
struct StartAsked {};
struct StopAsked {};
struct ResetAsked {}; // an operator, or a changed file: forget the crashes, try now
struct Created {};
struct Fatal {
    std::string text;
}; // the worker gives up and is killed; before `created` it is refused, too
struct Ponged {
    std::uint64_t n = 0; // of the ping that it answers, and with it those before
};
struct SignOfLife {
    std::string job;
};
struct JobStarted {
    std::string job;
};
struct JobDone {
    std::string job;
};
struct CancelAsked {
    std::string job;
};
struct WireBroken {
    std::string text;
};
struct SpawnFailed {
    std::string text;
};
struct Exited {
    std::string text;
};
struct Tick {};
using Event = std::variant<StartAsked,
                           StopAsked,
                           ResetAsked,
                           Created,
                           Fatal,
                           Ponged,
                           SignOfLife,
                           JobStarted,
                           JobDone,
                           CancelAsked,
                           WireBroken,
                           SpawnFailed,
                           Exited,
                           Tick>;

// What to do about it.
struct Spawn {};
struct SendPing {
    std::uint64_t n;
};
struct SendCancel {
    std::string job;
};
struct SendBye {};
struct Kill {
    KillReason reason;
};
struct StateChanged {};
using Action = std::variant<Spawn, SendPing, SendCancel, SendBye, Kill, StateChanged>;

struct Step {
    State state;
    std::vector<Action> actions;
};

// `chance` is uniform in [0, 1): the jitter of the back-off.
Step step(State state, const Event& event, SteadyTime now, const Limits& limits, double chance);

// When the next Tick is due; nothing if only an event can change anything.
std::optional<SteadyTime> wake_at(const State& state, const Limits& limits);

// Is a ping of this number unanswered?
bool awaits_pong(const State& state, std::uint64_t n);

// May a job be sent there now?
bool takes_jobs(const State& state);

} // namespace reelgate::supervise
