#include <reelgate/http/headers.hpp>

#include <algorithm>

namespace reelgate::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_token_char(char c)
{
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
}

} // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string lower_case(std::string_view text)
{
    std::string out{text};
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t from = text.find_first_not_of(kBlank);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(kBlank) + 1 - from);
}

bool is_sendable(const Header& header)
{
    constexpr std::string_view kNever{"\r\n\0", 3};
    return !header.name.empty() && std::ranges::all_of(header.name, is_token_char) &&
           header.value.find_first_of(kNever) == std::string::npos;
}

void Headers::add(std::string name, std::string value)
{
    fields_.push_back({std::move(name), std::move(value)});
}

void Headers::set(std::string name, std::string value)
{
    remove(name);
    add(std::move(name), std::move(value));
}

void Headers::remove(std::string_view name)
{
    std::erase_if(fields_, [&](const Header& h) { return equal_ignoring_case(h.name, name); });
}

const std::string* Headers::find(std::string_view name) const
{
    const auto found = std::ranges::find_if(
        fields_, [&](const Header& h) { return equal_ignoring_case(h.name, name); });
    return found == fields_.end() ? nullptr : &found->value;
}

std::string_view Headers::get(std::string_view name) const
{
    const std::string* found = find(name);
    return found != nullptr ? std::string_view{*found} : std::string_view{};
}

} // namespace reelgate::http
