#include "host/api/body.hpp"

namespace reelgate::api {

nlohmann::json parse_body(std::string_view text)
{
    using Json = nlohmann::json;
    constexpr int kDeepest = 64;
    bool is_too_deep = false;
    const auto shallow = [&](int depth, Json::parse_event_t, const Json&) {
        is_too_deep = is_too_deep || depth > kDeepest;
        return !is_too_deep;
    };
    Json body = Json::parse(text, shallow, false);
    return is_too_deep ? Json(Json::value_t::discarded) : body;
}

} // namespace reelgate::api
