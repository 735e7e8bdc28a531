// What a process is, rather than what it may reach.
#pragma once

#include "host/jail/measure.hpp"

namespace reelgate {

// Nothing that is started from here on gets rights by its file.
JailMeasure no_new_privileges();

// A root without capabilities is one user among others: the owner of root's files, and no more.
JailMeasure no_capabilities();

// The first to go when memory runs out: a child can be started again, the daemon owns the jobs.
JailMeasure die_first();

} // namespace reelgate
