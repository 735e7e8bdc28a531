#include "host/plugin/json_number.hpp"
#include "host/plugin/schema.hpp"
#include "host/plugin/schema_branches.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace reelgate {
namespace {

constexpr std::size_t kMostProblems = 8; // of one error text
constexpr std::size_t kLongestName = 256;

class Checker {
public:
    Result<Done> run(const Json& schema, const std::string& where)
    {
        check(schema, where, 0);
        if (problems_ == 0) check_defaults(schema, where);
        if (problems_ == 0) return Done{};
        if (problems_ > kMostProblems)
            text_ += "; and " + std::to_string(problems_ - kMostProblems) + " more";
        return Error{.category = Category::invalid_params, .text = text_, .code = "bad_schema"};
    }

private:
    using Rule = void (Checker::*)(const Json& value, const std::string& path);
    struct Row {
        std::string_view keyword;
        Rule rule;
    };

    void problem(const std::string& path, const std::string& what)
    {
        if (++problems_ > kMostProblems) return;
        if (!text_.empty()) text_ += "; ";
        text_ += (path.empty() ? "the schema" : shortened(path, 200)) + ": " + what;
    }

    static const auto& rules()
    {
        static constexpr std::array kRules{
            Row{"$comment",             &Checker::text      },
            Row{"$schema",              &Checker::text      },
            Row{"additionalProperties", &Checker::others    },
            Row{"const",                &Checker::anything  },
            Row{"default",              &Checker::anything  }, // held against its schema in check_defaults()
            Row{"description",          &Checker::text      },
            Row{"enum",                 &Checker::values    },
            Row{"format",               &Checker::text      },
            Row{"items",                &Checker::subschema },
            Row{"maxItems",             &Checker::count     },
            Row{"maxLength",            &Checker::count     },
            Row{"maximum",              &Checker::number    },
            Row{"minItems",             &Checker::count     },
            Row{"minLength",            &Checker::count     },
            Row{"minimum",              &Checker::number    },
            Row{"multipleOf",           &Checker::unit      },
            Row{"oneOf",                &Checker::branches  },
            Row{"properties",           &Checker::properties},
            Row{"required",             &Checker::names     },
            Row{"title",                &Checker::text      },
            Row{"type",                 &Checker::types     },
            Row{"x-advanced",           &Checker::flag      },
            Row{"x-asset",              &Checker::anything  },
            Row{"x-group",              &Checker::text      },
            Row{"x-order",              &Checker::number    },
            Row{"x-secret",             &Checker::flag      },
            Row{"x-unit",               &Checker::text      },
            Row{"x-widget",             &Checker::widget    },
        };
        return kRules;
    }

    void check(const Json& schema, const std::string& path, std::size_t depth)
    {
        if (!schema.is_object()) return problem(path, "a schema must be an object");
        if (depth > kSchemaDepth)
            return problem(path, "lies deeper than " + std::to_string(kSchemaDepth) + " schemas");
        if (++nodes_ > kSchemaNodes) {
            if (nodes_ == kSchemaNodes + 1)
                problem(path, "is one schema more than " + std::to_string(kSchemaNodes));
            return;
        }
        depth_ = depth;
        for (const auto& [keyword, value] : schema.items()) {
            const std::string at = pointer(path, keyword);
            const auto* const row =
                std::find_if(rules().begin(), rules().end(), [&k = keyword](const Row& r) {
                    return r.keyword == k;
                });
            if (row == rules().end())
                problem(at, "is not a keyword of the dialect, so it would not be held");
            else
                (this->*row->rule)(value, at);
            depth_ = depth; // the rule may have gone into schemas below
        }
        check_pairs(schema, path);
    }

    void check_pairs(const Json& schema, const std::string& path)
    {
        constexpr std::array kPairs{
            std::pair{"minimum",   "maximum"  },
            std::pair{"minLength", "maxLength"},
            std::pair{"minItems",  "maxItems" }
        };
        for (const auto& [least, most] : kPairs) {
            const auto low = schema.find(least);
            const auto high = schema.find(most);
            if (low == schema.end() || high == schema.end()) continue;
            if (low->is_number() && high->is_number() && std::is_gt(compare_numbers(*low, *high)))
                problem(pointer(path, least),
                        "is " + json_text(*low) + ", above " + most + " " + json_text(*high));
        }
    }

    void anything(const Json& /*value*/, const std::string& /*path*/) {}

    void text(const Json& value, const std::string& path)
    {
        if (!value.is_string()) problem(path, "must be a string");
    }

    void flag(const Json& value, const std::string& path)
    {
        if (!value.is_boolean()) problem(path, "must be true or false");
    }

    void number(const Json& value, const std::string& path)
    {
        if (!value.is_number()) problem(path, "must be a number");
    }

