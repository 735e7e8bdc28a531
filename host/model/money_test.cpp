#include "host/model/money.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace reelgate {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

struct ReadRow {
    const char* text;
    std::optional<std::int64_t> micros;
};

class MoneyReads : public testing::TestWithParam<ReadRow> {};

TEST_P(MoneyReads, DecimalDigitsAndNothingElse)
{
    const auto amount = money_from(GetParam().text);
    ASSERT_EQ(amount.has_value(), GetParam().micros.has_value()) << GetParam().text;
    if (amount) {
        EXPECT_EQ(amount->micros, *GetParam().micros);
    } else {
        EXPECT_EQ(amount.error().category, Category::invalid_params);
        EXPECT_EQ(amount.error().code, "bad_money");
    }
}

INSTANTIATE_TEST_SUITE_P(Texts,
                         MoneyReads,
                         testing::Values(ReadRow{"0", 0},
                                         ReadRow{"0.6", 600'000},
                                         ReadRow{"12", 12'000'000},
                                         ReadRow{"0.000001", 1},
                                         ReadRow{"00.10", 100'000},
                                         ReadRow{"9223372036854.775807", kMost},
                                         ReadRow{"9223372036854.775808", {}},
                                         ReadRow{"99999999999999999999999", {}},
                                         ReadRow{"", {}},
                                         ReadRow{".", {}},
                                         ReadRow{".5", {}},
                                         ReadRow{"5.", {}},
                                         ReadRow{"-1", {}},
                                         ReadRow{"+1", {}},
                                         ReadRow{" 1", {}},
                                         ReadRow{"1 ", {}},
                                         ReadRow{"1e3", {}},
                                         ReadRow{"1,50", {}},
                                         ReadRow{"0x10", {}},
                                         ReadRow{"1.2.3", {}},
                                         ReadRow{"0.0000001", {}}));

TEST(Money, IsWrittenWithTwoDigitsAndMoreWhereNeeded)
{
    EXPECT_EQ(to_string(Money{600'000}), "0.60");
    EXPECT_EQ(to_string(Money{0}), "0.00");
    EXPECT_EQ(to_string(Money{12'000'000}), "12.00");
    EXPECT_EQ(to_string(Money{125'000}), "0.125");
    EXPECT_EQ(to_string(Money{1}), "0.000001");
    EXPECT_EQ(to_string(Money{-1'500'000}), "-1.50");
    EXPECT_EQ(to_string(Money{kMost}), "9223372036854.775807");
    EXPECT_EQ(to_string(Money{kLeast}), "-9223372036854.775808");
}

TEST(Money, ComesBackAsWhatItWas)
{
    for (const std::int64_t micros : {0L, 1L, 999'999L, 1'000'000L, 123'456'789L, kMost}) {
        const auto again = money_from(to_string(Money{micros}));
        ASSERT_TRUE(again);
        EXPECT_EQ(again->micros, micros);
    }
}

struct CostRow {
    std::int64_t per_second;
    double seconds;
    std::int64_t cost;
};

TEST(Money, CostsAreRoundedUpAndNeverOverflow)
{
    const double not_a_number = std::nan("");
    const double endless = std::numeric_limits<double>::infinity();
    const std::vector<CostRow> rows{
        {100'000, 5,            500'000},
        {100'000, 5.0416666,    504'167},
        {1,       0.1,          1      },
        {0,       100,          0      },
        {100'000, 0,            0      },
        {100'000, -5,           0      },
        {50'000,  0.1 * 3,      15'000 }, // 0.1 * 3 is a little more than 0.3
        {kMost,   2,            kMost  },
        {1,       endless,      kMost  },
        {1,       not_a_number, kMost  }
    };
    for (const CostRow& row : rows)
        EXPECT_EQ(cost_of(Money{row.per_second}, row.seconds).micros, row.cost)
            << row.per_second << " * " << row.seconds;
}

} // namespace
} // namespace reelgate
