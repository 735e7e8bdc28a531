// Within the router: what can never serve an order, whatever happened before. A table, asked in its
// order; each refusal is kept.
#pragma once

#include "host/router/candidate.hpp"
#include "host/router/history.hpp"

namespace reelgate {

// Normalises the order for the candidate, prices it, and adds every rule that refuses it.
void judge_by_rules(const RouteInput& in, const History& history, Candidate& candidate);

// Among refusals: a smaller number tells the owner of a job more.
unsigned usefulness(Category category);

} // namespace reelgate
