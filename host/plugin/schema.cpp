#include "host/plugin/schema.hpp"

#include "host/plugin/json_number.hpp"
#include "host/plugin/schema_branches.hpp"

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

constexpr std::size_t kShownValue = 80;

bool has_type(const Json& value, std::string_view type)
{
    if (type == "integer") return is_whole(value);
    if (type == "number") return value.is_number();
    return value.type_name() == type; // nlohmann's words for the others are those of JSON Schema
}

std::string type_of(const Json& value)
{
    if (value.is_number()) return is_whole(value) ? "integer" : "number";
    return value.type_name();
}

std::size_t code_points(const std::string& text)
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

class Validator {
public:
    explicit Validator(std::size_t& work) : work_(work) {}

    std::vector<Violation> run(const Json& schema, const Json& value)
    {
        check(schema, value, "", false);
        if (work_ > kMostWork) violations_ = {too_large()};
        return std::move(violations_);
    }

private:
    // What the check of one schema against one value looks at.
    struct Place {
        const Json& schema;
        const Json& value;
        const std::string& path;
        bool is_secret;
    };

    // One keyword of a schema that holds for this value.
    using Rule = void (Validator::*)(const Place&, const Json& limit);
    struct Row {
        const char* keyword;
        Rule rule;
    };

    void check(const Json& schema, const Json& value, const std::string& path, bool secret)
    {
        static constexpr std::array kRules{
            Row{"type",       &Validator::type         },
            Row{"enum",       &Validator::one_of_values},
            Row{"const",      &Validator::constant     },
            Row{"minimum",    &Validator::minimum      },
            Row{"maximum",    &Validator::maximum      },
            Row{"multipleOf", &Validator::multiple     },
            Row{"minLength",  &Validator::min_length   },
            Row{"maxLength",  &Validator::max_length   },
            Row{"minItems",   &Validator::min_items    },
            Row{"maxItems",   &Validator::max_items    },
            Row{"items",      &Validator::items        },
            Row{"required",   &Validator::required     },
            Row{"oneOf",      &Validator::branches     },
        };
        if (is_over()) return;
        const Place place{schema, value, path, secret || is_marked_secret(schema)};
        for (const Row& row : kRules) {
            const auto limit = schema.find(row.keyword);
            if (limit != schema.end()) (this->*row.rule)(place, *limit);
        }
        if (value.is_object()) members(place);
    }

    bool is_over() { return ++work_ > kMostWork || violations_.size() >= kMostViolations; }

    static bool is_marked_secret(const Json& schema)
    {
        const auto mark = schema.find("x-secret");
        return mark != schema.end() && *mark == true;
    }

    static std::string shown(const Place& place)
    {
        if (place.is_secret) return "a secret that is not shown";
        if (place.value.is_structured()) return "an " + type_of(place.value);
        return shortened(json_text(place.value), kShownValue);
    }

    void
    add(const std::string& path, const char* keyword, const char* code, const std::string& what)
    {
        if (violations_.size() >= kMostViolations) return;
        const std::string where = path.empty() ? "the value" : shortened(path, 200);
        violations_.push_back({path, keyword, where + ": " + what, code});
    }

    void refuse(const Place& place, const char* keyword, const char* code, const std::string& must)
    {
        add(place.path, keyword, code, "must " + must + ", is " + shown(place));
    }

    static Violation too_large()
    {
        return {"", "", "the value: is too large to be checked", "too_large"};
    }

    void type(const Place& place, const Json& limit)
    {
        const auto fits = [&](const Json& t) {
            return has_type(place.value, t.get_ref<const std::string&>());
        };
        if (limit.is_string() ? fits(limit) : std::any_of(limit.begin(), limit.end(), fits)) return;
        add(place.path,
            "type",
            "wrong_type",
            "must be of type " + json_text(limit) + ", is of type " + type_of(place.value));
    }

    bool same(const Json& a, const Json& b) { return same_json(a, b, work_, kMostWork); }

    void one_of_values(const Place& place, const Json& limit)
    {
        for (const Json& allowed : limit)
            if (same(allowed, place.value)) return;
        refuse(place, "enum", "not_allowed", "be one of " + shortened(json_text(limit), 300));
    }

    void constant(const Place& place, const Json& limit)
    {
        if (!same(limit, place.value))
            refuse(place, "const", "not_allowed", "be " + shortened(json_text(limit), kShownValue));
    }

    void minimum(const Place& place, const Json& limit)
    {
        if (place.value.is_number() && !std::is_gteq(compare_numbers(place.value, limit)))
            refuse(place, "minimum", "out_of_range", "be at least " + json_text(limit));
    }

    void maximum(const Place& place, const Json& limit)
    {
        if (place.value.is_number() && !std::is_lteq(compare_numbers(place.value, limit)))
            refuse(place, "maximum", "out_of_range", "be at most " + json_text(limit));
    }

    void multiple(const Place& place, const Json& limit)
    {
        if (place.value.is_number() && !is_multiple(place.value, limit))
            refuse(place, "multipleOf", "not_a_multiple", "be a multiple of " + json_text(limit));
    }

    void count(const Place& place,
               std::size_t found,
               const Json& limit,
               const char* keyword,
               const char* unit)
    {
        const bool is_least = std::string_view(keyword).starts_with("min");
        const auto order = compare_numbers(Json(found), limit);
        if (is_least ? std::is_gteq(order) : std::is_lteq(order)) return;
        add(place.path,
            keyword,
            place.value.is_string() ? "wrong_length" : "wrong_count",
            std::string("must have at ") + (is_least ? "least " : "most ") + json_text(limit) +
                unit + ", has " + std::to_string(found));
    }

