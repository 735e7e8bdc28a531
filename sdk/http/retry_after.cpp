#include <reelgate/http/retry_after.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

namespace reelgate::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr milliseconds kLongest = std::chrono::hours{24 * 365};

// Digits and nothing else; a number too large to hold is the largest.
std::optional<std::uint64_t> whole_number(std::string_view text)
{
    if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return {};
    std::uint64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{})
        value = UINT64_MAX;
    return value;
}

milliseconds at_most_a_year(std::uint64_t count, milliseconds unit)
{
    const auto most = static_cast<std::uint64_t>(kLongest / unit);
    return unit * static_cast<std::int64_t>(std::min(count, most));
}

std::optional<system_clock::time_point> parse_date(std::string_view text)
{
    // All three forms begin with the name of a day. The parser behind takes far more than HTTP
    // allows, and a bare number would be a date to it.
    const bool day = !text.empty() && ((text[0] >= 'A' && text[0] <= 'Z'));
    if (!day || text.size() < 20) return {};
    const std::time_t seconds = curl_getdate(std::string{text}.c_str(), nullptr);
    if (seconds == -1) return {};
    return system_clock::from_time_t(seconds);
}

} // namespace

std::optional<milliseconds> parse_retry_after(std::string_view value, system_clock::time_point now)
{
    const std::string_view text = trimmed(value);
    if (const auto seconds = whole_number(text))
        return at_most_a_year(*seconds, std::chrono::seconds{1});
    const auto date = parse_date(text);
    if (!date) return {};
    const auto wait = std::chrono::ceil<milliseconds>(*date - now);
    return std::clamp(wait, milliseconds{0}, kLongest);
}

std::optional<milliseconds> retry_after(const Headers& headers, system_clock::time_point now)
{
    if (const auto ms = whole_number(trimmed(headers.get("retry-after-ms"))))
        return at_most_a_year(*ms, milliseconds{1});
    const auto theirs = parse_date(trimmed(headers.get("date")));
    return parse_retry_after(headers.get("retry-after"), theirs.value_or(now));
}

} // namespace reelgate::http
