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

// Where no key is asked for, any page in a browser of this machine could call: a browser sends some
// calls without asking first, and a name of the page's own may lead to this address. True of a call
// from a page that is not allowed, or to a host that is neither an address nor localhost.
bool is_from_a_strange_page(const Call& call, const Origins& allowed);

// On every answer, errors too: without it a page sees "network error" instead of the message.
void allow_origin(Reply& reply, const Call& call, const Origins& allowed);

} // namespace reelgate::api
