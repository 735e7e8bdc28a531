#include "host/api/surface.hpp"

namespace reelgate::api {
namespace {

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// `plus_is_space` in queries only: in a path a plus sign is itself.
std::optional<std::string> decoded(std::string_view text, bool plus_is_space)
{
    std::string plain;
    plain.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            plain += ' ';
        } else if (text[i] == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            plain += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

// Calls `take` with each part of `text` between `separator`s.
template <class Take>
void split(std::string_view text, char separator, Take take)
{
    while (true) {
        const std::size_t end = text.find(separator);
        take(text.substr(0, end));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

} // namespace

std::string_view Call::header(const std::string& lower_case_name) const
{
    const auto found = headers.find(lower_case_name);
    return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

std::optional<std::vector<std::string>> segments_of(std::string_view target)
{
    std::vector<std::string> segments;
    bool broken = false;
    split(target.substr(0, target.find_first_of("?#")), '/', [&](std::string_view part) {
        if (part.empty()) return; // runs of slashes, and the one at the end
        auto plain = decoded(part, false);
        if (plain)
            segments.push_back(*std::move(plain));
        else
            broken = true;
    });
    if (broken) return std::nullopt;
    return segments;
}

std::map<std::string, std::string> query_of(std::string_view target)
{
    std::map<std::string, std::string> query;
    const std::size_t mark = target.find('?');
    if (mark == std::string_view::npos) return query;
    target.remove_prefix(mark + 1);
    split(target.substr(0, target.find('#')), '&', [&](std::string_view pair) {
        const std::size_t equals = pair.find('=');
        const auto name = decoded(pair.substr(0, equals), true);
        const auto value = equals == std::string_view::npos
                               ? std::optional<std::string>("")
                               : decoded(pair.substr(equals + 1), true);
        if (name && value && !name->empty()) query.emplace(*name, *value);
    });
    return query;
}

std::optional<std::vector<std::string>> match(std::string_view pattern,
                                              const std::vector<std::string>& path)
{
    std::vector<std::string> params;
    std::size_t at = 0;
    bool fits = true;
    split(pattern.substr(1), '/', [&](std::string_view part) {
        if (part.empty()) return; // the root
        const bool is_parameter = part.front() == '{';
        if (at < path.size() && is_parameter) params.push_back(path[at]);
        if (at >= path.size() || (!is_parameter && part != path[at])) fits = false;
        ++at;
    });
    if (!fits || at != path.size()) return std::nullopt;
    return params;
}

} // namespace reelgate::api
