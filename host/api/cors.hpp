// Which pages of other origins may call: what a browser asks before it lets them, and what it wants
// to read in every answer.
#pragma once

#include "host/api/surface.hpp"

#include <optional>
#include <string>
#include <vector>

namespace reelgate::api {

// Origins as browsers write them; "*": any.
using Origins = std::vector<std::string>;

// The answer to a browser that asks first (OPTIONS from an allowed origin), for any path.
std::optional<Reply> preflight(const Call& call, const Origins& allowed);

// On every answer, errors too: without it a page sees "network error" instead of the message.
void allow_origin(Reply& reply, const Call& call, const Origins& allowed);

} // namespace reelgate::api
