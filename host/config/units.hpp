// Amounts with their units, as people write them in a configuration. A bare number is refused: it
// would mean seconds to one reader and milliseconds to the next.
#pragma once

#include "host/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace reelgate {

// "500ms", "30s", "10m", "24h", "30d": one whole number and one unit. Code bad_duration.
Result<std::chrono::milliseconds> duration_from(std::string_view text);
std::string duration_text(std::chrono::milliseconds duration); // as duration_from reads it

// "512B", "64KiB", "32MiB", "16GiB", "2TiB". Code bad_size.
Result<std::uint64_t> bytes_from(std::string_view text);
std::string bytes_text(std::uint64_t bytes);

// "127.0.0.1:8055", "[::1]:8055", "localhost:0". Code bad_address.
struct ListenAddress {
    std::string host; // without brackets
    std::uint16_t port = 0;

    bool is_loopback() const;
};
Result<ListenAddress> listen_address_from(std::string_view text);

} // namespace reelgate
