// Within the router: one Error out of many reasons, for the owner of a job.
#pragma once

#include "host/router/candidate.hpp"
#include "host/router/history.hpp"

namespace reelgate {

// Why the job ends: the most useful of what its attempts met and of what speaks against the
// candidates, with all of it in the text.
Error sum_up(const RouteInput& in, const std::vector<Candidate>& candidates);

// The same where nothing has been tried.
Error refusal_of(const RouteInput& in, const std::vector<Candidate>& candidates);

} // namespace reelgate
