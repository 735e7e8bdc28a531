// Amounts of money: whole millionths of a US dollar, never a floating-point number.
#pragma once

#include "host/base/result.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace reelgate {

struct Money {
    std::int64_t micros = 0;

    friend bool operator==(Money, Money) = default;
    friend auto operator<=>(Money, Money) = default;
    friend Money operator+(Money a, Money b) { return {a.micros + b.micros}; }
    friend Money operator-(Money a, Money b) { return {a.micros - b.micros}; }
    Money& operator+=(Money other) { return *this = *this + other; }
    Money& operator-=(Money other) { return *this = *this - other; }
};

// "0.6", "12", "0.000001": decimal digits, at most six behind the point, no sign. Anything else,
// and what does not fit, is refused (invalid_params, code `bad_money`).
Result<Money> money_from(std::string_view decimal);

std::string to_string(Money amount); // "0.60": two digits behind the point, more where needed

// What `seconds` of video cost at `per_second`, rounded up: an estimate may be too high, never too
// low.
Money cost_of(Money per_second, double seconds);

} // namespace reelgate
