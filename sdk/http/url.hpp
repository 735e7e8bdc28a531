// URLs, read by the same parser that later connects, so that a check and the connection can never
// mean different hosts. Only http and https exist here.
#pragma once

#include <reelgate/http/expected.hpp>

#include <string>
#include <string_view>

namespace reelgate::http {

struct Url {
    std::string scheme; // "http" or "https"
    std::string host;   // lower case; an IPv6 address in its brackets
    int port = 0;       // always filled in
    std::string path;   // at least "/"
    std::string query;  // without "?"; "" if there is none

    // Two URLs may share credentials if and only if this is equal: "https://host:443".
    std::string origin() const;
    std::string text() const; // without fragment; the port only if it is not the scheme's own
    bool is_loopback() const; // localhost, 127.0.0.0/8, ::1: by its spelling, nothing is looked up
};

// The error is a sentence for people. A user name or a password inside a URL is an error: they
// belong into a header, where they are not logged and do not travel.
Expected<Url, std::string> parse_url(std::string_view text);

// What `reference` (a Location header, say) means, seen from `base`.
Expected<Url, std::string> resolve_url(const Url& base, std::string_view reference);

// "http://h/api/" and "/v1/x" make "http://h/api/v1/x": no slash is doubled or lost.
std::string join_url(std::string_view base, std::string_view path);

// Percent-encoded, for a path segment or a query value.
std::string escape(std::string_view text);

// For logs: without query, fragment, user and password; a signed link is a secret.
std::string redacted_url(std::string_view text);

// Is this numeric address one of the public internet? Private, loopback, link-local, shared,
// documentation, multicast and reserved ranges are not, nor what only wraps one of them (IPv4 in
// IPv6, NAT64); neither is text that is no address.
bool is_public_address(std::string_view address);

} // namespace reelgate::http
