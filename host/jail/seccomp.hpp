// System calls, by seccomp: what no renderer of films needs, refused for this process and all that
// comes of it.
#pragma once

#include "host/jail/measure.hpp"

#include <span>

namespace reelgate {

// Reading other processes, mounting, kernel modules and keys, the clock, the machine's power:
// EPERM. Calls of another architecture than ours: EPERM, all of them.
JailMeasure refuse_dangerous_calls();

// Sockets but local ones: EACCES. With them io_uring, which makes sockets past every filter.
JailMeasure refuse_network();

// Every call but these, and a signal to itself: EPERM. For a process that is one thread and knows
// what it will need.
JailMeasure allow_only(std::span<const int> numbers);

// The numbers that refuse_dangerous_calls() refuses.
std::span<const int> dangerous_calls();

} // namespace reelgate
