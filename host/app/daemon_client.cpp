#include "host/app/daemon_client.hpp"

#include <reelgate/http/url.hpp>

#include <cstdlib>
#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr auto kHelloTime = std::chrono::seconds(5);
constexpr auto kAnswerTime = std::chrono::seconds(60);
constexpr std::uint64_t kAnswerLimit = 64ULL << 20U;

Category category_of(int status)
{
    switch (status) {
    case 400:
    case 413:
        return Category::invalid_params;
    case 401:
    case 403:
        return Category::auth_failed;
    case 404:
        return Category::not_found;
    case 429:
        return Category::rate_limited;
    case 503:
        return Category::worker_unavailable;
    default:
        return Category::provider_error;
    }
}

Error error_of(int status, const Json& body)
{
    Error error{.category = category_of(status), .text = ""};
    const auto told = body.is_object() ? body.find("error") : body.end();
    if (body.is_object() && told != body.end() && told->is_object()) {
        error.text = told->value("message", "");
        error.code = told->value("code", "");
        if (const auto param = told->find("param");
            param != told->end() && param->is_string() && !param->get<std::string>().empty())
            error.text = param->get<std::string>() + ": " + error.text;
    }
    if (error.text.empty())
        error.text = "the daemon answered with status " + std::to_string(status);
    if (status == 401) error.hint = "set REELGATE_API_KEY";
    return error;
}

Error unreachable(const DaemonAddress& address, const http::Failure& failure)
{
    return {.category = Category::worker_unavailable,
            .text = "the daemon at " + address.url + " does not answer: " + failure.text,
            .code = "no_daemon",
            .hint = "is it still running? see `reelgate serve --help`"};
}

} // namespace

std::string key_from_environment()
{
    const char* const key = std::getenv("REELGATE_API_KEY");
    return key == nullptr ? "" : key;
}

DaemonClient::DaemonClient(fs::path data_dir, DaemonAddress address, std::string key)
    : data_dir_(std::move(data_dir)), address_(std::move(address)), key_(std::move(key))
{
}

Result<DaemonClient> DaemonClient::find(const fs::path& data_dir, std::string key)
{
    RG_TRY(DaemonAddress address, left_address(data_dir));
    DaemonClient client(data_dir, std::move(address), std::move(key));
    http::Request hello;
    hello.url = http::join_url(client.address_.url, "/healthz");
    hello.limits.total_timeout = kHelloTime;
    const auto response = client.http_.perform(hello);
    const Json body = response ? Json::parse(response->body, nullptr, false) : Json();
    if (response && body.is_object() && body.value("service", "") == "reelgate") return client;
    return Error{.category = Category::worker_unavailable,
                 .text = "no daemon runs on " + fs::absolute(data_dir).string(),
                 .code = "no_daemon",
                 .hint = "start one with `reelgate serve`, or name its --data-dir"};
}

// Looked at each time: a daemon that has ended meanwhile may have left its port to another program,
// which must get neither the key nor what is asked.
Result<http::Request> DaemonClient::request(const std::string& method,
                                            const std::string& path) const
{
    RG_TRY(const DaemonAddress now, left_address(data_dir_));
    if (now != address_)
        return Error{.category = Category::worker_unavailable,
                     .text = "the daemon at " + address_.url + " has ended, and another has begun",
                     .code = "no_daemon"};
    http::Request request;
    request.method = method;
    request.url = http::join_url(address_.url, path);
    request.limits.total_timeout = kAnswerTime;
    request.limits.max_body_bytes = kAnswerLimit;
    request.limits.max_error_bytes = 1U << 20U;
    if (!key_.empty()) request.headers.add("authorization", "Bearer " + key_);
    return request;
}

Result<DaemonClient::Answer> DaemonClient::exchange(const std::string& method,
                                                    const std::string& path,
                                                    const std::optional<Json>& body) const
{
    RG_TRY(http::Request asked, request(method, path));
    if (body) {
        asked.headers.add("content-type", "application/json");
        asked.body = http::Body::bytes(body->dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    const auto response = http_.perform(asked);
    if (!response) return unreachable(address_, response.error());
    return Answer{response->status, Json::parse(response->body, nullptr, false)};
}

Result<Json> DaemonClient::ask(const std::string& method,
                               const std::string& path,
                               const std::optional<Json>& body) const
{
    RG_TRY(Answer answer, exchange(method, path, body));
    if (answer.status >= 300) return error_of(answer.status, answer.body);
    if (answer.body.is_discarded())
        return Error{.category = Category::provider_error,
                     .text = "the daemon did not answer JSON"};
    return std::move(answer.body);
}

Result<Done> DaemonClient::download(const std::string& path, const fs::path& to) const
{
    RG_TRY(http::Request wanted, request("GET", path));
    wanted.limits.total_timeout = std::chrono::milliseconds(0);
    wanted.limits.max_body_bytes = UINT64_MAX;
    const auto response = http_.download(wanted, to.string());
    if (!response) return unreachable(address_, response.error());
    if (response->saved) return Done{};
    return error_of(response->status, Json::parse(response->body, nullptr, false));
}

} // namespace reelgate
