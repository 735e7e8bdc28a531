#include "host/plugin/floodgate.hpp"

#include <gtest/gtest.h>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using Kind = Floodgate::Kind;

const SteadyTime kStart{std::chrono::hours(1)};

unsigned taken_of(Allowance& allowance, unsigned wanted, SteadyTime now)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < wanted; ++i)
        taken += allowance.take(now) ? 1U : 0U;
    return taken;
}

TEST(Allowance, IsSoManyAtOnceAndThenARate)
{
    Allowance allowance(10, 5);
    EXPECT_EQ(taken_of(allowance, 100, kStart), 10U);
    EXPECT_EQ(taken_of(allowance, 100, kStart + 199ms), 0U);
    EXPECT_EQ(taken_of(allowance, 100, kStart + 200ms), 1U);
    EXPECT_EQ(taken_of(allowance, 100, kStart + 1200ms), 5U);
    EXPECT_EQ(taken_of(allowance, 100, kStart + 1h), 10U) << "what is not taken is not saved up";
}

TEST(Floodgate, CountsWhatItLosesAndTellsOnceASecond)
{
    Floodgate gate;
    unsigned by = 0;
    for (unsigned i = 0; i < 1000; ++i)
        by += gate.let_by(Kind::log_line, kStart) ? 1U : 0U;
    EXPECT_EQ(by, kLogLinesPerSecond);
    EXPECT_FALSE(gate.losses(kStart + 999ms));
    EXPECT_EQ(gate.losses(kStart + 1s), "800 log lines were dropped");
    EXPECT_FALSE(gate.losses(kStart + 1h)) << "it has been told";
}

TEST(Floodgate, KeepsTheKindsApartAndTellsTheRestAtTheEnd)
{
    Floodgate gate;
    for (unsigned i = 0; i < kLogLinesPerSecond + 2; ++i)
        gate.let_by(Kind::log_line, kStart);
    EXPECT_TRUE(gate.let_by(Kind::complaint, kStart));
    for (unsigned i = 0; i < 4 * kComplaintsPerSecond + 2; ++i)
        gate.let_by(Kind::complaint, kStart);
    EXPECT_EQ(gate.losses(kStart, true), "2 log lines were dropped, 3 complaints were dropped");
    EXPECT_FALSE(gate.losses(kStart, true));
}

} // namespace
} // namespace reelgate
