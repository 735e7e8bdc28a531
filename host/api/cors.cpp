#include "host/api/cors.hpp"

#include <algorithm>

namespace reelgate::api {
namespace {

constexpr std::string_view kMethods = "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD";
constexpr std::string_view kHeaders = "content-type, authorization";
constexpr std::string_view kExposed =
    "x-request-id, openai-poll-after-ms, retry-after, retry-after-ms, content-disposition, "
    "content-range";

bool is_allowed(std::string_view origin, const Origins& allowed)
{
    return !origin.empty() && std::any_of(allowed.begin(), allowed.end(), [&](const auto& one) {
        return one == "*" || one == origin;
    });
}

// "127.0.0.1:8055", "[::1]", "localhost": what no name server decides about.
bool is_address(std::string_view host)
{
    if (host.empty() || host.front() == '[') return true;
    host = host.substr(0, host.find(':'));
    return host == "localhost" || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

} // namespace

bool is_from_a_strange_page(const Call& call, const Origins& allowed)
{
    const std::string_view origin = call.header("origin");
    const std::string_view host = call.header("host");
    if (is_allowed(origin, allowed)) return false;
    if (!is_address(host)) return true;
    return !origin.empty() && origin != "http://" + std::string(host);
}

std::optional<Reply> preflight(const Call& call, const Origins& allowed)
{
    if (call.verb != Verb::options || !is_allowed(call.header("origin"), allowed))
        return std::nullopt;
    const std::string_view asked = call.header("access-control-request-headers");
    Reply reply;
    reply.status = 204;
    reply.headers.emplace_back("access-control-allow-methods", kMethods);
    reply.headers.emplace_back("access-control-allow-headers", asked.empty() ? kHeaders : asked);
    reply.headers.emplace_back("access-control-max-age", "600");
    if (call.header("access-control-request-private-network") == "true")
        reply.headers.emplace_back("access-control-allow-private-network", "true");
    return reply;
}

void allow_origin(Reply& reply, const Call& call, const Origins& allowed)
{
    if (allowed.empty()) return;
    reply.headers.emplace_back("vary", "Origin");
    const std::string_view origin = call.header("origin");
    if (!is_allowed(origin, allowed)) return;
    // The origin itself and never "*": browsers refuse that together with credentials.
    reply.headers.emplace_back("access-control-allow-origin", origin);
    reply.headers.emplace_back("access-control-allow-credentials", "true");
    reply.headers.emplace_back("access-control-expose-headers", kExposed);
}

} // namespace reelgate::api
