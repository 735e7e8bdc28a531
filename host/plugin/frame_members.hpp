// The members of a frame, as both ends of the wire read them: what is missing or of another kind is
// empty, nothing, or what the reader says instead.
#pragma once

#include "host/base/error.hpp"
#include "host/plugin/json.hpp"

#include <reelgate/abi/types.h>

#include <cstdint>
#include <string>

namespace reelgate {

std::string text_of(const Json& frame, const char* member);
std::int64_t integer_of(const Json& frame, const char* member, std::int64_t otherwise);
double real_of(const Json& frame, const char* member); // else 0

// The member as JSON text, whatever it is; where it is missing, nothing or "{}".
std::string json_of(const Json& frame, const char* member);
std::string object_text(const Json& frame, const char* member);

std::uint64_t number_of(const Json& frame); // "n", which says to what a frame is the answer; else 0

// "status"; a frame without one has none that a call may end with.
rg_status status_of(const Json& frame);

// What a frame whose status is not RG_OK tells by its "failure".
Error failure_in(const Json& frame, Phase phase);

} // namespace reelgate
