#include "host/router/budget.hpp"

#include "host/router/chance.hpp"

#include <gmock/gmock.h>
#include <vector>

namespace reelgate {
namespace {

using testing::HasSubstr;

constexpr Money usd(double amount) { return {static_cast<std::int64_t>(amount * 1'000'000)}; }

struct ReserveRow {
    const char* name;
    Purse purse;
    Money amount;
    bool fits;
};

class BudgetReserve : public testing::TestWithParam<ReserveRow> {};

TEST_P(BudgetReserve, FitsOrIsRefused)
{
    const ReserveRow& row = GetParam();
    const auto after = reserve(row.purse, row.amount);
    ASSERT_EQ(after.has_value(), row.fits);
    if (!row.fits) {
        EXPECT_EQ(after.error().category, Category::budget_exceeded);
        EXPECT_EQ(after.error().billing, Billing::not_billed);
        for (const Money part : {*row.purse.cap, row.purse.spent, row.purse.reserved, row.amount})
            EXPECT_THAT(after.error().text, HasSubstr(to_string(part)));
        return;
    }
    EXPECT_EQ(after->reserved, row.purse.reserved + row.amount);
    EXPECT_EQ(after->spent, row.purse.spent);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachEdge, BudgetReserve, testing::Values(
    ReserveRow{"NoCap",          {},                                          usd(1e6),  true},
    ReserveRow{"ToTheLast",      {usd(1), usd(0.25), usd(0.25)},              usd(0.5),  true},
    ReserveRow{"OneTooMuch",     {usd(1), usd(0.25), usd(0.25)},              {500'001}, false},
    ReserveRow{"ReservedCounts", {usd(1), {}, usd(0.6)},                      usd(0.6),  false},
    ReserveRow{"SpentCounts",    {usd(1), usd(0.6), {}},                      usd(0.6),  false},
    ReserveRow{"FreeOfAnEmpty",  {usd(1), usd(1), {}},                        {},        true},
    ReserveRow{"FreeOfAnOverdrawn", {usd(1), usd(2), {}},                     {},        true},
    ReserveRow{"OfAnOverdrawn",  {usd(1), usd(2), {}},                        {1},       false}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(Budget, RefusesAnAmountBelowZero)
{
    const auto after = reserve({}, Money{-1});
    ASSERT_FALSE(after);
    EXPECT_EQ(after.error().category, Category::internal);
}

TEST(Budget, SettlesWhatWasChargedAndGivesTheRestBack)
{
    Purse purse{.cap = usd(1)};
    purse = *reserve(purse, usd(0.6));
    EXPECT_EQ(purse.left(), usd(0.4));
    purse = settle(purse, usd(0.6), usd(0.5));
    EXPECT_EQ(purse.left(), usd(0.5));
    EXPECT_EQ(purse.reserved, Money{});
    EXPECT_EQ(purse.spent, usd(0.5));
}

TEST(Budget, OwnsUpToAChargeAboveTheCap)
{
    Purse purse{.cap = usd(1)};
    purse = settle(*reserve(purse, usd(0.9)), usd(0.9), usd(1.2));
    EXPECT_EQ(purse.spent, usd(1.2));
    EXPECT_EQ(purse.left(), Money{}) << "never less than nothing";
}

TEST(Budget, MakesNoRoomWhenSomethingIsGivenBackTwice)
{
    Purse purse{.cap = usd(1)};
    purse = *reserve(purse, usd(0.6));
    purse = release(release(purse, usd(0.6)), usd(0.6));
    EXPECT_EQ(purse.left(), usd(1));
}

// Fifty jobs of one key, reserved and settled in any order.
TEST(Budget, IsNeverOvershotByManyJobsAtOnce)
{
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Purse purse{.cap = usd(5)};
        std::vector<Money> running;
        unsigned refused = 0;
        for (std::uint64_t turn = 0; turn < 150; ++turn) {
            const double chance = chance_of(seed, turn);
            if (chance < 0.6 || running.empty()) {
                const Money price{static_cast<std::int64_t>(chance * 1'000'000)};
                const auto after = reserve(purse, price);
                if (!after) {
                    ++refused;
                    continue;
                }
                purse = *after;
                running.push_back(price);
            } else {
                const Money price = running.back();
                running.pop_back();
                purse = chance < 0.8 ? settle(purse, price, price) : release(purse, price);
            }
            ASSERT_LE(purse.spent + purse.reserved, *purse.cap);
            ASSERT_GE(purse.reserved, Money{});
        }
        EXPECT_GT(refused, 0U) << "the cap must have been reached";
    }
}

} // namespace
} // namespace reelgate
