#include "host/plugin/config_check.hpp"

#include "host/plugin/refusal.hpp"
#include "host/plugin/schema.hpp"

#include <nlohmann/json.hpp>

namespace reelgate {
Result<Description> checked_description(std::string_view text, const Manifest& manifest)
{
    auto description = parse_description(text);
    if (!description)
        return refusal(manifest.id + ' ' + manifest.version + ": " + description.error().text,
                       "bad_description",
                       "run `reelgate plugin check " + manifest.directory.string() + "`");
    if (description->id != manifest.id || description->version != manifest.version)
        return refusal(manifest.file().string() + " says " + manifest.id + ' ' + manifest.version +
                           ", the plugin itself says " + description->id + ' ' +
                           description->version,
                       "identity_mismatch",
                       "make both say the same, and build the plugin again");
    return description;
}

Result<std::string> checked_config(const Description& description, std::string_view config_json)
{
    Result<Json> given = parse_json(config_json);
    if (!given || !given->is_object())
        return refusal(description.id + ": its configuration is not a JSON object",
                       "bad_config",
                       "write its settings as name: value");
    // The list of models is first of all the host's: a plugin that has no such setting is not given
    // it.
    const auto known = description.config_schema.find("properties");
    if (known != description.config_schema.end() && !known->contains("models"))
        given->erase("models");
    const auto [whole, violations] = fitted(description.config_schema, *std::move(given));
    if (!violations.empty())
        return refusal(
            description.id + ": setting " + violations[0].sentence,
            "bad_config",
            "`reelgate plugin show --live`, with its id or directory, names its settings");
    return json_text(whole);
}

} // namespace reelgate
