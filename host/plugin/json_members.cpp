#include "host/plugin/json_members.hpp"

#include "host/plugin/json_number.hpp"

#include <algorithm>

namespace reelgate {
namespace {

constexpr std::size_t kMostShown = 8;
constexpr std::size_t kMostWarnings = 32;
constexpr std::size_t kLongestPath = 200;

std::string named(const std::string& path)
{
    return path.empty() ? "the text" : shortened(path, kLongestPath);
}

bool is_line(std::string_view text)
{
    return std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    });
}

std::string line_rule(std::size_t longest)
{
    return "must be one line of text, at most " + std::to_string(longest) + " bytes";
}

bool is_line(const Json& value, std::size_t longest)
{
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    return text.size() <= longest && is_line(std::string_view(text));
}

std::string shown(const Json& value)
{
    if (value.is_structured()) return std::string("an ") + value.type_name();
    return shortened(json_text(value), 80);
}

} // namespace

void JsonNotes::problem(const std::string& path, const std::string& what)
{
    problem_at(named(path) + ": " + what);
}

void JsonNotes::problem_at(const std::string& sentence)
{
    if (++problems_ > kMostShown + 1) return;
    if (problems_ > 1) text_ += "; ";
    text_ += problems_ > kMostShown ? "and more" : sentence;
}

void JsonNotes::warn(const std::string& path, const std::string& what)
{
    if (warnings_.size() < kMostWarnings) warnings_.push_back(named(path) + ": " + what);
}

JsonMembers::JsonMembers(const Json& object, std::string path, JsonNotes& notes)
    : object_(&object), path_(std::move(path)), notes_(&notes)
{
    if (!object.is_object()) notes.problem(path_, "must be an object, is " + shown(object));
}

const Json* JsonMembers::find(std::string_view name)
{
    asked_.emplace(name);
    if (!object_->is_object()) return nullptr;
    const auto found = object_->find(name);
    return found == object_->end() || found->is_null() ? nullptr : &*found;
}

std::string JsonMembers::text(std::string_view name, std::string fallback, std::size_t longest)
{
    const Json* const value = find(name);
    if (value == nullptr) return fallback;
    if (is_line(*value, longest)) return value->get<std::string>();
    problem(name, line_rule(longest));
    return fallback;
}

std::string JsonMembers::required_text(std::string_view name, std::size_t longest)
{
    const Json* const value = find(name);
    if (value == nullptr) {
        if (object_->is_object()) problem(name, "must be given");
        return {};
    }
    std::string words = text(name, {}, longest);
    if (words.empty() && value->is_string() && value->get_ref<const std::string&>().empty())
        problem(name, "must not be empty");
    return words;
}

std::string JsonMembers::word(std::string_view name,
                              std::initializer_list<std::string_view> words,
                              std::string fallback)
{
    const Json* const value = find(name);
    if (value == nullptr) return fallback;
    std::string choices;
    for (const std::string_view word : words) {
        if (value->is_string() && value->get_ref<const std::string&>() == word)
            return std::string(word);
        choices.append(choices.empty() ? "" : ", ").append(word);
    }
    problem(name, "must be one of " + choices + ", is " + shown(*value));
    return fallback;
}

std::uint64_t JsonMembers::whole(std::string_view name,
                                 std::uint64_t least,
                                 std::uint64_t most,
                                 std::uint64_t fallback)
{
    const Json* const value = find(name);
    if (value == nullptr) return fallback;
    const auto number = whole_number(*value);
    if (number && *number >= 0) {
        const auto count = static_cast<std::uint64_t>(*number);
        if (count >= least && count <= most) return count;
    }
    problem(name,
            "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                ", is " + shown(*value));
    return fallback;
}

std::optional<double> JsonMembers::number(std::string_view name, double least, double most)
{
    const Json* const value = find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_number()) {
        const auto real = value->get<double>();
        if (real >= least && real <= most) return real;
    }
    problem(name,
            "must be a number from " + json_text(least) + " to " + json_text(most) + ", is " +
                shown(*value));
    return std::nullopt;
}

bool JsonMembers::flag(std::string_view name, bool fallback)
{
    const Json* const value = find(name);
    if (value == nullptr) return fallback;
    if (value->is_boolean()) return value->get<bool>();
    problem(name, "must be true or false, is " + shown(*value));
    return fallback;
}

std::vector<std::string>
JsonMembers::texts(std::string_view name, std::size_t most, std::size_t longest)
{
    std::vector<std::string> all;
    const Json* const list = array(name, most);
    if (list == nullptr) return all;
    for (std::size_t i = 0; i < list->size(); ++i) {
        if (is_line((*list)[i], longest))
            all.push_back((*list)[i].get<std::string>());
        else
            notes_->problem(pointer(path_of(name), i), line_rule(longest));
    }
    return all;
}

const Json* JsonMembers::array(std::string_view name, std::size_t most)
{
    const Json* const value = find(name);
    if (value == nullptr) return nullptr;
    if (value->is_array() && value->size() <= most) return value;
    problem(name, "must be a list of at most " + std::to_string(most));
    return nullptr;
}

std::optional<JsonMembers> JsonMembers::object(std::string_view name)
{
    const Json* const value = find(name);
    if (value == nullptr) return std::nullopt;
    return JsonMembers(*value, path_of(name), *notes_);
}

void JsonMembers::warn_of_others()
{
    if (!object_->is_object()) return;
    for (const auto& [name, value] : object_->items())
        if (!asked_.contains(name)) notes_->warn(path_of(name), "is not a member this host knows");
}

void JsonMembers::problem(std::string_view name, const std::string& what)
{
    notes_->problem(path_of(name), what);
}

} // namespace reelgate
