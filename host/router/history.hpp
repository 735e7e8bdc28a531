// Within the router: what the attempts behind a job mean for the next one. Budgets are the job's,
// not a provider's.
#pragma once

#include "host/router/candidate.hpp"

#include <optional>

namespace reelgate {

struct History {
    unsigned submits = 0;        // that may have left
    unsigned paid_resubmits = 0; // paid submits after one that may have been charged
    unsigned crashes = 0;
    unsigned host_deaths = 0; // of the whole daemon, while an attempt was at work
    bool money_may_be_gone = false;
    bool is_open = false;             // a paid attempt without a verdict
    Money committed = {};             // charged, or still reserved
    const Attempt* last = nullptr;    // the last that failed
    std::optional<Reason> stays = {}; // why nobody else may have the job after `last`
};

// What an attempt has cost or may cost yet.
Money committed_by(const Attempt& attempt);

History history_of(const RouteInput& in, const std::vector<Candidate>& candidates);

// Adds what the job's past has against the candidate, or grants it a repetition.
void judge_by_history(const RouteInput& in, const History& history, Candidate& candidate);

// The best of the errors behind the job: what tells its owner most.
const Error* most_useful_failure(const RouteInput& in);

// How long the job is willing to wait for a provider, and when it must have ended.
std::chrono::seconds patience_of(const RouteInput& in);
WallTime deadline_of(const RouteInput& in);

} // namespace reelgate
