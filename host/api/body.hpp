// JSON as clients send it.
#pragma once

#include <nlohmann/json.hpp>

#include <string_view>

namespace reelgate::api {

// Discarded where it is no JSON, or is nested deeper than anybody means: whatever copies or writes
// a value calls itself once for each level, and the stack has an end.
nlohmann::json parse_body(std::string_view text);

} // namespace reelgate::api
