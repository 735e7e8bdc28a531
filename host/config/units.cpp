#include "host/config/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace reelgate {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array kDurations{
    Unit{"ms", 1         },
    Unit{"s",  1000      },
    Unit{"m",  60'000    },
    Unit{"h",  3'600'000 },
    Unit{"d",  86'400'000}
};

constexpr std::array kSizes{
    Unit{"B",   1                      },
    Unit{"KiB", std::uint64_t{1} << 10U},
    Unit{"MiB", std::uint64_t{1} << 20U},
    Unit{"GiB", std::uint64_t{1} << 30U},
    Unit{"TiB", std::uint64_t{1} << 40U}
};

// More than any of both: a duration of 31 years, a size of 1 PiB.
constexpr std::uint64_t kMost = std::uint64_t{1} << 50U;

template <std::size_t N>
std::optional<std::uint64_t> amount(std::string_view text, const std::array<Unit, N>& units)
{
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc()) return std::nullopt;
    const std::string_view unit(read.ptr, static_cast<std::size_t>(end - read.ptr));
    for (const Unit& known : units)
        if (known.name == unit && number <= kMost / known.factor) return number * known.factor;
    return std::nullopt;
}

// In the largest unit that divides it.
template <std::size_t N>
std::string in_units(std::uint64_t value, const std::array<Unit, N>& units)
{
    const Unit* best = nullptr;
    for (const Unit& unit : units)
        if (best == nullptr || value % unit.factor == 0) best = &unit;
    return std::to_string(value / best->factor) + std::string(best->name);
}

bool is_host(std::string_view host)
{
    constexpr std::string_view kAllowed =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:%_";
    return !host.empty() && host.find_first_not_of(kAllowed) == std::string_view::npos;
}

} // namespace

Result<std::chrono::milliseconds> duration_from(std::string_view text)
{
    if (const auto found = amount(text, kDurations))
        return std::chrono::milliseconds(static_cast<std::int64_t>(*found));
    return invalid("a duration is a whole number with its unit: 500ms, 30s, 10m, 24h, 30d",
                   "bad_duration");
}

std::string duration_text(std::chrono::milliseconds duration)
{
    if (duration.count() == 0) return "0s";
    const auto value = static_cast<std::uint64_t>(duration.count());
    if (value == 86'400'000) return "24h"; // as people say it
    return in_units(value, kDurations);
}

Result<std::uint64_t> bytes_from(std::string_view text)
{
    if (const auto found = amount(text, kSizes)) return *found;
    return invalid("a size is a whole number with its unit: 512B, 64KiB, 32MiB, 16GiB, 2TiB",
                   "bad_size");
}

std::string bytes_text(std::uint64_t bytes) { return bytes == 0 ? "0B" : in_units(bytes, kSizes); }

bool ListenAddress::is_loopback() const
{
    return host == "localhost" || host == "::1" || host.rfind("127.", 0) == 0;
}

Result<ListenAddress> listen_address_from(std::string_view text)
{
    const auto wrong =
        invalid("an address is HOST:PORT, as 127.0.0.1:8055 or [::1]:8055", "bad_address");
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong;
    ListenAddress address;
    const std::string_view port = text.substr(colon + 1);
    const auto read = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (port.empty() || read.ec != std::errc() || read.ptr != port.data() + port.size())
        return wrong;
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (!is_host(host) || bracketed != (host.find(':') != std::string_view::npos)) return wrong;
    address.host = host;
    return address;
}

} // namespace reelgate
