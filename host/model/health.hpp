// What the host holds of a provider, as opposed to what the provider says of itself: these are the
// words of the status chips, the logs and the metrics.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
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

inline constexpr std::array<std::string_view, 9> kHealthNames{"unknown",
                                                              "starting",
                                                              "ready",
                                                              "busy",
                                                              "degraded",
                                                              "unhealthy",
                                                              "misconfigured",
                                                              "draining",
                                                              "disabled"};

constexpr std::string_view to_string(Health health)
{
    return kHealthNames[static_cast<std::size_t>(health)];
}

constexpr std::optional<Health> health_from(std::string_view word)
{
    for (std::size_t i = 0; i < kHealthNames.size(); ++i)
        if (kHealthNames[i] == word) return static_cast<Health>(i);
    return std::nullopt;
}

} // namespace reelgate
