// Within the router: what can never serve an order, whatever happened before. A table, asked in its
// order; each refusal is kept.
#pragma once

#include "host/router/candidate.hpp"
#include "host/router/history.hpp"

#include <span>
#include <string_view>

namespace reelgate {

// Normalises the order for the candidate, prices it, and adds every rule that refuses it.
void judge_by_rules(const RouteInput& in, const History& history, Candidate& candidate);

// The codes that the rules can give, for the documents and the tests.
std::span<const std::string_view> rule_codes();

// Among refusals: a smaller number tells the owner of a job more.
unsigned usefulness(Category category);

} // namespace reelgate
