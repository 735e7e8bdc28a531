#include "host/engine/stage_clock.hpp"

#include <gtest/gtest.h>

namespace reelgate {
namespace {

using namespace std::chrono_literals;

std::vector<StageTime> expected(std::initializer_list<StageTime> times) { return times; }

TEST(StageClock, SumsWhatBelongsTogetherInTheOrderOfBeginning)
{
    const SteadyTime start{};
    StageClock clock;
    clock.entered("load", start);
    clock.entered("denoise", start + 2s);
    clock.entered("denoise", start + 3s);
    clock.entered("load", start + 4s);
    clock.entered("", start + 5s); // a note without a name
    clock.stopped(start + 9s);
    EXPECT_EQ(clock.times(),
              expected({
                  {"load",    3},
                  {"denoise", 2}
    }));
}

TEST(StageClock, GoesOnAfterAStop)
{
    const SteadyTime start{};
    StageClock clock;
    clock.stopped(start);
    clock.entered("remote", start);
    clock.stopped(start + 1s);
    clock.entered("remote", start + 5s);
    clock.stopped(start + 6s);
    EXPECT_EQ(clock.times(),
              expected({
                  {"remote", 2}
    }));
}

TEST(StageClock, KeepsNoMoreThanALimitedNumberOfNames)
{
    StageClock clock;
    for (int i = 0; i < 100; ++i)
        clock.entered(std::to_string(i) + std::string(1000, 'x'), SteadyTime{} + i * 1s);
    clock.stopped(SteadyTime{} + 100s);
    EXPECT_EQ(clock.times().size(), 32U);
    EXPECT_EQ(clock.times().front().name.size(), 64U);
}

} // namespace
} // namespace reelgate
