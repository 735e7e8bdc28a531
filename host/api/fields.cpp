#include "host/api/fields.hpp"

#include "host/api/body.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace reelgate::api {
namespace {

using Json = nlohmann::json;

// What JSON, or a form, calls a number. Not what is none, or has something behind it.
std::optional<double> as_number(const Json& value)
{
    if (value.is_number()) return value.get<double>();
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, failed] = std::from_chars(text.data(), end, number);
    if (failed != std::errc{} || rest != end || !std::isfinite(number)) return std::nullopt;
    return number;
}

// Exact where the text or the number is, so that a seed of 2^62 is not rounded.
std::optional<std::uint64_t> as_whole(const Json& value)
{
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        std::uint64_t exact = 0;
        const char* const end = text.data() + text.size();
        const auto [rest, failed] = std::from_chars(text.data(), end, exact);
        if (failed == std::errc{} && rest == end && !text.empty()) return exact;
    }
    const auto number = as_number(value);
    constexpr double kExact = 9007199254740992.0; // 2^53
    if (!number || *number < 0 || *number > kExact || *number != std::floor(*number))
        return std::nullopt;
    return static_cast<std::uint64_t>(*number);
}

std::optional<bool> as_flag(const Json& value)
{
    if (value.is_boolean()) return value.get<bool>();
    std::string word = value.is_string() ? value.get<std::string>() : value.dump();
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    constexpr std::array<std::string_view, 4> kYes{"true", "1", "yes", "on"};
    constexpr std::array<std::string_view, 4> kNo{"false", "0", "no", "off"};
    if (std::find(kYes.begin(), kYes.end(), word) != kYes.end()) return true;
    if (std::find(kNo.begin(), kNo.end(), word) != kNo.end()) return false;
    return std::nullopt;
}

std::string plain(double number)
{
    std::string text = std::to_string(number);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
}

} // namespace

const Json* Fields::find(std::string_view name)
{
    asked_.emplace(name);
    if (!object_->is_object()) return nullptr;
    const auto found = object_->find(name);
    return found == object_->end() || found->is_null() ? nullptr : &*found;
}

const Json* Fields::first_of(Names names, std::string_view& name)
{
    const Json* first = nullptr;
    for (const std::string_view one : names) {
        const Json* const value = find(one); // each is asked for, so that none is an "other"
        if (value == nullptr || first != nullptr) continue;
        first = value;
        name = one;
    }
    return first;
}

void Fields::bad(std::string_view name, std::string text, std::string code)
{
    if (*fault_) return;
    const std::string param = prefix_ + std::string(name);
    fault_->emplace(
        BadField{.param = param, .code = std::move(code), .text = param + ": " + std::move(text)});
}

std::optional<std::string> Fields::text(Names names)
{
    std::string_view name;
    const Json* const value = first_of(names, name);
    if (value == nullptr) return std::nullopt;
    if (value->is_string()) return value->get<std::string>();
    bad(name, "must be a text");
    return std::nullopt;
}

std::optional<std::uint64_t> Fields::whole(Names names, std::uint64_t least, std::uint64_t most)
{
    std::string_view name;
    const Json* const value = first_of(names, name);
    if (value == nullptr) return std::nullopt;
    const auto number = as_whole(*value);
    if (number && *number >= least && *number <= most) return number;
    bad(name,
        "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
}

std::optional<double> Fields::number(Names names, double least, double most)
{
    std::string_view name;
    const Json* const value = first_of(names, name);
    if (value == nullptr) return std::nullopt;
    const auto number = as_number(*value);
    if (number && *number >= least && *number <= most) return number;
    bad(name, "must be a number from " + plain(least) + " to " + plain(most));
    return std::nullopt;
}

std::optional<bool> Fields::flag(Names names)
{
    std::string_view name;
    const Json* const value = first_of(names, name);
    if (value == nullptr) return std::nullopt;
    const auto on = as_flag(*value);
    if (!on) bad(name, "must be true or false");
    return on;
}

std::vector<std::string> Fields::texts(std::string_view name, std::size_t most)
{
    const Json* const value = find(name);
    if (value == nullptr) return {};
    const auto is_text = [](const Json& one) { return one.is_string(); };
    if (value->is_array() && value->size() <= most &&
        std::all_of(value->begin(), value->end(), is_text))
        return value->get<std::vector<std::string>>();
    bad(name, "must be a list of at most " + std::to_string(most) + " texts");
    return {};
}

Json Fields::object(std::string_view name)
{
    const Json* const value = find(name);
    if (value == nullptr) return Json::object();
    if (value->is_object()) return *value;
    if (value->is_string()) {
        Json parsed = parse_body(value->get_ref<const std::string&>());
        if (parsed.is_object()) return parsed;
    }
    bad(name, "must be an object");
    return Json::object();
}

Json Fields::others() const
{
    Json rest = Json::object();
    if (!object_->is_object()) return rest;
    for (const auto& [name, value] : object_->items())
        if (!asked_.contains(name)) rest[name] = value;
    return rest;
}

} // namespace reelgate::api
