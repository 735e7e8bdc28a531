// How long each stage of an attempt took, from the names that its progress notes carry.
#pragma once

#include "host/base/clock.hpp"
#include "host/model/job.hpp"

#include <string>
#include <vector>

namespace reelgate {

class StageClock {
public:
    // The attempt is in `stage` at `now`. A stage that is named again goes on; names beyond the
    // first 32, and what is longer than 64 bytes of one, are not kept: a plugin chose them.
    void entered(const std::string& stage, SteadyTime now);

    // Nothing runs any more; a later stage begins anew.
    void stopped(SteadyTime now);

    // Those that have ended, in the order in which they first began.
    const std::vector<StageTime>& times() const { return times_; }

private:
    std::vector<StageTime> times_;
    std::string current_; // empty: none
    SteadyTime since_{};
};

} // namespace reelgate
