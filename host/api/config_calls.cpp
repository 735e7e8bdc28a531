// The configuration over HTTP: shown, checked, changed, taken anew.
#include "host/api/body.hpp"
#include "host/api/config_desk.hpp"
#include "host/api/wire.hpp"
#include "host/config/merge.hpp"
#include "host/config/show.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace reelgate::api {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kTextLimit = std::size_t{1} << 20U; // of a configuration

Json change_json(const ConfigChange& change)
{
    Json one = Json::object();
    one["key"] = change.key;
    one["before"] = change.before;
    one["after"] = change.after;
    one["effect"] = to_string(change.effect);
    one["provider"] = change.provider.empty() ? Json(nullptr) : Json(change.provider);
    return one;
}

Json answer_json(const ReloadAnswer& answer)
{
    Json changes = Json::array();
    for (const ConfigChange& change : answer.plan.changes)
        changes.push_back(change_json(change));
    Json body = Json::object();
    body["ok"] = answer.accepted();
    body["errors"] = answer.next.findings.errors();
    body["warnings"] = answer.next.findings.warnings();
    body["findings"] = findings_json(answer.next.findings);
    body["changes"] = std::move(changes);
    body["revision"] = answer.next.revision;
    return body;
}

// Where it is refused, what holds is as before; the findings say why.
Reply outcome(const Api& api, const ReloadAnswer& answer)
{
    Json body = answer_json(answer);
    if (answer.accepted()) return json_reply(body);
    const Reply reply = error_reply(400, "invalid_value", answer.next.findings.first_error());
    body.update(Json::parse(reply.body, nullptr, false));
    body["revision"] = api.config->running().revision;
    return json_reply(body, 400);
}

asio::awaitable<Reply> show(Api& api, Call)
{
    co_return json_reply(effective_json(api.config->running()));
}

asio::awaitable<Reply> check(Api& api, Call call)
{
    std::optional<std::string> text;
    if (!call.body.empty()) {
        const Json body = parse_body(call.body);
        const auto given = body.is_object() ? body.find("text") : body.end();
        if (!body.is_object() || given == body.end() || !given->is_string())
            co_return error_reply(
                400, "invalid_value", "send {\"text\": \"<the file>\"}, or nothing", "text");
        text = given->get<std::string>();
    }
    auto checking = api.config->check(std::move(text));
    const ReloadAnswer answer = co_await std::move(checking);
    co_return json_reply(answer_json(answer));
}

asio::awaitable<Reply> reload(Api& api, Call)
{
    auto reloading = api.config->reload();
    const ReloadAnswer answer = co_await std::move(reloading);
    co_return outcome(api, answer);
}

// Members of the body as settings; what is null is taken back.
bool collect(const Json& body, const std::string& prefix, std::vector<OverlayChange>& changes)
{
    for (const auto& [name, value] : body.items()) {
        const std::string key = prefix.empty() ? name : prefix + '.' + name;
        if (value.is_object()) {
            if (!collect(value, key, changes)) return false;
        } else if (value.is_null()) {
            changes.push_back({key, std::nullopt});
        } else if (value.is_array()) {
            return false;
        } else {
            changes.push_back({key, value.is_string() ? value.get<std::string>() : value.dump()});
        }
    }
    return true;
}

// What the changed settings are now, and where each stands: a variable may win over the change.
Json values_of(const Loaded& loaded, const std::vector<OverlayChange>& changes)
{
    Json values = Json::array();
    for (const FlatSetting& setting : flat(loaded.settings)) {
        const bool was_changed = std::any_of(
            changes.begin(), changes.end(), [&](const auto& c) { return c.key == setting.key; });
        if (!was_changed) continue;
        Json one = Json::object();
        one["key"] = setting.key;
        one["value"] = setting.text;
        one["origin"] = origin_of(loaded, setting.key);
        values.push_back(std::move(one));
    }
    return values;
}

asio::awaitable<Reply> change(Api& api, Call call)
{
    const Json body = parse_body(call.body);
    std::vector<OverlayChange> changes;
    if (!body.is_object() || !collect(body, "", changes) || changes.empty())
        co_return error_reply(400,
                              "invalid_value",
                              "send settings with their values: {\"video_provider\": \"auto\"}");
    auto changing = api.config->change(changes);
    const Result<ReloadAnswer> answer = co_await std::move(changing);
    if (!answer) co_return error_reply(answer.error());
    if (!answer->accepted()) co_return outcome(api, *answer);
    Json told = answer_json(*answer);
    told["values"] = values_of(answer->next, changes);
    co_return json_reply(told);
}

// clang-format off
constexpr Endpoint kEndpoints[] = {
    {Verb::get,   "/v1/config",           Access::admin, 0,          show},
    {Verb::post,  "/v1/config/check",     Access::admin, kTextLimit, check},
    {Verb::patch, "/v1/config",           Access::admin, kSmallBody, change},
    {Verb::post,  "/admin/config/reload", Access::admin, kSmallBody, reload},
};
// clang-format on

} // namespace

std::span<const Endpoint> config_endpoints() { return kEndpoints; }

} // namespace reelgate::api