    void unit(const Json& value, const std::string& path)
    {
        if (!value.is_number() || !std::is_gt(compare_numbers(value, 0)))
            problem(path, "must be a number above 0");
    }

    void count(const Json& value, const std::string& path)
    {
        if (!is_whole(value) || std::is_lt(compare_numbers(value, 0)))
            problem(path, "must be a whole number, at least 0");
    }

    void widget(const Json& value, const std::string& path)
    {
        constexpr std::array<std::string_view, 5> kWidgets{
            "textarea", "slider", "seed", "colour", "model"};
        if (!value.is_string() ||
            std::find(kWidgets.begin(), kWidgets.end(), value.get_ref<const std::string&>()) ==
                kWidgets.end())
            problem(path, "must be textarea, slider, seed, colour or model");
    }

    void types(const Json& value, const std::string& path)
    {
        constexpr std::array<std::string_view, 7> kTypes{
            "null", "boolean", "object", "array", "number", "string", "integer"};
        const auto is_type = [&](const Json& word) {
            return word.is_string() &&
                   std::find(kTypes.begin(), kTypes.end(), word.get_ref<const std::string&>()) !=
                       kTypes.end();
        };
        const bool are_types = value.is_array() && !value.empty() &&
                               value.size() <= kTypes.size() &&
                               std::all_of(value.begin(), value.end(), is_type);
        if (!is_type(value) && !are_types)
            problem(path,
                    "must be null, boolean, object, array, number, string or integer, or a list");
    }

    void names(const Json& value, const std::string& path)
    {
        if (!value.is_array() || value.size() > kEnumValues)
            return problem(path, "must be a list of at most " + std::to_string(kEnumValues));
        std::set<std::string> seen;
        for (const Json& name : value) {
            if (!name.is_string()) return problem(path, "must be a list of strings");
            if (!seen.insert(name.get<std::string>()).second)
                problem(path, "names " + shortened(json_text(name), 80) + " twice");
        }
    }

    void values(const Json& value, const std::string& path)
    {
        if (!value.is_array() || value.empty() || value.size() > kEnumValues)
            problem(path, "must be a list of 1 to " + std::to_string(kEnumValues) + " values");
    }

    void properties(const Json& value, const std::string& path)
    {
        if (!value.is_object()) return problem(path, "must be an object");
        for (const auto& [name, schema] : value.items()) {
            if (name.size() > kLongestName)
                problem(pointer(path, name), "is a name of more than 256 bytes");
            else
                subschema(schema, pointer(path, name));
        }
    }

    void subschema(const Json& value, const std::string& path)
    {
        const std::size_t depth = depth_;
        check(value, path, depth + 1);
        depth_ = depth;
    }

    void others(const Json& value, const std::string& path)
    {
        if (!value.is_boolean()) subschema(value, path);
    }

    // Only the form; what tells the branches apart needs the whole schema: check_branches().
    void branches(const Json& value, const std::string& path)
    {
        if (!value.is_array() || value.empty() || value.size() > kMostBranches)
            return problem(path,
                           "must be a list of 1 to " + std::to_string(kMostBranches) + " schemas");
        for (std::size_t i = 0; i < value.size(); ++i)
            subschema(value[i], pointer(path, i));
    }

    // The second walk: here every keyword is known to have the right form.
    void check_defaults(const Json& schema, const std::string& path)
    {
        if (schema.contains("oneOf"))
            if (const auto by = discriminator_of(schema); !by)
                return problem(pointer(path, "oneOf"), by.error().text);
        for (const char* const list : {"properties", "oneOf"})
            if (const auto found = schema.find(list); found != schema.end())
                for (const auto& [name, member] : found->items())
                    check_defaults(member, pointer(pointer(path, list), name));
        for (const char* const one : {"items", "additionalProperties"})
            if (const auto found = schema.find(one); found != schema.end() && found->is_object())
                check_defaults(*found, pointer(path, one));
        if (problems_ == 0 && schema.contains("default")) check_default(schema, path);
    }

    void check_default(const Json& schema, const std::string& path)
    {
        const Json& given = schema.at("default");
        const Json filled = given.is_null() ? given : with_defaults(schema, given, work_);
        for (const Violation& violation : validate(schema, filled, work_))
            problem(pointer(path, "default") + violation.path,
                    "does not fit: " + violation.sentence);
    }

    static constexpr std::size_t kMostBranches = 64;

    std::string text_;
    std::size_t problems_ = 0;
    std::size_t nodes_ = 0;
    std::size_t depth_ = 0;
    std::size_t work_ = 0; // of all defaults together
};

} // namespace

Result<Done> check_schema(const Json& schema, const std::string& where)
{
    return Checker().run(schema, where);
}

} // namespace reelgate
