#include "host/router/health.hpp"

#include "host/router/route_world.hpp"

#include <algorithm>
#include <gmock/gmock.h>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using namespace testing_world;

// A provider that is watched, with a clock that is moved by hand. What happens to it is a letter:
//   g ready   B busy   d degraded   z ready, and its oldest work has stood still for too long
//   s starting   m misconfigured   u unhealthy   . no answer
//   + an attempt on it advances   x its worker dies
struct Watched {
    HealthFold health;
    WallTime now = kNow;
    HealthLimits limits = {};

    void see(char what)
    {
        if (what == '+') {
            health = after_progress(std::move(health), now);
            return;
        }
        if (what == 'x') {
            health = after_worker_death(std::move(health), "it died", now);
            return;
        }
        health = after_probe(std::move(health), probe_of(what), now, limits);
        now = next_probe(health, now, 0.5, limits); // in the middle: neither early nor late
    }

    // The state after each letter, as a letter: ? unknown, s, R, B, D, U, M.
    std::string trail(std::string_view script)
    {
        std::string out;
        for (const char what : script) {
            see(what);
            out += "?sRBDUM"[static_cast<std::size_t>(health.state)];
        }
        return out;
    }

    ProbeSeen probe_of(char what) const
    {
        ProbeSeen seen{.answered = what != '.', .said = Health::ready};
        if (what == '.') seen.reason = "no answer";
        if (what == 'B') seen.said = Health::busy;
        if (what == 'd') seen.said = Health::degraded;
        if (what == 's') seen.said = Health::starting;
        if (what == 'm') seen.said = Health::misconfigured;
        if (what == 'u') seen.said = Health::unhealthy;
        if (what == 'z') seen.idle = limits.stall;
        return seen;
    }
};

struct TrailRow {
    const char* name;
    const char* script;
    const char* states;
};

class HealthTrail : public testing::TestWithParam<TrailRow> {};

