// What a redirect leads to, decided without any network.
#pragma once

#include <reelgate/http/expected.hpp>
#include <reelgate/http/headers.hpp>
#include <reelgate/http/url.hpp>

#include <string>
#include <string_view>

namespace reelgate::http {

struct Hop {
    std::string method;
    Url url;
    Headers headers;
    bool with_body = false;
};

bool is_redirect(int status); // 301, 302, 303, 307, 308

// The next hop, or a sentence why it must not be taken.
//   Method: 303 makes everything but HEAD a GET, 301 and 302 make a POST a GET, each without its
//     body; 307 and 308 keep both.
//   Headers: a hop to another origin (scheme, host, port) keeps only those that cannot hold a
//     credential (Accept, Accept-Language, User-Agent, Range, If-Range). What was dropped stays
//     dropped, also on the way back, because the other side chose that URL.
//   Refused: no or an unreadable Location, a scheme other than http and https, user or password in
//     it, https to http, a body to another origin.
Expected<Hop, std::string> follow(const Hop& from, int status, std::string_view location);

} // namespace reelgate::http
