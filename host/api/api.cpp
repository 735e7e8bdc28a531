#include "host/api/api.hpp"

#include "host/api/wire.hpp"
#include "host/base/digest.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>

namespace reelgate::api {
namespace {

struct Found {
    const Endpoint* endpoint = nullptr;
    std::vector<std::string> params;
    std::string allowed; // verbs that this path knows, where it knows others only
};

std::string_view name_of(Verb verb)
{
    constexpr std::array<std::string_view, 8> kNames{
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", ""};
    return kNames[static_cast<std::size_t>(verb)];
}

// A literal path wins over one with parameters: "/v1/videos/edits" is no id.
Found find(Verb verb, const std::vector<std::string>& path)
{
    const Verb wanted = verb == Verb::head ? Verb::get : verb;
    Found found;
    for (const auto endpoints : {openai_endpoints(), ops_endpoints(), config_endpoints()})
        for (const Endpoint& endpoint : endpoints) {
            auto params = match(endpoint.path, path);
            if (!params) continue;
            if (endpoint.verb != wanted) {
                found.allowed += found.allowed.empty() ? "" : ", ";
                found.allowed += name_of(endpoint.verb);
            } else if (found.endpoint == nullptr || params->size() < found.params.size()) {
                found.endpoint = &endpoint;
                found.params = *std::move(params);
            }
        }
    return found;
}

std::string_view presented_key(const Call& call)
{
    constexpr std::string_view kBearer = "Bearer ";
    const std::string_view authorization = call.header("authorization");
    if (authorization.starts_with(kBearer)) return authorization.substr(kBearer.size());
    if (const auto key = call.header("api-key"); !key.empty()) return key;
    return call.header("x-litellm-api-key");
}

// Compared by digest: in a time that tells nothing of the key, whatever its length.
const ApiKey* key_of(const std::vector<ApiKey>& keys, std::string_view presented)
{
    const std::string digest = sha256_hex(presented);
    const ApiKey* found = nullptr;
    for (const ApiKey& key : keys) {
        const std::string known = sha256_hex(key.secret);
        if (CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0) found = &key;
    }
    return presented.empty() ? nullptr : found;
}

Reply lacks(std::string_view scope)
{
    return error_reply(
        403, "missing_scope", "this key does not have the scope `" + std::string(scope) + "`");
}

// Of a call that needs a key.
std::optional<Reply> why_not_allowed(Access access, const ApiKey* key)
{
    if (access == Access::anybody) return std::nullopt;
    if (key == nullptr)
        return error_reply(
            401, "invalid_api_key", "this needs an API key: Authorization: Bearer <key>");
    if (access == Access::admin && !key->changes_the_daemon) return lacks("admin");
    if (access == Access::key && !key->makes_videos) return lacks("videos");
    return std::nullopt;
}

Reply no_such_path(const Found& found, const Call& call)
{
    if (found.allowed.empty())
        return error_reply(404, "route_not_found", "there is nothing at this path");
    Reply reply = error_reply(405,
                              "method_not_allowed",
                              std::string(name_of(call.verb)) + " is not for this path; it knows " +
                                  found.allowed);
    reply.headers.emplace_back("allow", found.allowed);
    return reply;
}

} // namespace

std::optional<Reply> Api::refuse(Call& call) const
{
    if (auto reply = preflight(call, settings.cors_origins)) return reply;
    Found found = find(call.verb, call.path);
    if (found.endpoint == nullptr) return no_such_path(found, call);
    call.endpoint = found.endpoint;
    call.params = std::move(found.params);
    if (settings.keys.empty() && !settings.is_open &&
        is_from_a_strange_page(call, settings.cors_origins))
        return error_reply(403,
                           "origin_not_allowed",
                           "a page of another origin may call if server.cors_origins names it, "
                           "or with a key of auth.keys");
    if (settings.keys.empty()) return std::nullopt;
    const ApiKey* const key = key_of(settings.keys, presented_key(call));
    if (auto reply = why_not_allowed(found.endpoint->access, key)) return reply;
    if (key != nullptr) call.owner = key->name;
    return std::nullopt;
}

asio::awaitable<Reply> Api::answer(Call call)
{
    const Endpoint& endpoint = *call.endpoint;
    co_return co_await endpoint.handle(*this, std::move(call));
}

} // namespace reelgate::api
