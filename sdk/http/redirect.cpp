#include <reelgate/http/redirect.hpp>

#include <algorithm>
#include <array>

namespace reelgate::http {
namespace {

// A list of what may cross and not of what may not: a key can stand under any name.
constexpr std::array<std::string_view, 5> kMayCross{
    "accept", "accept-language", "user-agent", "range", "if-range"};

bool may_cross(const Header& header)
{
    return std::ranges::any_of(
        kMayCross, [&](std::string_view name) { return equal_ignoring_case(name, header.name); });
}

bool becomes_get(const std::string& method, int status)
{
    if (status == 303) return method != "HEAD";
    return (status == 301 || status == 302) && method == "POST";
}

Headers without_body_headers(const Headers& all)
{
    Headers out;
    for (const Header& h : all)
        if (!lower_case(h.name).starts_with("content-")) out.add(h.name, h.value);
    return out;
}

} // namespace

bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Expected<Hop, std::string> follow(const Hop& from, int status, std::string_view location)
{
    if (location.empty()) return "a redirect (" + std::to_string(status) + ") to nowhere";
    auto url = resolve_url(from.url, location);
    if (!url)
        return "a redirect to '" + redacted_url(location) + "' cannot be followed: " + url.error();
    if (from.url.scheme == "https" && url->scheme == "http")
        return std::string{"a redirect from https to http is not followed"};

    Hop next = from;
    if (becomes_get(from.method, status)) {
        next.method = "GET";
        next.with_body = false;
        next.headers = without_body_headers(from.headers);
    }
    if (url->origin() != from.url.origin()) {
        if (next.with_body) return "a redirect would carry the request's body to " + url->origin();
        Headers kept;
        for (const Header& h : next.headers)
            if (may_cross(h)) kept.add(h.name, h.value);
        next.headers = std::move(kept);
    }
    next.url = *std::move(url);
    return next;
}

} // namespace reelgate::http