TEST_P(HealthTrail, IsAsDrawn)
{
    Watched watched;
    EXPECT_EQ(watched.trail(GetParam().script), GetParam().states);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachRule, HealthTrail, testing::Values(
    TrailRow{"FirstGoodIsBelieved",     "g",                    "R"},
    TrailRow{"SaysBusy",                "gBg",                  "RBR"},
    TrailRow{"SaysDegraded",            "gdg",                  "RDR"},
    TrailRow{"StandsStill",             "gzg",                  "RDR"},
    TrailRow{"TwoMissesAreForgiven",    "g..g..g..g",           "RRRRRRRRRR"},
    TrailRow{"ThreeAreAFall",           "g...",                 "RRRU"},
    TrailRow{"SayingSoCountsLikeAMiss", "gu.u",                 "RRRU"},
    TrailRow{"RisesAfterTheDwell",      "g...ggggggggggg",      "RRRUUUUUUUUUUUR"},
    TrailRow{"DwellBeginsAnew",         "g...ggggg.ggggggggggg", "RRRUUUUUUUUUUUUUUUUUR"},
    TrailRow{"NeverUpDoesNotFall",      "...gg",                "??UUR"},
    TrailRow{"Starts",                  "ssg",                  "ssR"},
    TrailRow{"StartsAndFails",          "ss...gg",              "ssssUUR"},
    TrailRow{"StartsAnewFromReady",     "gsg",                  "RsR"},
    TrailRow{"StartingDoesNotRaise",    "g...sg",               "RRRUUU"},
    TrailRow{"MisconfiguredAtOnce",     "gm",                   "RM"},
    TrailRow{"RepairedAtOnce",          "mg",                   "MR"},
    TrailRow{"RepairedAfterAFall",      "g...mg",               "RRRUMR"},
    TrailRow{"MisconfiguredDoesNotFall", "m...gg",              "MMMUUR"},
    TrailRow{"WorkExcusesMisses",       "g+..+..+..+",          "RRBBBBBBBBB"},
    TrailRow{"WorkExcusesTheNextMisses", "g..+g...",            "RRRRRBBB"},
    TrailRow{"WorkThatStopsExcusesNot", "g+.......",            "RRBBBBBBU"},
    TrailRow{"WorkDoesNotRaise",        "g...+.g",              "RRRUUUU"},
    TrailRow{"WorkerDies",              "gx",                   "RU"},
    TrailRow{"NextWorkerIsBelieved",    "gxg",                  "RUR"},
    TrailRow{"NextWorkerStarts",        "gxssg",                "RUssR"},
    TrailRow{"NextWorkerIsBad",         "gx.gg",                "RUUUR"},
    TrailRow{"DeadWorkersWorkIsNoExcuse", "g+x...",             "RRUUUU"},
    TrailRow{"DeathDoesNotEndADwell",   "g...gxg",              "RRRUUUR"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(Health, SaysSinceWhenAndWhy)
{
    Watched w;
    w.trail("g");
    EXPECT_EQ(w.health.since, kNow);
    w.trail("g.");
    EXPECT_EQ(w.health.since, kNow) << "a state that stays is as old as it was";
    w.see('.');
    const WallTime last = w.now;
    w.see('.');
    ASSERT_EQ(w.health.state, Health::unhealthy);
    EXPECT_EQ(w.health.since, last);
    EXPECT_EQ(w.health.reason, "no answer");
    EXPECT_EQ(w.health.bad_in_a_row, 3U);
}

TEST(Health, DwellsTwiceAsLongAfterEachFallInTenMinutes)
{
    HealthFold health;
    HealthLimits limits;
    limits.fall = 1;
    limits.dwell_most = 60s;
    WallTime now = kNow;
    for (const auto dwell : {10s, 20s, 40s, 60s, 60s}) {
        health.state = Health::ready;
        health = after_probe(std::move(health), {.answered = false}, now += 1min, limits);
        EXPECT_EQ(health.dwell, dwell);
    }
    health.state = Health::ready;
    health = after_probe(std::move(health), {.answered = false}, now + 10min, limits);
    EXPECT_EQ(health.dwell, 10s) << "what is ten minutes back is forgotten";
    EXPECT_EQ(health.falls.size(), 1U) << "and not kept";
}

TEST(Health, IsAskedMoreOftenWhileAProbeDisagrees)
{
    Watched w;
    const HealthLimits limits;
    w.see('g');
    EXPECT_EQ(next_probe(w.health, kNow, 0.5, limits), kNow + 5s);
    w.see('.');
    EXPECT_EQ(next_probe(w.health, kNow, 0.5, limits), kNow + 1s);
    w.trail("..");
    EXPECT_EQ(next_probe(w.health, kNow, 0.5, limits), kNow + 5s) << "they agree again";
    w.see('g');
    EXPECT_EQ(next_probe(w.health, kNow, 0.5, limits), kNow + 1s);
}

TEST(Health, SpreadsItsProbesByATenth)
{
    Watched w;
    w.see('g');
    EXPECT_EQ(next_probe(w.health, kNow, 0.0, w.limits), kNow + 4500ms);
    EXPECT_LE(next_probe(w.health, kNow, 0.999999, w.limits), kNow + 5500ms);
    EXPECT_GT(next_probe(w.health, kNow, 0.999999, w.limits), kNow + 5499ms);
}

// A busy machine answers late: as long as its work advances nobody calls it dead.
TEST(Health, StaysBusyThroughTenMinutesOfMissedProbes)
{
    Watched w;
    w.see('g');
    while (w.now < kNow + 10min) {
        w.see('+');
        w.see('.');
        ASSERT_EQ(w.health.state, Health::busy);
    }
    EXPECT_TRUE(w.health.falls.empty());
}

TEST(Health, IsDegradedAsSoonAsWorkHasStoodStillForTheWholeWindow)
{
    Watched w;
    ProbeSeen seen{.answered = true, .said = Health::busy};
    seen.idle = 599s;
    w.health = after_probe(std::move(w.health), seen, w.now, w.limits);
    EXPECT_EQ(w.health.state, Health::busy);
    seen.idle = 600s;
    w.health = after_probe(std::move(w.health), seen, w.now, w.limits);
    EXPECT_EQ(w.health.state, Health::degraded);
    EXPECT_EQ(w.health.reason, "stalled: its oldest work has not advanced for 600 s");
}

// How often a provider that is up for some seconds and down for some changes its state in an hour:
// the worst of forty moments at which the watching begins, half a second apart.
unsigned changes_in_an_hour(int up, int down, const HealthLimits& limits)
{
    unsigned worst = 0;
    for (int begins = 0; begins < 40; ++begins) {
        Watched w{.health = {}, .now = kNow, .limits = limits};
        w.health.state = Health::ready;
        unsigned changes = 0;
        while (w.now < kNow + 1h) {
            const auto at = (w.now - kNow) + begins * 500ms;
            const Health before = w.health.state;
            w.see(at % std::chrono::seconds(up + down) < std::chrono::seconds(up) ? 'g' : '.');
            if (w.health.state != before) ++changes;
        }
        worst = std::max(worst, changes);
    }
    return worst;
}

struct FlapRow {
    const char* name;
    std::chrono::seconds hurried;
    std::chrono::seconds dwell;
    std::chrono::seconds dwell_most;
    std::array<unsigned, 8> changes;
};

class HealthFlap : public testing::TestWithParam<FlapRow> {};

TEST_P(HealthFlap, ChangesSoOftenAtMost)
{
    constexpr std::array<std::pair<int, int>, 8> kUpDown{
        {{2, 2}, {4, 4}, {8, 8}, {15, 15}, {30, 30}, {60, 60}, {120, 30}, {240, 20}}
    };
    HealthLimits limits;
    limits.hurried = GetParam().hurried;
    limits.dwell = GetParam().dwell;
    limits.dwell_most = GetParam().dwell_most;
    std::array<unsigned, 8> changes{};
    for (std::size_t i = 0; i < kUpDown.size(); ++i)
        changes[i] = changes_in_an_hour(kUpDown[i].first, kUpDown[i].second, limits);
    EXPECT_EQ(changes, GetParam().changes);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachRule, HealthFlap, testing::Values(
    //                                                        2/2 4/4  8/8  15/15 30/30 60/60 120/30 240/20
    FlapRow{"CountsAlone",    5s, 0s,  0s,   std::array{0U, 0U,   0U,   240U, 120U, 60U, 48U, 26U}},
    FlapRow{"Hurried",        1s, 0s,  0s,   std::array{0U, 300U, 451U, 240U, 120U, 60U, 48U, 26U}},
    FlapRow{"Dwell",          1s, 10s, 10s,  std::array{0U, 1U,   1U,   240U, 120U, 60U, 48U, 26U}},
    FlapRow{"DwellDoubles",   1s, 10s, 300s, std::array{0U, 1U,   1U,   3U,   5U,   7U,  11U, 26U}}),
    [](const auto& row) { return row.param.name; });
// clang-format on

} // namespace
} // namespace reelgate
