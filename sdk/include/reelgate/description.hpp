// What a provider says about itself before anything runs, as data: the host routes by it, validates
// configuration and parameters with it, and draws forms from it.
#pragma once

#include <reelgate/failure.hpp>

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace reelgate {
inline namespace sdk_v1 {

// One field of a schema. Made by text(), flag(), number(), integer(), choice(), list_of(),
// secret().
class Field {
public:
    // Any schema of the host's dialect, for what the makers below do not cover.
    explicit Field(Json schema) : schema_(std::move(schema)) {}

    Field title(std::string_view words) && { return std::move(*this).with("title", words); }
    Field describe(std::string_view words) &&
    {
        return std::move(*this).with("description", words);
    }
    // The value of a field that is left out. The host fills it in before the provider sees it.
    Field otherwise(Json value) && { return std::move(*this).with("default", std::move(value)); }
    // The bound that fits the type: a value's, a text's length, a list's length.
    Field min(Json bound) && { return std::move(*this).with(bound_name(true), std::move(bound)); }
    Field max(Json bound) && { return std::move(*this).with(bound_name(false), std::move(bound)); }
    Field step(Json size) && { return std::move(*this).with("multipleOf", std::move(size)); }
    // A form hint: "x-group", "x-order", "x-widget", "x-unit", "x-advanced", "x-asset".
    Field hint(const char* name, Json value = true) &&
    {
        return std::move(*this).with(name, std::move(value));
    }
    Field required() &&
    {
        required_ = true;
        return std::move(*this);
    }

    const Json& schema() const { return schema_; }
    bool is_required() const { return required_; }

private:
    Field with(const char* keyword, Json value) &&
    {
        schema_[keyword] = std::move(value);
        return std::move(*this);
    }

    const char* bound_name(bool lower) const
    {
        const std::string type = schema_.value("type", "");
        if (type == "string") return lower ? "minLength" : "maxLength";
        if (type == "array") return lower ? "minItems" : "maxItems";
        return lower ? "minimum" : "maximum";
    }

    Json schema_;
    bool required_ = false;
};

namespace detail {
inline Field of_type(const char* type)
{
    Json schema;
    schema["type"] = type;
    return Field(std::move(schema));
}
} // namespace detail

inline Field text() { return detail::of_type("string"); }
inline Field flag() { return detail::of_type("boolean"); }
inline Field number() { return detail::of_type("number"); }
inline Field integer() { return detail::of_type("integer"); }
inline Field choice(std::initializer_list<std::string_view> words)
{
    Json list = Json::array();
    for (const std::string_view word : words)
        list.push_back(word);
    return text().hint("enum", std::move(list));
}
inline Field list_of(const Field& item)
{
    return detail::of_type("array").hint("items", item.schema());
}
// Written as {env: NAME} or {file: PATH} by the operator, resolved to a text before create(), and
// shown as a reference everywhere else. Never log it.
inline Field secret() { return text().hint("x-secret"); }

// An object schema that grows field by field. Unknown members are refused, so that a misspelt
// setting does not go unnoticed.
class Fields {
public:
    void add(const std::string& name, const Field& field)
    {
        Json& properties = schema_["properties"];
        Json schema = field.schema();
        if (!schema.contains("x-order")) schema["x-order"] = properties.size() + 1;
        properties[name] = std::move(schema);
        if (field.is_required()) schema_["required"].push_back(name);
    }

    const Json& schema() const { return schema_; }

private:
    Json schema_ = {
        {"type",                 "object"      },
        {"properties",           Json::object()},
        {"additionalProperties", false         }
    };
};

// return Description("org.example.mine", "Mine", "1.0.0").model({...}).concurrency(2);
class Description {
public:
    Description(std::string_view id, std::string_view name, std::string_view version)
        : json_({
              {"id",              id               },
              {"name",            name             },
              {"version",         version          },
              {"license",         ""               },
              {"max_concurrency", 1                },
              {"silent_for_s",    120              },
              {"cancel_within_s", 10               },
              {"resources",       {{"gpu", "none"}}},
              {"billing",         "free"           },
              {"egress",          "none"           },
              {"models",          Json::array()    }
    })
    {
    }

    // {"id", "tasks", "inputs", "sizes", "frames", "fps", "audio", "seed", "default", ...}
    Description& model(Json capability)
    {
        json_["models"].push_back(std::move(capability));
        return *this;
    }

    // How many run() may overlap in one instance.
    Description& concurrency(unsigned jobs) { return set("max_concurrency", jobs); }
    // How long a healthy run() may be without progress, log line or artifact.
    Description& silent_for(std::chrono::seconds limit)
    {
        return set("silent_for_s", limit.count());
    }
    // How long run() may take to return after a cancel; the host allows at most 60 s.
    Description& cancel_within(std::chrono::seconds limit)
    {
        return set("cancel_within_s", limit.count());
    }
    // "free" or "paid".
    Description& billing(std::string_view word) { return set("billing", word); }
    // "none", "local" (this machine or network) or "cloud".
    Description& egress(std::string_view word) { return set("egress", word); }
    // {{"gpu", "none"|"optional"|"required"}, {"ram_mb", 200}}
    Description& resources(Json needs) { return set("resources", std::move(needs)); }
    Description& license(std::string_view spdx) { return set("license", spdx); }

    // A setting of the provider, written by the operator: reaches the constructor.
    Description& config(const std::string& name, const Field& field)
    {
        config_.add(name, field);
        return *this;
    }
    // A request member of this provider's own, beside the common ones: request().at("params").
    Description& param(const std::string& name, const Field& field)
    {
        params_.add(name, field);
        return *this;
    }

    Json json() const
    {
        Json all = json_;
        all["config_schema"] = config_.schema();
        all["params_schema"] = params_.schema();
        return all;
    }

private:
    Description& set(const char* member, Json value)
    {
        json_[member] = std::move(value);
        return *this;
    }

    Json json_;
    Fields config_;
    Fields params_;
};

// The commands of an IToolbox: return Tools().tool("check", "Checks a model directory")
//                                           .argument("directory", text().required());
class Tools {
public:
    Tools& tool(std::string_view name, std::string_view summary)
    {
        list_.push_back({
            {"name",      name             },
            {"summary",   summary          },
            {"arguments", Fields().schema()}
        });
        fields_ = Fields();
        return *this;
    }
    // Of the tool named last.
    Tools& argument(const std::string& name, const Field& field)
    {
        fields_.add(name, field);
        list_.back()["arguments"] = fields_.schema();
        return *this;
    }

    const Json& json() const { return list_; }

private:
    Json list_ = Json::array();
    Fields fields_;
};

} // namespace sdk_v1
} // namespace reelgate
