// What a worker takes away from itself before the plugin's first instruction. Confinement limits
// damage; it does not make hostile native code safe.
#pragma once

#include "host/base/result.hpp"
#include "host/jail/measure.hpp"
#include "host/plugin/launch_order.hpp"

#include <vector>

namespace reelgate {

// Applies every measure of `order`, in an order in which none hinders the next. Fails only with
// `strict`, naming the first measure that could not be had (code `jail_failed`).
Result<std::vector<JailMeasure>> enter_jail(const LaunchOrder& order);

} // namespace reelgate