    void length(const Place& place, const Json& limit, const char* keyword)
    {
        if (!place.value.is_string()) return;
        const auto& text = place.value.get_ref<const std::string&>();
        work_ += text.size() / 64; // counting is cheap, and not free
        count(place, code_points(text), limit, keyword, " characters");
    }
    void min_length(const Place& place, const Json& limit) { length(place, limit, "minLength"); }
    void max_length(const Place& place, const Json& limit) { length(place, limit, "maxLength"); }

    void min_items(const Place& place, const Json& limit)
    {
        if (place.value.is_array()) count(place, place.value.size(), limit, "minItems", " items");
    }
    void max_items(const Place& place, const Json& limit)
    {
        if (place.value.is_array()) count(place, place.value.size(), limit, "maxItems", " items");
    }

    void items(const Place& place, const Json& schema)
    {
        if (!place.value.is_array()) return;
        for (std::size_t i = 0; i < place.value.size() && !is_over(); ++i)
            check(schema, place.value[i], below(place, i), place.is_secret);
    }

    void required(const Place& place, const Json& names)
    {
        if (!place.value.is_object()) return;
        for (const Json& name : names) {
            if (is_over()) return;
            if (!place.value.contains(name.get_ref<const std::string&>()))
                add(below(place, name.get_ref<const std::string&>()),
                    "required",
                    "missing",
                    "must be given");
        }
    }

    void members(const Place& place)
    {
        static const Json none = Json::object();
        const auto found = place.schema.find("properties");
        const Json& known = found == place.schema.end() ? none : *found;
        const auto others = place.schema.find("additionalProperties");
        for (const auto& [name, member] : place.value.items()) {
            if (is_over()) return;
            const std::string path = below(place, name);
            const auto schema = known.find(name);
            if (schema != known.end())
                check(*schema, member, path, place.is_secret);
            else if (others != place.schema.end() && others->is_object())
                check(*others, member, path, place.is_secret);
            else if (others != place.schema.end() && *others == false)
                add(path, "additionalProperties", "unknown_member", "is not known here");
        }
    }

    void branches(const Place& place, const Json& all)
    {
        const auto choice = chooser_.choose(place.schema, place.value, work_, kMostWork);
        if (choice.branch != nullptr)
            return check(*choice.branch, place.value, place.path, place.is_secret);
        if (choice.deciding == nullptr)
            return add(place.path, "oneOf", "not_allowed", "must have \"" + choice.member + "\"");
        Json choices = Json::array();
        for (const Json& branch : all)
            choices.push_back(*const_of(branch, choice.member));
        const std::string path = choice.member.empty() ? place.path : below(place, choice.member);
        refuse({place.schema, *choice.deciding, path, place.is_secret},
               "oneOf",
               "not_allowed",
               "be one of " + shortened(json_text(choices), 300));
    }

    // A long name over many members would be copied once for each of them: that is work too.
    template <class Name>
    std::string below(const Place& place, const Name& name)
    {
        std::string path = pointer(place.path, name);
        work_ += path.size() / 64;
        return path;
    }

    std::vector<Violation> violations_;
    BranchChooser chooser_;
    std::size_t& work_;
};

class Filler {
public:
    explicit Filler(std::size_t& work) : work_(work) {}

    void fill(const Json& schema, Json& value)
    {
        if (++work_ > kMostWork) return;
        if (value.is_object()) fill_members(schema, value);
        const auto items = schema.find("items");
        if (value.is_array() && items != schema.end())
            for (Json& item : value)
                fill(*items, item);
        if (!schema.contains("oneOf")) return;
        const auto choice = chooser_.choose(schema, value, work_, kMostWork);
        if (choice.branch != nullptr) fill(*choice.branch, value);
    }

private:
    void fill_members(const Json& schema, Json& value)
    {
        const auto known = schema.find("properties");
        const auto others = schema.find("additionalProperties");
        if (known != schema.end())
            for (const auto& [name, member] : known->items())
                add_default(value, name, member);
        for (const auto& [name, member] : value.items()) {
            const bool is_known = known != schema.end() && known->contains(name);
            if (is_known)
                fill(known->at(name), member);
            else if (others != schema.end() && others->is_object())
                fill(*others, member);
        }
    }

    void add_default(Json& value, const std::string& name, const Json& member)
    {
        if (++work_ > kMostWork) return;
        const auto found = member.find("default");
        if (found == member.end() || value.contains(name)) return;
        work_ += nodes_of(*found);
        value[name] = *found;
    }

    static std::size_t nodes_of(const Json& value)
    {
        std::size_t nodes = 1;
        if (value.is_string()) nodes += value.get_ref<const std::string&>().size() / 64;
        if (value.is_structured())
            for (const Json& part : value)
                nodes += nodes_of(part);
        return nodes;
    }

    BranchChooser chooser_;
    std::size_t& work_;
};

} // namespace

std::vector<Violation> validate(const Json& schema, const Json& value, std::size_t& work)
{
    return Validator(work).run(schema, value);
}

std::vector<Violation> validate(const Json& schema, const Json& value)
{
    std::size_t work = 0;
    return validate(schema, value, work);
}

Json with_defaults(const Json& schema, Json value, std::size_t& work)
{
    const auto own = schema.find("default");
    if (value.is_null() && own != schema.end()) value = *own;
    Filler(work).fill(schema, value);
    return value;
}

Json with_defaults(const Json& schema, Json value)
{
    std::size_t work = 0;
    return with_defaults(schema, std::move(value), work);
}

Fitted fitted(const Json& schema, Json given)
{
    std::size_t work = 0;
    Fitted out{with_defaults(schema, std::move(given), work), {}};
    out.violations = validate(schema, out.value, work);
    return out;
}

} // namespace reelgate
