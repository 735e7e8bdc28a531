#include "host/router/pace.hpp"

#include <gtest/gtest.h>

namespace reelgate {
namespace {

using namespace std::chrono_literals;

// A film of two seconds that took so long.
Attempt film(std::chrono::milliseconds took)
{
    Attempt attempt;
    attempt.request.frames = 48;
    attempt.request.fps = 24;
    attempt.started = WallTime{} + 1h;
    attempt.ended = attempt.started + took;
    return attempt;
}

TEST(Pace, IsUnknownBeforeTheFirstFilm) { EXPECT_EQ(usual_pace({}), std::nullopt); }

TEST(Pace, IsTheMedianOfWorkForASecondOfFilm)
{
    PaceFold fold;
    for (const auto took : {10'000ms, 4'000ms, 900'000ms}) // the first loaded, the last was stuck
        fold = after_film(std::move(fold), film(took));
    EXPECT_DOUBLE_EQ(usual_pace(fold).value_or(0), 5);
}

TEST(Pace, ForgetsWhatWasLongAgo)
{
    PaceFold fold;
    for (int i = 0; i < 100; ++i)
        fold = after_film(std::move(fold), film(60s));
    for (int i = 0; i < 20; ++i)
        fold = after_film(std::move(fold), film(2s));
    EXPECT_EQ(fold.latest.size(), 32U);
    EXPECT_DOUBLE_EQ(usual_pace(fold).value_or(0), 1);
}

TEST(Pace, IsNotChangedByWhatSaysNothing)
{
    Attempt unended = film(1s);
    unended.ended.reset();
    Attempt empty = film(1s);
    empty.request.frames = 0;
    Attempt rateless = film(1s);
    rateless.request.fps = 0;
    PaceFold fold;
    for (const Attempt& attempt : {unended, empty, rateless, film(0s), film(-5s)})
        fold = after_film(std::move(fold), attempt);
    EXPECT_TRUE(fold.latest.empty());
}

} // namespace
} // namespace reelgate
