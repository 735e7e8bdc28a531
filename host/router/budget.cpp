#include "host/router/budget.hpp"

namespace reelgate {

std::optional<Money> Purse::left() const
{
    if (!cap) return std::nullopt;
    const Money rest = *cap - spent - reserved;
    return rest < Money{} ? Money{} : rest;
}

Result<Purse> reserve(Purse purse, Money amount)
{
    if (amount < Money{}) return internal_error("an amount to reserve is below zero");
    const std::optional<Money> left = purse.left();
    // What costs nothing fits in a purse that is overdrawn.
    if (left && amount > *left)
        return Error{.category = Category::budget_exceeded,
                     .text = to_string(amount) + " USD do not fit: of " + to_string(*purse.cap) +
                             " USD, " + to_string(purse.spent) + " are spent and " +
                             to_string(purse.reserved) + " reserved",
                     .hint = "raise the cap, wait for what is reserved, or ask for a cheaper "
                             "provider",
                     .phase = Phase::admit,
                     .billing = Billing::not_billed};
    purse.reserved += amount;
    return purse;
}

Purse settle(Purse purse, Money reserved, Money charged)
{
    purse = release(purse, reserved);
    purse.spent += charged;
    return purse;
}

Purse release(Purse purse, Money reserved)
{
    // Given back twice it would make room that is not there.
    purse.reserved = purse.reserved < reserved ? Money{} : purse.reserved - reserved;
    return purse;
}

} // namespace reelgate
