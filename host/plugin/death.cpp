#include "host/plugin/death.hpp"

#include <csignal>
#include <string>

namespace reelgate {
namespace {

using supervise::JobClock;
using supervise::KillReason;

Error neighbour(std::string_view plugin, std::string_view what)
{
    return Error{.category = Category::worker_unavailable,
                 .text = std::string(plugin) + " had to be started again because another attempt " +
                         std::string(what),
                 .code = "neighbour_crashed",
                 .hint = "it is tried again; set max_concurrency to 1 to keep attempts apart",
                 .phase = Phase::run};
}

std::string because(const Death& death)
{
    return death.reason.empty() ? std::string() : ": " + std::string(death.reason);
}

Error killed(const Death& death, const JobClock& clock, KillReason reason)
{
    const std::string plugin(death.plugin);
    const bool culprit = clock.cancel_sent.has_value();
    switch (reason) {
    case KillReason::run_stalled:
        if (!culprit) return neighbour(plugin, "stalled");
        return Error{.category = Category::timeout,
                     .text = plugin + " gave no sign of life and did not stop when asked to",
                     .code = "run_stalled",
                     .hint = "raise silent_for if its steps really take this long",
                     .phase = Phase::run};
    case KillReason::cancel_ignored: {
        if (!culprit) return neighbour(plugin, "ignored its cancel");
        Error error{.category = Category::cancelled,
                    .text = "cancelled; " + plugin + " did not stop by itself and was ended",
                    .code = "cancel_forced",
                    .phase = Phase::run};
        if (!death.remote) error.compute_stopped = true;
        return error;
    }
    case KillReason::unresponsive:
    case KillReason::protocol_violation:
        return Error{.category = Category::plugin_crashed,
                     .text = plugin +
                             (reason == KillReason::unresponsive
                                  ? " did not answer and was ended"
                                  : " broke the worker protocol and was ended") +
                             because(death),
                     .code = std::string(to_string(reason)),
                     .hint = "see `reelgate plugin logs`",
                     .phase = Phase::run};
    case KillReason::asked: // by its own `fatal`, the only thing that asks
        return Error{.category = Category::plugin_crashed,
                     .text = plugin + " gave up and was ended" + because(death),
                     .code = "gave_up",
                     .hint = "see `reelgate plugin logs`",
                     .phase = Phase::run};
    default:
        return Error{.category = Category::worker_unavailable,
                     .text = plugin + " was ended: " + std::string(to_string(reason)),
                     .code = std::string(to_string(reason)),
                     .phase = Phase::run};
    }
}

// A SIGKILL that was not ours: the kernel's, when it counted one for want of memory, else
// somebody's.
void tell_kill(const Death& death, Error& error)
{
    const ExitFacts& facts = death.facts;
    const std::string size = std::to_string(facts.peak_rss_kb / 1024) + " MiB";
    if (facts.oom_kills.value_or(0) > 0) {
        error.code = "host_memory";
        error.text =
            std::string(death.plugin) + " was killed by the system at " + size + ": memory ran out";
        error.hint = "use a smaller size or fewer frames, or give it more memory";
        return;
    }
    error.code = "killed";
    error.text = std::string(death.plugin) + " was ended at " + size +
                 " by a SIGKILL that Reelgate did not send";
    error.hint =
        "an operator, a service manager, a container runtime or the plugin itself may have "
        "sent it";
    if (!facts.oom_kills)
        error.hint += "; or memory ran out, which this system does not tell: see its kernel log";
}

} // namespace

Error why_lost(const Death& death, std::string_view attempt, const JobClock& clock)
{
    const ExitFacts& facts = death.facts;
    if (death.killed_for && !facts.crash) return killed(death, clock, *death.killed_for);
    const std::string_view named = facts.crash ? facts.crash->words.job_id() : std::string_view();
    if (!named.empty() && named != attempt) return neighbour(death.plugin, "crashed it");

    Error error{.category = Category::plugin_crashed,
                .text = std::string(death.plugin) + ' ' + facts.sentence(),
                .code = facts.crash || facts.signal ? "crashed" : "exited",
                .hint = "see `reelgate plugin logs`",
                .phase = Phase::run};
    if (facts.signal == SIGKILL && !facts.crash) tell_kill(death, error);
    return error;
}

} // namespace reelgate
