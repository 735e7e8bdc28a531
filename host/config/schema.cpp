#include "host/config/schema.hpp"

#include "host/config/table.hpp"
#include "host/config/units.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kReference = R"(^\$\{(env|file):.+\}$)";

Json pattern(std::string text)
{
    return Json{
        {"type",    "string"       },
        {"pattern", std::move(text)}
    };
}

// A value may also be fetched from elsewhere, whatever its kind.
Json or_reference(Json schema)
{
    return Json{
        {"anyOf", Json::array({std::move(schema), pattern(std::string(kReference))})}
    };
}

Json secret_schema()
{
    const auto from = [](const char* name) {
        Json map{
            {"type",                 "object"},
            {"additionalProperties", false   }
        };
        map["required"] = Json::array({name});
        map["properties"][name] = Json{
            {"type",      "string"},
            {"minLength", 1       }
        };
        return map;
    };
    return Json{
        {"anyOf", Json::array({from("env"), from("file"), Json{{"type", "string"}}})}
    };
}

Json integer_schema(const Bounds& bounds)
{
    Json schema{
        {"type",    "integer" },
        {"minimum", bounds.min}
    };
    if (bounds.max != UINT64_MAX) schema["maximum"] = bounds.max;
    return schema;
}

Json list_schema(const SettingInfo& info)
{
    Json item{
        {"type", "string"}
    };
    if (!info.words.empty()) item["enum"] = info.words;
    if (info.kind == SettingKind::frame_sizes) item = pattern("^[1-9][0-9]*x[1-9][0-9]*$");
    Json schema{
        {"type",  "array"        },
        {"items", std::move(item)}
    };
    if (info.bounds.min > 0) schema["minItems"] = info.bounds.min;
    if (info.bounds.max != UINT64_MAX) schema["maxItems"] = info.bounds.max;
    return schema;
}

Json money_schema()
{
    return Json{
        {"anyOf",
         Json::array(
             {Json{{"type", "number"}, {"minimum", 0}}, pattern(R"(^[0-9]+(\.[0-9]{1,6})?$)")})}
    };
}

Json kind_schema(const SettingInfo& info)
{
    switch (info.kind) {
    case SettingKind::boolean:
        return or_reference(Json{
            {"type", "boolean"}
        });
    case SettingKind::integer:
        return or_reference(integer_schema(info.bounds));
    case SettingKind::word:
        return or_reference(Json{
            {"type", "string"  },
            {"enum", info.words}
        });
    case SettingKind::texts:
    case SettingKind::frame_sizes:
        return list_schema(info);
    case SettingKind::duration:
        return or_reference(pattern("^[0-9]+(ms|s|m|h|d)$"));
    case SettingKind::size:
        return or_reference(pattern("^[0-9]+(B|KiB|MiB|GiB|TiB)$"));
    case SettingKind::money:
        return or_reference(money_schema());
    case SettingKind::address:
        return or_reference(pattern("^.+:[0-9]{1,5}$"));
    case SettingKind::id:
        return or_reference(pattern("^[A-Za-z0-9_-]{1,64}$"));
    case SettingKind::secret:
        return secret_schema();
    case SettingKind::path:
    case SettingKind::text:
        break;
    }
    return Json{
        {"type",      "string"},
        {"minLength", 1       }
    };
}

Json setting_schema(const ListedSetting& setting)
{
    Json schema = kind_schema(setting.info);
    schema["description"] = setting.info.meaning;
    if (!setting.standard.empty())
        schema["x-standard"] = setting.standard; // as it is written in the file
    schema["x-change-takes"] = to_string(setting.info.reload);
    return schema;
}

Json& open_map(Json& schema)
{
    if (schema.contains("type")) return schema;
    schema["type"] = "object";
    schema["properties"] = Json::object();
    schema["patternProperties"]["^x-"] = true; // notes of the user's
    schema["additionalProperties"] = false;
    return schema;
}

// Goes down by one step of a listed name, making what is on the way: "auth", "keys[]", "*".
Json& step_into(Json& schema, std::string_view step)
{
    const bool is_list = step.size() > 2 && step.substr(step.size() - 2) == "[]";
    if (is_list) step.remove_suffix(2);
    Json& map = open_map(schema);
    if (step == "*") {
        if (!map["additionalProperties"].is_object()) map["additionalProperties"] = Json::object();
        return map["additionalProperties"];
    }
    Json& member = map["properties"][std::string(step)];
    if (!is_list) return member;
    member["type"] = "array";
    return member["items"];
}

} // namespace

nlohmann::ordered_json config_schema()
{
    Json root{
        {"$schema", "https://json-schema.org/draft/2020-12/schema"},
        {"title",   "Reelgate configuration"                      }
    };
    for (const ListedSetting& setting : all_settings()) {
        Json* at = &root;
        Json* around = nullptr;
        std::string_view name = setting.name;
        std::string_view step;
        while (!name.empty()) {
            const std::size_t dot = name.find('.');
            step = name.substr(0, dot);
            name.remove_prefix(dot == std::string_view::npos ? name.size() : dot + 1);
            around = at;
            at = &step_into(*at, step);
        }
        *at = setting_schema(setting);
        if (setting.info.required) (*around)["required"].push_back(std::string(step));
    }
    // What else stands in a provider or in one of its models is the plugin's to judge.
    Json& provider = root["properties"]["providers"]["additionalProperties"];
    provider["additionalProperties"] = true;
    provider["properties"]["models"]["items"]["additionalProperties"] = true;
    root["properties"]["routes"]["properties"]["chains"]["additionalProperties"]["required"] =
        Json::array({"steps"});
    return root;
}

} // namespace reelgate
