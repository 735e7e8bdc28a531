// Within the router: who is tried before whom, and who is passed over for now.
#pragma once

#include "host/router/candidate.hpp"

#include <vector>

namespace reelgate {

// What keeps the candidate from going now, if anything; `earliest` where it is known.
void judge_by_state(const RouteInput& in, Candidate& candidate);

// The chain's policy. Repetitions that have to wait stand behind free candidates and before paid
// ones; what is left for the last stands last; the rejected come after all others.
void put_in_order(const RouteInput& in, std::vector<Candidate>& candidates);

// Marks the paid candidates for whom something free, or a granted repetition, is waited.
void hold_paid_ones(const RouteInput& in, std::vector<Candidate>& candidates);

} // namespace reelgate
