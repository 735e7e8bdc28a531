#include "host/config/node.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace reelgate {
namespace {

template <std::size_t N>
bool one_of(std::string_view text, const std::array<std::string_view, N>& words)
{
    return std::find(words.begin(), words.end(), text) != words.end();
}

constexpr std::array<std::string_view, 5> kNulls{"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 3> kTrue{"true", "True", "TRUE"};
constexpr std::array<std::string_view, 3> kFalse{"false", "False", "FALSE"};
constexpr std::array<std::string_view, 6> kNoNumbers{
    ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF"};

std::string_view without_sign(std::string_view text)
{
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    return text;
}

bool all_of_digits(std::string_view text, int base)
{
    const auto is_digit = [base](char c) {
        if (base == 16 && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) return true;
        return c >= '0' && c < (base == 8 ? '8' : '9' + 1);
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

bool is_integer(std::string_view text)
{
    if (text.rfind("0x", 0) == 0) return all_of_digits(text.substr(2), 16);
    if (text.rfind("0o", 0) == 0) return all_of_digits(text.substr(2), 8);
    return all_of_digits(without_sign(text), 10);
}

std::size_t digits_at(std::string_view text, std::size_t from)
{
    std::size_t end = from;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9')
        ++end;
    return end - from;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_number(std::string_view text)
{
    text = without_sign(text);
    if (one_of(text, kNoNumbers)) return true;
    const std::size_t whole = digits_at(text, 0);
    std::size_t at = whole;
    std::size_t behind = 0;
    if (at < text.size() && text[at] == '.') {
        behind = digits_at(text, at + 1);
        at += 1 + behind;
    }
    if (whole + behind == 0) return false;
    if (at == text.size()) return true;
    if (text[at] != 'e' && text[at] != 'E') return false;
    const std::string_view power = without_sign(text.substr(at + 1));
    return all_of_digits(power, 10);
}

nlohmann::json integer_json(std::string_view text)
{
    int base = 10;
    if (text.rfind("0x", 0) == 0 || text.rfind("0o", 0) == 0) {
        base = text[1] == 'x' ? 16 : 8;
        text.remove_prefix(2);
    }
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value, base);
    if (read.ec != std::errc() || read.ptr != end) return nullptr;
    return value;
}

nlohmann::json number_json(std::string_view text)
{
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    double value = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end || !std::isfinite(value)) return nullptr;
    return value;
}

nlohmann::json scalar_json(const ConfigNode& node, const std::string& key, Findings& findings)
{
    nlohmann::json value;
    switch (core_type(node)) {
    case CoreType::null:
        return nullptr;
    case CoreType::boolean:
        return one_of(node.text, kTrue);
    case CoreType::text:
        return node.text;
    case CoreType::integer:
        value = integer_json(node.text);
        break;
    case CoreType::number:
        value = number_json(node.text);
        break;
    }
    if (value.is_null())
        findings.error(node.place, "bad_number", key, "`" + node.text + "` is no number that fits");
    return value;
}

} // namespace

const ConfigNode* ConfigNode::find(std::string_view name) const
{
    if (kind != Kind::map) return nullptr;
    const auto found = std::find_if(
        items.begin(), items.end(), [name](const ConfigNode& item) { return item.key == name; });
    return found == items.end() ? nullptr : &*found;
}

ConfigNode* ConfigNode::find(std::string_view name)
{
    return const_cast<ConfigNode*>(std::as_const(*this).find(name));
}

ConfigNode& ConfigNode::member(std::string_view name)
{
    if (ConfigNode* known = find(name)) return *known;
    kind = Kind::map;
    ConfigNode& made = items.emplace_back();
    made.key = name;
    return made;
}

std::size_t ConfigNode::count() const
{
    std::size_t sum = 1;
    for (const ConfigNode& item : items)
        sum += item.count();
    return sum;
}

CoreType core_type(const ConfigNode& scalar)
{
    if (scalar.kind == ConfigNode::Kind::null) return CoreType::null;
    if (scalar.quoted) return CoreType::text;
    if (one_of(scalar.text, kNulls)) return CoreType::null;
    if (one_of(scalar.text, kTrue) || one_of(scalar.text, kFalse)) return CoreType::boolean;
    if (is_integer(scalar.text)) return CoreType::integer;
    if (is_number(scalar.text)) return CoreType::number;
    return CoreType::text;
}

std::string_view kind_text(const ConfigNode& node)
{
    if (node.is_map()) return "a map";
    if (node.is_list()) return "a list";
    switch (core_type(node)) {
    case CoreType::null:
        return "nothing";
    case CoreType::boolean:
        return "true or false";
    case CoreType::integer:
    case CoreType::number:
        return "a number";
    case CoreType::text:
        break;
    }
    return "a text";
}

nlohmann::json to_json(const ConfigNode& node, const std::string& key, Findings& findings)
{
    switch (node.kind) {
    case ConfigNode::Kind::null:
        return nullptr;
    case ConfigNode::Kind::scalar:
        return scalar_json(node, key, findings);
    case ConfigNode::Kind::list: {
        nlohmann::json list = nlohmann::json::array();
        for (std::size_t i = 0; i < node.items.size(); ++i)
            list.push_back(to_json(node.items[i], key_below(key, i), findings));
        return list;
    }
    case ConfigNode::Kind::map:
        break;
    }
    nlohmann::json map = nlohmann::json::object();
    for (const ConfigNode& item : node.items)
        map[item.key] = to_json(item, key_below(key, item.key), findings);
    return map;
}

std::string key_below(std::string_view parent, std::string_view name)
{
    if (parent.empty()) return std::string(name);
    return std::string(parent) + "." + std::string(name);
}

std::string key_below(std::string_view parent, std::size_t index)
{
    return std::string(parent) + "[" + std::to_string(index) + "]";
}

} // namespace reelgate
