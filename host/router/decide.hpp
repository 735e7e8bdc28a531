// Where a job goes now, and why not elsewhere: a pure function of values. The scheduler does what
// it answers, and `explain` shows the same answer without doing it.
#pragma once

#include "host/router/chain.hpp"

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace reelgate {

struct RouteInput {
    const JobOrder& order;
    std::span<const Attempt> attempts; // what this job has behind it
    std::span<const ProviderSnapshot> providers;
    const Chain& chain; // the one that the order names, or the default
    const JobLimits& limits;
    const KeyView& key;
    std::uint64_t seed = 0;
    WallTime created = {}; // or retried: the job's deadline runs from here
    WallTime now = {};
    // Since when, without a break, the answer has been Wait{waiting_for_provider}; nothing where
    // it was another. max_wait runs from here.
    std::optional<WallTime> waiting_since = {};
};

struct Dispatch {
    std::string provider = {};
    std::string model = {};
    Request request = {}; // normalised for that model; params_json is the caller's to fill
    std::vector<std::string> warnings = {};
    Money reserve = {};                         // 0 where nothing is charged
    std::optional<std::string> concession = {}; // the rung of on_oom to give up for this attempt
    bool is_trial = false;                      // the one job that a half-open breaker lets through
};

struct Wait {
    Waiting for_what = Waiting::slot;
    std::optional<WallTime> until = {}; // look again then, or when something changes
};

struct GiveUp {
    JobEvent as = JobEvent::gave_up; // or poisoned
    Error error = {};                // the most useful of the collected reasons
};

// `chosen` goes now; `standby` would if it failed; `skipped` is passed over for now (a slot,
// health, a breaker); `rejected` can never serve this job.
enum class Standing : std::uint8_t { chosen, standby, skipped, rejected };
std::string_view to_string(Standing standing);

struct Considered {
    std::string provider = {};
    std::string model = {}; // empty where the provider as a whole was judged
    Standing standing = Standing::rejected;
    std::vector<std::string> reasons = {}; // codes of reason_table.hpp
    std::string text = {};                 // the first reason in a sentence
    Health health = Health::unknown;
    Breaker breaker = Breaker::closed;
    Estimate estimate = {};
    std::optional<Money> cost = {};
};

struct Decision {
    std::variant<Dispatch, Wait, GiveUp> outcome = {};
    std::vector<Considered> considered = {}; // in the order in which they would be tried
};

// Where an order names a chain as its model ("clips"), the model is open.
//
// The rules, in short. What can never serve the job is rejected; what cannot now is skipped. The
// chain's policy orders the rest. A full or starting provider whose work is free is waited for
// rather than paid for, and so is a repetition that the policy table grants; an unhealthy one or an
// open breaker is not. Who waits for a start that does not come pays when max_wait is over. Nobody
// who is known to be bad gets work because nobody else is there.
Decision decide(const RouteInput& in);

// Before a job exists: can any provider ever serve it? Where none can, the most useful reason, with
// those of all in the text (unsupported_capability, invalid_params, ...). A provider whose models
// are not known yet might.
std::optional<Error> refuse_at_the_door(const RouteInput& in);

} // namespace reelgate
