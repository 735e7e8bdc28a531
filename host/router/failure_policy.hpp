// What a failure means for the job and for those who come after it: the policy table, as data and
// one reader. Nobody else switches on a category to decide what happens next.
#pragma once

#include "host/model/job.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace reelgate {

enum class MoveOn : std::uint8_t {
    never,
    always,
    once,             // to one other provider
    if_free,          // only where nothing can have been charged
    if_chain_says,    // content_rejected
    resubmit_allowed, // uses up one of the paid resubmits
};

enum class CoolUnit : std::uint8_t {
    none,
    counts_provider, // one failure towards the provider's health
    counts_pair,     // one towards the pair's breaker
    pair,            // the pair rests
    pair_misconfigured,
    provider_open, // until its probes rise
    credential,
    credential_misconfigured,
    host, // nothing is admitted
};

// Which of a category's rows applies.
enum class When : std::uint8_t { any, not_sent, sent, reading, queued, loading, stalled, deadline };

struct PolicyRow {
    Category category;
    When when;
    unsigned same_free; // retries at the same provider where work is free
    unsigned same_paid; // and where it is not
    std::chrono::seconds back_off_first;
    std::chrono::seconds back_off_most;
    MoveOn free_move;
    MoveOn paid_move;
    CoolUnit cools;
    bool becomes_ambiguous; // a paid submit whose verdict is lost
};

std::span<const PolicyRow> policy_table();
const PolicyRow& policy_for(const Error& error, Charge charge);
std::string_view to_string(MoveOn move);
std::string_view to_string(CoolUnit unit);
std::string_view to_string(When when);

} // namespace reelgate
