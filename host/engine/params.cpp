#include "host/engine/params.hpp"

#include "host/plugin/json.hpp"
#include "host/plugin/schema.hpp"

namespace reelgate {

Result<std::string>
params_for(const JobOrder& order, const std::string& plugin, const Description& description)
{
    RG_TRY(const Json by_plugin, parse_json(order.params_by_plugin_json));
    Json own = by_plugin.is_object() ? by_plugin.value(plugin, Json::object()) : Json::object();
    const auto [whole, violations] = fitted(description.params_schema, std::move(own));
    if (violations.empty()) return json_text(whole);
    Error error = invalid("params of " + plugin + ": " + violations[0].sentence, "bad_params");
    error.phase = Phase::validate;
    return error;
}

} // namespace reelgate
