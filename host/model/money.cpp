#include "host/model/money.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace reelgate {
namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::size_t kPlaces = 6;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

bool are_digits(std::string_view text)
{
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Error bad_money(std::string_view said)
{
    return invalid("an amount of money must be decimal digits with at most six behind the point, "
                   "such as \"0.60\"; it is \"" +
                       std::string(said.substr(0, 64)) + "\"",
                   "bad_money");
}

} // namespace

Result<Money> money_from(std::string_view decimal)
{
    const std::size_t point = decimal.find('.');
    const std::string_view whole = decimal.substr(0, point);
    const bool has_point = point != std::string_view::npos;
    const std::string_view part = has_point ? decimal.substr(point + 1) : std::string_view{};
    const bool sound =
        are_digits(whole) && (!has_point || (are_digits(part) && part.size() <= kPlaces));
    if (!sound) return bad_money(decimal);

    std::string digits(whole);
    digits.append(part).append(kPlaces - part.size(), '0');
    Money amount;
    for (const char c : digits) {
        const std::int64_t digit = c - '0';
        if (amount.micros > (kMost - digit) / 10) return bad_money(decimal);
        amount.micros = amount.micros * 10 + digit;
    }
    return amount;
}

std::string to_string(Money amount)
{
    // In unsigned numbers, because the least amount has no positive counterpart.
    const bool is_debt = amount.micros < 0;
    const auto raw = static_cast<std::uint64_t>(amount.micros);
    const std::uint64_t size = is_debt ? 0 - raw : raw;
    std::string part = std::to_string(size % kMicros);
    part.insert(0, kPlaces - part.size(), '0');
    while (part.size() > 2 && part.back() == '0')
        part.pop_back();
    return (is_debt ? "-" : "") + std::to_string(size / kMicros) + '.' + part;
}

Money cost_of(Money per_second, double seconds)
{
    const double cost = std::ceil(static_cast<double>(per_second.micros) * seconds - 1e-6);
    // The comparison also catches what is not a number: what nobody can reckon is never cheap.
    if (!(cost < static_cast<double>(kMost))) return {kMost};
    return {std::max(static_cast<std::int64_t>(cost), std::int64_t{0})};
}

} // namespace reelgate
