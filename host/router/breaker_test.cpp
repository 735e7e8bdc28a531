#include "host/router/breaker.hpp"

#include "host/router/route_world.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using namespace testing_world;
using enum Category;

constexpr double kMiddle = 0.5; // neither early nor late

// A breaker with a clock that is moved by hand.
struct Rig {
    BreakerFold breaker;
    WallTime now = kNow;
    BreakerLimits limits = {};

    Rig& fails(const Error& error, double chance = kMiddle)
    {
        breaker = after_failure(breaker, error, now, chance, limits);
        return *this;
    }
    Rig& works()
    {
        breaker = after_success(breaker, now);
        return *this;
    }
    Rig& passes(WallTime::duration time, bool probe_passes = true)
    {
        now += time;
        breaker = as_time_passes(breaker, probe_passes, now);
        return *this;
    }
    // Seconds that it will still rest.
    double rest() const
    {
        if (!breaker.until) return 0;
        return std::chrono::duration<double>(*breaker.until - now).count();
    }
};

const Error kRun = failure(provider_error, Phase::run);
const Error kConnect = failure(network_error, Phase::connect);
const Error kCrash = failure(plugin_crashed, Phase::run);

struct OpensRow {
    const char* name;
    Category category;
    Phase phase;
    unsigned after; // how many in a row open it; 0: none does
    double rest;    // seconds, then
};

class BreakerOpens : public testing::TestWithParam<OpensRow> {};

