#include "host/api/byte_range.hpp"

#include <algorithm>
#include <charconv>

namespace reelgate::api {
namespace {

std::optional<std::uint64_t> number_in(std::string_view text)
{
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, failed] = std::from_chars(text.data(), end, value);
    if (failed != std::errc{} || rest != end || text.empty()) return std::nullopt;
    return value;
}

} // namespace

std::optional<ByteRange> range_of(std::string_view header, std::uint64_t size)
{
    const ByteRange whole{.first = 0, .length = size, .is_whole = true};
    constexpr std::string_view kUnit = "bytes=";
    if (!header.starts_with(kUnit) || header.find(',') != std::string_view::npos) return whole;
    header.remove_prefix(kUnit.size());
    const std::size_t dash = header.find('-');
    if (dash == std::string_view::npos) return whole;
    const std::string_view from = header.substr(0, dash);
    const std::string_view to = header.substr(dash + 1);

    if (from.empty()) { // the last so many
        const auto count = number_in(to);
        if (!count) return whole;
        if (*count == 0 || size == 0) return std::nullopt;
        const std::uint64_t length = std::min(*count, size);
        return ByteRange{.first = size - length, .length = length, .is_whole = false};
    }
    const auto first = number_in(from);
    const auto last = to.empty() ? std::optional(UINT64_MAX) : number_in(to);
    if (!first || !last || *last < *first) return whole; // not a range: as if it were not there
    if (*first >= size) return std::nullopt;
    const std::uint64_t length = std::min(*last, size - 1) - *first + 1;
    return ByteRange{.first = *first, .length = length, .is_whole = false};
}

} // namespace reelgate::api
