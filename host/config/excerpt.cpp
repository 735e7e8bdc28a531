#include "host/config/excerpt.hpp"

#include "host/base/file.hpp"
#include "host/config/document.hpp"
#include "host/config/load.hpp"
#include "host/config/reader.hpp"

#include <algorithm>

namespace reelgate {
namespace {

constexpr std::size_t kWidest = 100; // of the line shown
constexpr std::size_t kAhead = 60;   // at most so much of it before the place

std::optional<std::string_view> line_of(std::string_view text, std::uint32_t number)
{
    for (std::uint32_t line = 1; line < number; ++line) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return std::nullopt;
        text.remove_prefix(end + 1);
    }
    text = text.substr(0, text.find('\n'));
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    return text;
}

bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

// Where a value begins that may be a secret: behind "token:", unless it is {env: ...} or "${...}".
std::size_t secret_in(std::string_view line)
{
    for (std::size_t colon = line.find(':'); colon != std::string_view::npos;
         colon = line.find(':', colon + 1)) {
        std::size_t end = colon;
        while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '"' || line[end - 1] == '\''))
            --end;
        std::size_t begin = end;
        while (begin > 0 && is_name_character(line[begin - 1]))
            --begin;
        if (!is_secret_name(line.substr(begin, end - begin))) continue;
        const std::size_t value = line.find_first_not_of(" \t", colon + 1);
        if (value == std::string_view::npos) continue;
        const std::string_view rest = line.substr(value);
        if (rest.front() != '{' && rest.rfind("\"${", 0) != 0) return value;
    }
    return std::string_view::npos;
}

// Continuation bytes take no room of their own.
bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }

} // namespace

std::optional<std::string> source_text(const std::string& source)
{
    if (source == "built-in") return std::string(built_in_config());
    auto text = read_file(source, DocumentLimits{}.bytes);
    if (!text) return std::nullopt;
    return *std::move(text);
}

std::string for_people(const Finding& finding, const SourceText& text_of)
{
    std::string said = to_string(finding);
    if (finding.place.line == 0) return said;
    const auto text = text_of(finding.place.source);
    const auto line = text ? line_of(*text, finding.place.line) : std::nullopt;
    if (!line) return said;

    std::string shown(*line);
    const std::size_t secret = secret_in(shown);
    if (secret != std::string::npos) shown.replace(secret, std::string::npos, "...");
    std::size_t at = std::min<std::size_t>(finding.place.column - 1, shown.size());
    if (at > kAhead) {
        std::size_t cut = at - kAhead;
        while (cut > 0 && !starts_character(shown[cut]))
            --cut;
        shown = "..." + shown.substr(cut);
        at = at - cut + 3;
    }
    if (shown.size() > kWidest) {
        std::size_t end = kWidest;
        while (end > 0 && !starts_character(shown[end]))
            --end;
        shown = shown.substr(0, end) + "...";
    }
    std::string mark;
    for (const char c : shown.substr(0, at)) {
        if (c == '\t') mark += '\t';
        if (c != '\t' && starts_character(c)) mark += ' ';
    }
    const std::string number = std::to_string(finding.place.line);
    said += "\n  " + number + " | " + shown;
    said += "\n  " + std::string(number.size(), ' ') + " | " + mark + "^";
    return said;
}

} // namespace reelgate
