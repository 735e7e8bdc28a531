#include "host/plugin/json_number.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

namespace reelgate {
namespace {

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

// An integer of either sign against a double, without rounding the integer.
template <class Integer>
std::partial_ordering compare(Integer whole, double real, double lowest, double beyond)
{
    if (std::isnan(real)) return std::partial_ordering::unordered;
    if (real >= beyond) return std::partial_ordering::less;
    if (real < lowest) return std::partial_ordering::greater;
    const double floor = std::floor(real);
    const auto real_whole = static_cast<Integer>(floor);
    if (whole != real_whole) return whole <=> real_whole;
    return floor < real ? std::partial_ordering::less : std::partial_ordering::equivalent;
}

// Unsigned before signed: nlohmann says "integer" of both.
std::partial_ordering compare_with_real(const Json& whole, double real)
{
    if (whole.is_number_unsigned()) return compare(whole.get<std::uint64_t>(), real, 0, kTwo64);
    return compare(whole.get<std::int64_t>(), real, -kTwo63, kTwo63);
}

std::partial_ordering reversed(std::partial_ordering order)
{
    if (std::is_lt(order)) return std::partial_ordering::greater;
    return std::is_gt(order) ? std::partial_ordering::less : order;
}

std::partial_ordering compare_whole(const Json& a, const Json& b)
{
    if (a.is_number_unsigned() && b.is_number_unsigned())
        return a.get<std::uint64_t>() <=> b.get<std::uint64_t>();
    // An unsigned that does not fit a signed is larger than every signed.
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (a.is_number_unsigned() && a.get<std::uint64_t>() > kMost)
        return std::partial_ordering::greater;
    if (b.is_number_unsigned() && b.get<std::uint64_t>() > kMost)
        return std::partial_ordering::less;
    return a.get<std::int64_t>() <=> b.get<std::int64_t>();
}

// digits * 10^exponent; the sign does not matter for multiples.
struct Decimal {
    std::uint64_t digits = 0;
    int exponent = 0;
};

Decimal decimal_of(double value)
{
    std::array<char, 40> room{}; // shortest form, so at most 17 digits: "1.2345678901234567e-308"
    const char* const end =
        std::to_chars(
            room.data(), room.data() + room.size(), std::abs(value), std::chars_format::scientific)
            .ptr;
    const std::string_view text(room.data(), static_cast<std::size_t>(end - room.data()));
    const std::size_t e = text.find('e');
    Decimal out;
    for (std::size_t i = 0; i < e; ++i) {
        if (text[i] == '.') continue;
        out.digits = out.digits * 10 + static_cast<std::uint64_t>(text[i] - '0');
        if (i > 0) --out.exponent; // after the point
    }
    int shift = 0;
    const std::size_t sign = text[e + 1] == '+' ? e + 2 : e + 1; // from_chars takes no plus
    std::from_chars(text.data() + sign, end, shift);
    out.exponent += shift;
    return out;
}

Decimal decimal_of(const Json& value)
{
    if (value.is_number_float()) return decimal_of(value.get<double>());
    if (value.is_number_unsigned()) return {value.get<std::uint64_t>(), 0};
    const auto number = value.get<std::int64_t>();
    const auto bits = static_cast<std::uint64_t>(number);
    return {number < 0 ? 0 - bits : bits, 0};
}

std::uint64_t times_ten(std::uint64_t value, std::uint64_t modulus)
{
    std::uint64_t out = 0;
    for (int i = 0; i < 10; ++i)
        out = out >= modulus - value ? out - (modulus - value) : out + value;
    return out;
}

} // namespace

bool is_whole(const Json& value)
{
    if (!value.is_number_float()) return value.is_number_integer();
    const auto real = value.get<double>();
    return std::isfinite(real) && std::floor(real) == real;
}

std::optional<std::int64_t> whole_number(const Json& value)
{
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!is_whole(value)) return std::nullopt;
    if (value.is_number_float()) {
        const auto real = value.get<double>();
        if (real < -kTwo63 || real >= kTwo63) return std::nullopt;
        return static_cast<std::int64_t>(real);
    }
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > kMost) return std::nullopt;
    return value.get<std::int64_t>();
}

std::partial_ordering compare_numbers(const Json& a, const Json& b)
{
    if (a.is_number_float() && b.is_number_float()) return a.get<double>() <=> b.get<double>();
    if (b.is_number_float()) return compare_with_real(a, b.get<double>());
    if (a.is_number_float()) return reversed(compare_with_real(b, a.get<double>()));
    return compare_whole(a, b);
}

bool is_multiple(const Json& value, const Json& unit)
{
    for (const Json* const number : {&value, &unit})
        if (number->is_number_float() && !std::isfinite(number->get<double>())) return false;
    Decimal v = decimal_of(value);
    const Decimal u = decimal_of(unit);
    if (v.digits == 0) return true;
    if (u.digits == 0) return false;
    for (; v.exponent < u.exponent; ++v.exponent) { // v / 10^k must be whole first
        if (v.digits % 10 != 0) return false;
        v.digits /= 10;
    }
    std::uint64_t rest = v.digits % u.digits;
    for (; v.exponent > u.exponent && rest != 0; --v.exponent)
        rest = times_ten(rest, u.digits);
    return rest == 0;
}

} // namespace reelgate
