// What NetworkWatch and reelgate-watched have agreed on.
#pragma once

namespace reelgate::conformance {

// The variable with the path of the socket on which reelgate-watched hands in what the kernel gave
// it: an int, the errno or 0, and with 0 the descriptor of seccomp's listener.
inline constexpr const char* kWatchVariable = "REELGATE_WATCH";

} // namespace reelgate::conformance
