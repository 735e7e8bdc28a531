// What a failure means for the job and for those who come after it: the policy table, as data and
// one reader. Nobody else switches on a category to decide what happens next.
#pragma once

#include "host/model/job.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace reelgate {

enum class MoveOn : std::uint8_t {
    never,
    always,
    once,             // to one other provider
    if_free,          // only where nothing can have been charged
    if_chain_says,    // content_rejected
    resubmit_allowed, // where money may be gone: uses up one of the paid resubmits
    if_stopped,       // as resubmit_allowed, and only once the other side says that it stopped
};

enum class CoolUnit : std::uint8_t {
    none,
    counts_provider, // one failure towards the breaker of the provider's pair, when it cannot be
                     // reached
    counts_pair,     // one towards the pair's breaker
    pair,            // the pair rests
    pair_size,       // the pair rests for requests of this size
    pair_misconfigured,
    provider_open, // until its probes rise
    provider_misconfigured,
    credential,
    credential_misconfigured,
    host, // nothing is admitted
};

// Whom a failure keeps work away from, and how.
bool is_of_all_models(CoolUnit unit); // of the provider; else of the one that failed
bool rests(CoolUnit unit);            // by its breaker
bool misconfigures(CoolUnit unit);    // until somebody changes something, or looks again

// Which of a category's rows applies.
enum class When : std::uint8_t {
    any,
    not_sent,
    sent,    // on its way, without a verdict
    reading, // accepted; asking after it, or fetching
    queued,  // accepted, and still in the other side's queue
    loading,
    stalled,
    deadline,
    misnamed,    // the other side is not who it should be
    written_off, // declared to be lost: Error.code is "written_off"
};

// What a repetition at the same provider repeats.
enum class Again : std::uint8_t {
    nothing,
    submit,    // a new attempt: `decide` grants it
    read,      // the question or the download, within the attempt
    reconcile, // the question whether it was accepted
    store,     // the writing
};

inline constexpr unsigned kUntilDeadline = std::numeric_limits<unsigned>::max();

struct PolicyRow {
    Category category;
    When when;
    Again again;
    unsigned same_free; // repetitions at the same provider where work is free
    unsigned same_paid; // and where it is not
    std::chrono::seconds back_off_first;
    std::chrono::seconds back_off_most;
    MoveOn free_move;
    MoveOn paid_move;
    CoolUnit cools;
    bool becomes_ambiguous = false; // a paid submit whose verdict is lost
    bool after_restart = false;     // a repetition needs a new worker first
    bool comes_back = false;        // not used up by this: tried again when nobody else is left
};

std::span<const PolicyRow> policy_table();

// The row of an Error that stands alone, and of one that ended an attempt, where the verdict may
// know better than the phase whether anything left.
const PolicyRow& policy_for(const Error& error, Charge charge);
const PolicyRow& policy_for(const Attempt& failed);

// May other providers have the job after this? Chain and allowance are the caller's to ask.
MoveOn move_on(const PolicyRow& row, Charge charge);
unsigned same_again(const PolicyRow& row, Charge charge);

// The wait before repetition number `again` (1, 2, ...): doubling from first to most, then anything
// between nothing and that by `chance` in [0, 1), and never less than the other side asked for.
std::chrono::milliseconds back_off(const PolicyRow& row,
                                   unsigned again,
                                   double chance,
                                   std::optional<std::chrono::seconds> retry_after);

// What a person can do: the error's own hint, else the category's.
std::string hint_for(const Error& error);

std::string_view to_string(MoveOn move);
std::string_view to_string(CoolUnit unit);
std::string_view to_string(When when);
std::string_view to_string(Again again);

} // namespace reelgate
