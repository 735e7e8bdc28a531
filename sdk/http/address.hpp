// The address a connection is about to be made to. Not part of the installed headers.
#pragma once

struct sockaddr;

namespace reelgate::http {

bool is_public(const sockaddr& address); // see is_public_address

} // namespace reelgate::http
