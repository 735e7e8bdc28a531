// The request of one attempt in the form in which a plugin receives it.
#pragma once

#include "host/model/request.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace reelgate {

struct AttemptFacts {
    std::string id = {};
    std::uint32_t number = 1;
    std::chrono::seconds deadline{0}; // from the start of the attempt
    std::string idempotency_key = {}; // the same for every repetition of the same submit
};

// One line of JSON, complete: what the caller left open stands as null. `request.params_json` must
// be an object that fits the plugin's params_schema; anything else is written as {}.
std::string to_json(const Request& request, const AttemptFacts& attempt);

} // namespace reelgate
