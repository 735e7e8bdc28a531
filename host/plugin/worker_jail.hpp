// What a worker takes away from itself before the plugin's first instruction. Confinement limits
// damage; it does not make hostile native code safe.
#pragma once

#include "host/base/result.hpp"
#include "host/plugin/launch_order.hpp"

#include <string>
#include <vector>

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

// Applies every measure of `order`, in an order in which none hinders the next. Fails only with
// `strict`, naming the first measure that could not be had (code `jail_failed`).
Result<std::vector<JailMeasure>> enter_jail(const LaunchOrder& order);

} // namespace reelgate
