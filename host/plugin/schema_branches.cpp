#include "host/plugin/schema_branches.hpp"

#include "host/plugin/json_number.hpp"
#include "host/plugin/schema.hpp"

#include <algorithm>

namespace reelgate {
namespace {

Error bad_branches(std::string text)
{
    return Error{
        .category = Category::invalid_params, .text = std::move(text), .code = "bad_schema"};
}

bool is_object_only(const Json& schema)
{
    const auto type = schema.find("type");
    return type != schema.end() && *type == "object";
}

bool requires_member(const Json& schema, const std::string& name)
{
    const auto required = schema.find("required");
    return required != schema.end() && required->is_array() &&
           std::find(required->begin(), required->end(), name) != required->end();
}

bool are_distinct(const Json& branches, const Discriminator& by)
{
    std::size_t work = 0;
    for (std::size_t i = 0; i < branches.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (same_json(*const_of(branches[i], by.member),
                          *const_of(branches[j], by.member),
                          work,
                          kMostWork))
                return false;
    return work <= kMostWork;
}

bool all_have(const Json& branches, const Discriminator& by)
{
    return std::all_of(branches.begin(), branches.end(), [&](const Json& branch) {
        return const_of(branch, by.member) != nullptr;
    });
}

// With the member optional, or with a value that is no object, several branches would fit at once.
Result<Discriminator> sound(const Json& schema, Discriminator by)
{
    for (const Json& branch : schema.at("oneOf")) {
        if (!requires_member(branch, by.member) && !requires_member(schema, by.member))
            return bad_branches("every branch must require \"" + by.member +
                                "\", which tells the branches apart");
        if (!is_object_only(branch) && !is_object_only(schema))
            return bad_branches("a branch chosen by a member must have the type \"object\"");
    }
    return by;
}

} // namespace

const Json* const_of(const Json& branch, const std::string& member)
{
    const Json* holder = &branch;
    if (!member.empty()) {
        const auto properties = branch.find("properties");
        if (properties == branch.end() || !properties->is_object()) return nullptr;
        const auto found = properties->find(member);
        if (found == properties->end() || !found->is_object()) return nullptr;
        holder = &*found;
    }
    const auto found = holder->find("const");
    return found == holder->end() ? nullptr : &*found;
}

Result<Discriminator> discriminator_of(const Json& schema)
{
    const Json& branches = schema.at("oneOf");
    if (all_have(branches, {}) && are_distinct(branches, {})) return Discriminator{};
    const auto properties = branches[0].find("properties");
    if (properties != branches[0].end() && properties->is_object())
        for (const auto& [name, unused] : properties->items()) {
            const Discriminator by{name};
            if (!name.empty() && all_have(branches, by) && are_distinct(branches, by))
                return sound(schema, by);
        }
    return bad_branches("the branches must differ in one const, of the value or of one member");
}

BranchChooser::Choice
BranchChooser::choose(const Json& schema, const Json& value, std::size_t& work, std::size_t most)
{
    auto known = members_.find(&schema);
    if (known == members_.end()) {
        const Result<Discriminator> by = discriminator_of(schema);
        known = members_.emplace(&schema, by ? by->member : std::string()).first;
    }
    Choice choice{.member = known->second};
    if (choice.member.empty())
        choice.deciding = &value;
    else if (const auto member = value.find(choice.member); member != value.end())
        choice.deciding = &*member;
    if (choice.deciding == nullptr) return choice;
    for (const Json& branch : schema.at("oneOf")) {
        const Json* const wanted = const_of(branch, choice.member);
        if (wanted == nullptr || !same_json(*wanted, *choice.deciding, work, most)) continue;
        choice.branch = &branch;
        return choice;
    }
    return choice;
}

bool same_json(const Json& a, const Json& b, std::size_t& work, std::size_t most)
{
    if (++work > most) return false;
    if (a.is_number() && b.is_number()) return std::is_eq(compare_numbers(a, b));
    if (a.type() != b.type() || a.size() != b.size()) return false;
    if (a.is_array()) {
        for (std::size_t i = 0; i < a.size(); ++i)
            if (!same_json(a[i], b[i], work, most)) return false;
        return true;
    }
    if (a.is_object()) {
        for (auto left = a.begin(), right = b.begin(); left != a.end(); ++left, ++right)
            if (left.key() != right.key() || !same_json(*left, *right, work, most)) return false;
        return true;
    }
    return a == b;
}

} // namespace reelgate
