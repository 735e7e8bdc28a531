// What a process has taken away from itself, or why it could not: said to whoever looks after it.
#pragma once

#include <string>

namespace reelgate {

// Sanitizers reserve terabytes and trace their own process: what hinders that is not applied then.
#if defined(REELGATE_UNDER_ASAN) || defined(REELGATE_UNDER_TSAN)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

struct JailMeasure {
    std::string what; // "landlock", "memory", ...
    bool applied = false;
    std::string detail; // what it allows, or why it could not be had
};

} // namespace reelgate
