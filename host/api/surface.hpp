// What a surface is made of: endpoints, each a function from a call to a reply. Nothing here knows
// of sockets; host/api/server.cpp, connection.hpp and connection.cpp alone do.
#pragma once

#include "host/base/async.hpp"
#include "host/base/clock.hpp"
#include "host/base/fd.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reelgate::api {

enum class Verb : std::uint8_t { get, head, post, put, patch, remove, options, other };

struct Endpoint;

struct Call {
    Verb verb = Verb::get;
    std::vector<std::string> path; // segments, decoded one at a time
    std::map<std::string, std::string> query;
    std::map<std::string, std::string> headers; // names in lower case
    std::string body;
    std::string id; // of the request

    // Known once the call has been let in.
    const Endpoint* endpoint = nullptr;
    std::vector<std::string> params; // what stood for {...} in the endpoint's path
    std::string owner;               // name of the key; empty where there are none

    std::string_view header(const std::string& lower_case_name) const;
};

// Bytes of a file, so that a large one is never in memory.
struct FileBody {
    Fd fd;
    std::uint64_t bytes = 0;
    WallTime modified = {};
    std::string etag;
};

struct Reply {
    unsigned status = 200;
    std::string content_type = "application/json; charset=utf-8";
    std::string body = {};
    std::optional<FileBody> file = {}; // instead of `body`; ranges are the server's business
    std::vector<std::pair<std::string, std::string>> headers = {};
};

class Api;

// Who may call, where keys are configured: by the scopes of the key.
enum class Access : std::uint8_t { anybody, key, admin };

struct Endpoint {
    Verb verb;
    std::string_view path; // "/v1/videos/{id}"; a parameter is one segment
    Access access;
    std::size_t max_body;
    asio::awaitable<Reply> (*handle)(Api& api, Call call);
};

inline constexpr std::size_t kSmallBody = std::size_t{64} << 10U;
inline constexpr std::size_t kJsonLimit = std::size_t{50} << 20U;

// The endpoints of all surfaces, one list each.
std::span<const Endpoint> openai_endpoints();
std::span<const Endpoint> ops_endpoints();
std::span<const Endpoint> config_endpoints();

// "/v1/videos/abc" against "/v1/videos/{id}": the parameters, nothing if it does not fit.
std::optional<std::vector<std::string>> match(std::string_view pattern,
                                              const std::vector<std::string>& path);

// "/a//b/%2Fc/" as {"a", "b", "/c"}; nothing where an escape is broken.
std::optional<std::vector<std::string>> segments_of(std::string_view target);
std::map<std::string, std::string> query_of(std::string_view target);

} // namespace reelgate::api
