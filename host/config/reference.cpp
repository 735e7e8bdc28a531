// References to variables and files: what document.hpp promises about them.
#include "host/base/file.hpp"
#include "host/config/document.hpp"

#include <utility>

namespace reelgate {
namespace {

// A secret, a path, an address: nothing that a setting holds is longer.
constexpr std::size_t kLongestValue = 64 * 1024;

bool is_variable_name(std::string_view name)
{
    if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
    for (const char c : name) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_') return false;
    }
    return true;
}

std::optional<Reference> to_variable(std::string_view inner)
{
    Reference reference{Reference::From::environment, {}};
    const std::size_t split = inner.find(":-");
    reference.name = inner.substr(0, split);
    if (split != std::string_view::npos) reference.otherwise = std::string(inner.substr(split + 2));
    if (!is_variable_name(reference.name)) return std::nullopt;
    return reference;
}

bool mentions_reference(std::string_view text)
{
    return text.find("${env:") != std::string_view::npos ||
           text.find("${file:") != std::string_view::npos;
}

Fetched from_file(const Reference& reference, const Place& place, const ConfigWorld& world)
{
    const auto file = path_written(reference.name, place, world);
    auto text = read_file(file, kLongestValue);
    if (!text) return {.why_not = text.error().text};
    if (!text->empty() && text->back() == '\n') text->pop_back();
    if (!text->empty() && text->back() == '\r') text->pop_back();
    return {.value = std::move(*text)};
}

Fetched from_variable(const Reference& reference, const ConfigWorld& world)
{
    if (auto value = world.variable(reference.name)) return {.value = std::move(*value)};
    if (reference.otherwise) return {.value = reference.otherwise, .by_default = true};
    return {.why_not = "the variable " + reference.name + " is not set"};
}

} // namespace

std::filesystem::path
path_written(std::string_view text, const Place& place, const ConfigWorld& world)
{
    if (text == "~" || text.rfind("~/", 0) == 0) {
        const auto home = world.home();
        if (!home.empty()) return (home / text.substr(text.size() > 1 ? 2 : 1)).lexically_normal();
    }
    const std::filesystem::path path(text);
    if (path.is_absolute()) return path.lexically_normal();
    // What stands in no file was typed where the program runs.
    const std::filesystem::path file = place.line > 0 ? place.source : std::string();
    const auto base = file.has_parent_path() ? file.parent_path() : world.directory;
    const auto from = base.is_absolute() ? base : world.directory / base;
    return (from / path).lexically_normal();
}

std::string to_string(const Reference& reference)
{
    return (reference.from == Reference::From::environment ? "env:" : "file:") + reference.name;
}

std::optional<Reference>
reference_in(const ConfigNode& scalar, const std::string& key, Findings& findings)
{
    const std::string_view text = scalar.text;
    if (!scalar.is_scalar() || !mentions_reference(text)) return std::nullopt;
    std::optional<Reference> found;
    const bool whole = text.rfind("${", 0) == 0 && text.find('}') == text.size() - 1;
    if (whole) {
        const std::string_view inner = text.substr(2, text.size() - 3);
        if (inner.rfind("env:", 0) == 0) found = to_variable(inner.substr(4));
        if (inner.rfind("file:", 0) == 0 && inner.size() > 5)
            found = Reference{Reference::From::file, std::string(inner.substr(5))};
    }
    if (found) return found;
    Finding finding{Severity::error, scalar.place, "bad_reference", key};
    finding.message = whole ? "`" + scalar.text + "` names no variable and no file"
                            : "a reference must be the whole value";
    finding.suggestion =
        "write \"${env:NAME}\", \"${env:NAME:-default}\" or \"${file:path}\" and nothing around it";
    findings.add(std::move(finding));
    return std::nullopt;
}

Fetched fetch(const Reference& reference, const Place& place, const ConfigWorld& world)
{
    Fetched fetched = reference.from == Reference::From::file ? from_file(reference, place, world)
                                                              : from_variable(reference, world);
    if (fetched.value && !is_utf8(*fetched.value))
        return {.why_not = "what " + to_string(reference) + " holds is not UTF-8"};
    return fetched;
}

} // namespace reelgate
