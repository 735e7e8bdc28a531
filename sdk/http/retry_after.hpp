// When a server says to come back.
#pragma once

#include <reelgate/http/headers.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace reelgate::http {

// The value of a Retry-After header: seconds, or a date in any of HTTP's three forms, of which a
// past one means zero. Nothing if it is neither. More than a year is said as a year.
std::optional<std::chrono::milliseconds>
parse_retry_after(std::string_view value, std::chrono::system_clock::time_point now);

// The same for a whole answer. `retry-after-ms`, which some vendors send beside it, is finer and
// goes first; a date is measured against the answer's own Date, so that a wrong clock, theirs or
// ours, does not turn a second into an hour.
std::optional<std::chrono::milliseconds> retry_after(const Headers& headers,
                                                     std::chrono::system_clock::time_point now);

} // namespace reelgate::http
