// Money of one purse: what is spent, what is reserved, what may still be promised. Amounts only.
#pragma once

#include "host/base/result.hpp"
#include "host/model/money.hpp"

#include <optional>

namespace reelgate {

struct Purse {
    std::optional<Money> cap = {}; // nothing: no limit
    Money spent = {};
    Money reserved = {};

    std::optional<Money> left() const;
};

// budget_exceeded (with cap, spent and reserved in the text) where `amount` does not fit.
Result<Purse> reserve(Purse purse, Money amount);
Purse settle(Purse purse,
             Money reserved,
             Money charged); // what was reserved becomes what was charged
Purse release(Purse purse, Money reserved);

} // namespace reelgate