TEST_P(BreakerOpens, AfterSoMany)
{
    const OpensRow& row = GetParam();
    Rig rig;
    const unsigned most = row.after == 0 ? 10 : row.after;
    for (unsigned i = 1; i <= most; ++i) {
        rig.fails(failure(row.category, row.phase));
        const bool open = row.after != 0 && i >= row.after;
        ASSERT_EQ(rig.breaker.state, open ? Breaker::open : Breaker::closed) << i;
    }
    EXPECT_DOUBLE_EQ(rig.rest(), row.rest);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachUnit, BreakerOpens, testing::Values(
    OpensRow{"Run",          provider_error,      Phase::run,     2, 30},
    OpensRow{"Output",       output_invalid,      Phase::verify,  2, 30},
    OpensRow{"Stalled",      timeout,             Phase::run,     2, 30},
    OpensRow{"Connect",      network_error,       Phase::connect, 3, 30},
    OpensRow{"Submit",       timeout,             Phase::submit,  3, 30},
    OpensRow{"Refused5xx",   provider_error,      Phase::submit,  3, 30},
    OpensRow{"Overloaded",   provider_overloaded, Phase::submit,  3, 30},
    OpensRow{"Ambiguous",    submit_ambiguous,    Phase::submit,  3, 30},
    OpensRow{"Crash",        plugin_crashed,      Phase::run,     3, 30},
    OpensRow{"Load",         timeout,             Phase::load,    1, 30},
    OpensRow{"Vram",         insufficient_vram,   Phase::run,     1, 30},
    OpensRow{"WorkerGone",   worker_unavailable,  Phase::connect, 1, 0},
    OpensRow{"RateLimited",  rate_limited,        Phase::submit,  1, 2},
    OpensRow{"Quota",        quota_exhausted,     Phase::submit,  1, 3600},
    // Whose fault it is not, it does not pay for.
    OpensRow{"Content",      content_rejected,    Phase::run,     0, 0},
    OpensRow{"Invalid",      invalid_params,      Phase::submit,  0, 0},
    OpensRow{"Unsupported",  unsupported_capability, Phase::submit, 0, 0},
    OpensRow{"Poll",         timeout,             Phase::poll,    0, 0},
    OpensRow{"Download",     network_error,       Phase::download, 0, 0},
    OpensRow{"Disk",         storage_full,        Phase::store,   0, 0},
    OpensRow{"Cancelled",    cancelled,           Phase::run,     0, 0},
    OpensRow{"Deadline",     deadline_exceeded,   Phase::run,     0, 0},
    OpensRow{"Artifact",     artifact_unavailable, Phase::download, 0, 0},
    OpensRow{"ModelMissing", model_not_found,     Phase::submit,  0, 0},
    OpensRow{"Auth",         auth_failed,         Phase::submit,  0, 0}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(Breaker, CountsInARowOnly)
{
    Rig rig;
    rig.fails(kConnect).fails(kConnect).works().fails(kConnect).fails(kConnect);
    EXPECT_EQ(rig.breaker.state, Breaker::closed);
    rig.fails(kConnect);
    EXPECT_EQ(rig.breaker.state, Breaker::open);
}

TEST(Breaker, CountsRunsAndSubmitsApart)
{
    Rig rig;
    rig.fails(kConnect).fails(kConnect).fails(kRun);
    EXPECT_EQ(rig.breaker.state, Breaker::closed);
    rig.fails(kRun);
    EXPECT_EQ(rig.breaker.state, Breaker::open);
}

TEST(Breaker, HalfOpensAfterTheRestAndOnlyIfProbesPass)
{
    Rig rig;
    rig.fails(kRun).fails(kRun).passes(29s);
    EXPECT_EQ(rig.breaker.state, Breaker::open);
    rig.passes(1s, false);
    EXPECT_EQ(rig.breaker.state, Breaker::open);
    rig.passes(0s, true);
    EXPECT_EQ(rig.breaker.state, Breaker::half_open);
}

TEST(Breaker, ClosesAfterATrialThatWorksAndForgets)
{
    Rig rig;
    rig.fails(kRun).fails(kRun).passes(30s).works();
    EXPECT_EQ(rig.breaker.state, Breaker::closed);
    rig.fails(kRun);
    EXPECT_EQ(rig.breaker.state, Breaker::closed);
    rig.fails(kRun);
    EXPECT_DOUBLE_EQ(rig.rest(), 30) << "the rest begins anew";
}

TEST(Breaker, RestsTwiceAsLongAfterEachTrialThatFails)
{
    Rig rig;
    rig.fails(kRun).fails(kRun);
    for (const double rest : {30., 60., 120., 240., 480., 900., 900.}) {
        ASSERT_EQ(rig.breaker.state, Breaker::open);
        ASSERT_DOUBLE_EQ(rig.rest(), rest);
        rig.passes(std::chrono::seconds(static_cast<int>(rest)));
        ASSERT_EQ(rig.breaker.state, Breaker::half_open);
        rig.fails(kConnect); // one of any kind is enough
    }
}

TEST(Breaker, IsNotJudgedByATrialThatSaysNothingOfIt)
{
    Rig rig;
    rig.fails(kRun).fails(kRun).passes(30s).fails(failure(content_rejected, Phase::run));
    EXPECT_EQ(rig.breaker.state, Breaker::half_open);
}

TEST(Breaker, SpreadsTheRestByAFifth)
{
    for (const auto& [chance, rest] : {std::pair(0.0, 24.0), std::pair(1.0, 36.0)}) {
        Rig rig;
        rig.fails(kRun).fails(kRun, chance);
        EXPECT_NEAR(rig.rest(), rest, 1e-6);
    }
}

Error told_to_wait(Category category, std::chrono::seconds wait)
{
    Error error = failure(category, Phase::submit);
    error.retry_after = wait;
    return error;
}

TEST(Breaker, KeepsToARetryAfter)
{
    for (const Category category : {rate_limited, quota_exhausted}) {
        Rig rig;
        rig.fails(told_to_wait(category, 400s), 0.9);
        EXPECT_DOUBLE_EQ(rig.rest(), 400);
    }
}

TEST(Breaker, ExtendsARestAndNeverShortensIt)
{
    Rig rig;
    rig.fails(told_to_wait(rate_limited, 100s)).fails(told_to_wait(rate_limited, 10s));
    EXPECT_DOUBLE_EQ(rig.rest(), 100);
    rig.fails(told_to_wait(rate_limited, 200s));
    EXPECT_DOUBLE_EQ(rig.rest(), 200);
}

TEST(Breaker, DoublesOnceForFailuresOfTheSameTime)
{
    Rig rig;
    rig.fails(kRun).fails(kRun).fails(kRun).fails(kRun);
    EXPECT_EQ(rig.breaker.times_opened, 1U);
    rig.passes(30s).fails(kRun);
    EXPECT_DOUBLE_EQ(rig.rest(), 60);
}

// Begun before the other side asked for peace, finished after: no reason to break the peace.
TEST(Breaker, StaysOpenWhenOlderWorkSucceedsWhileItRests)
{
    Rig rig;
    rig.fails(told_to_wait(rate_limited, 300s)).passes(60s).works();
    EXPECT_EQ(rig.breaker.state, Breaker::open);
    EXPECT_DOUBLE_EQ(rig.rest(), 240);
    rig.passes(240s).works();
    EXPECT_EQ(rig.breaker.state, Breaker::closed);
}

TEST(Breaker, CountsCrashesWithinTenMinutes)
{
    Rig rig;
    rig.fails(kCrash).passes(5min).fails(kCrash).passes(5min).fails(kCrash);
    EXPECT_EQ(rig.breaker.state, Breaker::closed) << "the first is ten minutes back";
    rig.passes(4min).fails(kCrash);
    EXPECT_EQ(rig.breaker.state, Breaker::open);
}

TEST(Breaker, CountsCrashesThoughWorkSucceedsBetweenThem)
{
    Rig rig;
    rig.fails(kCrash).passes(1min).works().fails(kCrash).passes(1min).works().fails(kCrash);
    EXPECT_EQ(rig.breaker.state, Breaker::open);
}

TEST(Breaker, OfAWorkerThatIsGoneWaitsForItsProbesAlone)
{
    Rig rig;
    rig.fails(failure(worker_unavailable, Phase::connect)).passes(1h, false);
    EXPECT_EQ(rig.breaker.state, Breaker::open);
    rig.passes(0s, true);
    EXPECT_EQ(rig.breaker.state, Breaker::half_open);
}

TEST(Breaker, IsAnOperatorsToHoldAndToReset)
{
    Rig rig;
    rig.breaker = hold_open(rig.breaker);
    rig.passes(24h).works();
    EXPECT_EQ(rig.breaker.state, Breaker::open);
    rig.breaker = reset(rig.breaker);
    EXPECT_EQ(rig.breaker.state, Breaker::closed);
    rig.fails(kRun).fails(kRun).passes(30s).fails(kRun);
    rig.breaker = reset(rig.breaker);
    EXPECT_EQ(rig.breaker.times_opened, 0U);
    EXPECT_FALSE(rig.breaker.until);
}

TEST(Breaker, GoesOnAfterARestartWhereItWas)
{
    Rig before;
    before.fails(kRun).fails(kRun).passes(10s);
    Rig after{.breaker = before.breaker, .now = before.now}; // kept as a value, and read again
    after.passes(19s);
    EXPECT_EQ(after.breaker.state, Breaker::open);
    after.passes(1s);
    EXPECT_EQ(after.breaker.state, Breaker::half_open);
}

} // namespace
} // namespace reelgate
