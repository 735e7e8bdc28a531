// Numbers as JSON means them: 1.0 is an integer, and 2^53 + 1 is not 2^53.
#pragma once

#include "host/plugin/json.hpp"

#include <compare>
#include <cstdint>
#include <optional>

namespace reelgate {

bool is_whole(const Json& value);

// The value, if it is a whole number that fits.
std::optional<std::int64_t> whole_number(const Json& value);

// Exact, also between an integer and a double. Both must be numbers; NaN is unordered.
std::partial_ordering compare_numbers(const Json& a, const Json& b);

// Is `value` n times `unit`? In decimal, as written: 0.3 is a multiple of 0.1. `unit` is above 0.
bool is_multiple(const Json& value, const Json& unit);

} // namespace reelgate
