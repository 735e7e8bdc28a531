// In which order a worker must speak: hello, then created, then anything about jobs. Pure.
#pragma once

#include "host/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace reelgate {

// How far one worker process has come, from its spawn to its end.
enum class Handshake : std::uint8_t {
    none,    // has said nothing that counts
    greeted, // has said its hello
    created, // has said what became of `create`
    over,    // broke the protocol or gave up: what it says now counts for nothing
};

// Moves `so_far` on by a frame of this type. The failure (code `protocol_violation`) says what was
// out of order; from then on it is `over`. Types that this build does not know are in order always.
Result<Done> take_frame(Handshake& so_far, std::string_view type);

} // namespace reelgate
