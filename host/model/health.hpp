// What the host holds of a provider, as opposed to what the provider says of itself: these are the
// words of the status chips, the logs and the metrics.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace reelgate {

enum class Health : std::uint8_t {
    unknown,
    starting,
    ready,
    busy,
    degraded,
    unhealthy,
    misconfigured,
    draining,
    disabled
};

constexpr std::string_view to_string(Health health)
{
    constexpr std::array<std::string_view, 9> kNames{"unknown",
                                                     "starting",
                                                     "ready",
                                                     "busy",
                                                     "degraded",
                                                     "unhealthy",
                                                     "misconfigured",
                                                     "draining",
                                                     "disabled"};
    return kNames[static_cast<std::size_t>(health)];
}

} // namespace reelgate
