#include "host/plugin/supervise.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace reelgate::supervise {
namespace {

const SteadyTime kStart{std::chrono::hours(1)};

// A supervision with its clock: what it was told, what it asked for.
class Story {
public:
    Story& tell(const Event& event)
    {
        Step s = step(std::move(state), event, now, limits, chance);
        state = std::move(s.state);
        for (const Action& action : s.actions) {
            if (std::holds_alternative<Spawn>(action)) ++spawns;
            if (const auto* p = std::get_if<SendPing>(&action)) pings.push_back(p->n);
            if (std::holds_alternative<SendBye>(action)) ++byes;
            if (const auto* c = std::get_if<SendCancel>(&action)) cancels.push_back(c->job);
            if (const auto* k = std::get_if<Kill>(&action)) kills.push_back(k->reason);
        }
        return *this;
    }

    // Lives until `span` from now, waking exactly when the state asks for it.
    Story& pass(Duration span, bool answers_pings = true)
    {
        const SteadyTime end = now + span;
        for (unsigned turns = 0; turns < 10'000; ++turns) {
            const auto wake = wake_at(state, limits);
            if (!wake || *wake > end) break;
            now = std::max(now, *wake);
            const std::size_t before = pings.size();
            tell(Tick{});
            if (answers_pings && pings.size() > before) tell(Ponged{pings.back()});
            ++ticks;
        }
        now = end;
        return *this;
    }

    Story& ready() { return tell(StartAsked{}).tell(Created{}); }
    Story& crash() { return tell(Exited{"SIGSEGV"}); }

    State state;
    Limits limits;
    SteadyTime now = kStart;
    double chance = 0.5; // no jitter
    unsigned spawns = 0;
    std::vector<std::uint64_t> pings;
    unsigned byes = 0;
    unsigned ticks = 0;
    std::vector<std::string> cancels;
    std::vector<KillReason> kills;
};

TEST(Supervise, StartsOnceAndIsReadyWhenCreated)
{
    Story story;
    story.tell(StartAsked{}).tell(StartAsked{});
    EXPECT_EQ(story.spawns, 1U);
    EXPECT_FALSE(takes_jobs(story.state));
    story.tell(Created{});
    EXPECT_TRUE(takes_jobs(story.state));
}

TEST(Supervise, KillsWhatIsNotReadyInTime)
{
    Story story;
    story.tell(StartAsked{}).pass(29s);
    EXPECT_TRUE(story.kills.empty());
    story.pass(2s);
    EXPECT_EQ(story.kills, std::vector{KillReason::start_timeout});
    story.crash();
    EXPECT_EQ(story.state.life, Life::resting);
}

TEST(Supervise, ADaemonThatIdlesWakesOnlyForPings)
{
    Story story;
    story.ready().pass(60s);
    EXPECT_EQ(story.pings.size(), 30U);
    EXPECT_EQ(story.ticks, 30U);
}

TEST(Supervise, UnansweredPingsDegradeAndThenKill)
{
    Story story;
    story.ready().pass(9s, false);
    EXPECT_TRUE(story.state.degraded);
    EXPECT_TRUE(story.kills.empty());
    story.pass(9s, false);
    EXPECT_EQ(story.kills, std::vector{KillReason::unresponsive});
}

TEST(Supervise, OneAnswerHealsDegradation)
{
    Story story;
    story.ready().pass(9s, false);
    ASSERT_TRUE(story.state.degraded);
    story.tell(Ponged{story.pings.back()});
    EXPECT_FALSE(story.state.degraded);
    story.pass(60s);
    EXPECT_TRUE(story.kills.empty());
}

TEST(Supervise, APongThatAnswersNothingIsNoSignOfLife)
{
    Story story;
    story.ready();
    for (int second = 0; second < 18; ++second) {
        story.pass(1s, false);
        for (const std::uint64_t n : {0U, 1000U})
            story.tell(Ponged{n});
    }
    EXPECT_EQ(story.kills, std::vector{KillReason::unresponsive});
}

TEST(Supervise, AnAnswerIsOneToThePingsBeforeAndNotToThoseBehind)
{
    Story story;
    story.ready().pass(7s, false);
    ASSERT_EQ(story.pings, (std::vector<std::uint64_t>{1, 2, 3}));
    story.tell(Ponged{2});
    EXPECT_FALSE(awaits_pong(story.state, 1));
    EXPECT_TRUE(awaits_pong(story.state, 3));
    story.pass(13s, false); // the third was sent at the sixth second
    EXPECT_TRUE(story.kills.empty());
    story.pass(2s, false);
    EXPECT_EQ(story.kills, std::vector{KillReason::unresponsive});
}

TEST(Supervise, ThePingsOfAWorkerThatIsGoneAreNotAnsweredByTheNext)
{
    Story story;
    story.ready().pass(3s, false).crash().pass(2s).tell(Created{});
    EXPECT_FALSE(awaits_pong(story.state, 1));
    story.pass(3s, false);
    EXPECT_EQ(story.pings.back(), 2U);
}

TEST(Supervise, RestsDoubleUpToTheLongest)
{
    Story story;
    story.limits.crashes = 1000; // the back-off alone
    story.ready();
    std::vector<Duration> rests;
    for (int i = 0; i < 9; ++i) {
        story.crash();
        rests.push_back(std::chrono::duration_cast<Duration>(story.state.rest_until - story.now));
        story.pass(61s).tell(Created{});
    }
    EXPECT_EQ(rests, (std::vector<Duration>{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s}));
}

TEST(Supervise, JitterStaysWithinItsShare)
{
    for (const auto& [chance, rest] : {
             std::pair{0.0,      800 },
             {0.5,      1000},
             {0.999999, 1200}
    }) {
        Story story;
        story.chance = chance;
        story.ready().crash();
        const auto got = std::chrono::duration_cast<Duration>(story.state.rest_until - story.now);
        EXPECT_NEAR(static_cast<double>(got.count()), rest, 1);
    }
}

TEST(Supervise, FiveGoodMinutesForgetTheBackOff)
{
    Story story;
    story.limits.crashes = 1000;
    story.ready().crash().pass(2s).tell(Created{}).crash().pass(3s).tell(Created{});
    story.pass(6min).crash();
    EXPECT_EQ(story.state.rest_until - story.now, 1s);
}

TEST(Supervise, ThreeCrashesInTenMinutesQuarantineAndATrialEndsIt)
{
    Story story;
    story.ready().crash().pass(2s).tell(Created{}).crash().pass(3s).tell(Created{}).crash();
    EXPECT_EQ(story.state.life, Life::quarantined);
    EXPECT_EQ(story.state.reason, "SIGSEGV");
    const unsigned before = story.spawns;
    story.pass(29s);
    EXPECT_EQ(story.spawns, before);
    story.pass(2s);
    EXPECT_EQ(story.spawns, before + 1) << "one trial";
    story.tell(Created{});
    EXPECT_TRUE(takes_jobs(story.state));
}

TEST(Supervise, AFailedTrialDoublesTheQuarantine)
{
    Story story;
    story.ready().crash().pass(2s).crash().pass(3s).crash().pass(31s).crash();
    EXPECT_EQ(story.state.life, Life::quarantined);
    EXPECT_EQ(story.state.rest_until - story.now, 60s);
}

TEST(Supervise, CrashesFarApartDoNotAddUp)
{
    Story story;
    story.ready();
    for (int i = 0; i < 6; ++i)
        story.crash().pass(2s).tell(Created{}).pass(11min);
    EXPECT_EQ(story.state.life, Life::ready);
}

TEST(Supervise, AnOperatorsResetTriesAtOnce)
{
    Story story;
    story.ready().crash().pass(2s).crash().pass(3s).crash();
    const unsigned before = story.spawns;
    story.tell(ResetAsked{});
    EXPECT_EQ(story.spawns, before + 1);
    EXPECT_TRUE(story.state.crashes.empty());
}

TEST(Supervise, WhatCanNeverWorkIsNotStartedAgain)
{
    Story story;
    story.tell(StartAsked{}).tell(Fatal{"needs host ABI 1.3"}).crash().pass(1h);
    EXPECT_EQ(story.state.life, Life::refused);
    EXPECT_EQ(story.state.reason, "needs host ABI 1.3");
    EXPECT_EQ(story.spawns, 1U);
    story.tell(ResetAsked{});
    EXPECT_EQ(story.spawns, 2U) << "the file may have changed";
}

TEST(Supervise, AStopReachesARefusedWorkerThatIsStillDying)
{
    Story story;
    story.tell(StartAsked{}).tell(Fatal{"needs host ABI 1.3"}).tell(StopAsked{}).crash();
    EXPECT_EQ(story.state.life, Life::stopped);
    EXPECT_EQ(story.spawns, 1U);
}

TEST(Supervise, SilenceIsCancelledAndAnIgnoredCancelKilled)
{
    Story story;
    story.ready().tell(JobStarted{"a"}).pass(119s);
    EXPECT_TRUE(story.cancels.empty());
    story.pass(2s);
    EXPECT_EQ(story.cancels, std::vector<std::string>{"a"});
    story.pass(11s);
    EXPECT_EQ(story.kills, std::vector{KillReason::run_stalled});
}

TEST(Supervise, ASlowJobThatMovesIsLeftAlone)
{
    Story story;
    story.ready().tell(JobStarted{"a"});
    for (int i = 0; i < 108; ++i)
        story.pass(100s).tell(SignOfLife{"a"}); // three hours
    EXPECT_TRUE(story.cancels.empty());
    EXPECT_TRUE(story.kills.empty());
}

TEST(Supervise, ACancelIsSentOnceAndKillsWhenIgnored)
{
    Story story;
    story.ready().tell(JobStarted{"a"}).tell(CancelAsked{"a"}).tell(CancelAsked{"a"});
    EXPECT_EQ(story.cancels.size(), 1U);
    story.pass(11s);
    EXPECT_EQ(story.kills, std::vector{KillReason::cancel_ignored});
}

TEST(Supervise, ACancelThatIsObeyedKillsNobody)
{
    Story story;
    story.ready()
        .tell(JobStarted{"a"})
        .tell(CancelAsked{"a"})
        .pass(9s)
        .tell(JobDone{"a"})
        .pass(1min);
    EXPECT_TRUE(story.kills.empty());
    EXPECT_TRUE(takes_jobs(story.state));
}

TEST(Supervise, AKillWaitsForTheNeighbours)
{
    Story story;
    story.ready()
        .tell(JobStarted{"bad"})
        .tell(JobStarted{"good"})
        .tell(CancelAsked{"bad"})
        .pass(12s);
    EXPECT_TRUE(story.kills.empty());
    EXPECT_FALSE(takes_jobs(story.state)) << "no more jobs go there";
    story.tell(JobDone{"good"});
    EXPECT_EQ(story.kills, std::vector{KillReason::cancel_ignored})
        << "the last neighbour has left";
}

TEST(Supervise, AKillDoesNotWaitForEver)
{
    Story story;
    story.ready().tell(JobStarted{"bad"}).tell(JobStarted{"good"}).tell(CancelAsked{"bad"});
    for (int i = 0; i < 50; ++i)
        story.pass(1s).tell(SignOfLife{"good"});
    EXPECT_EQ(story.kills, std::vector{KillReason::cancel_ignored});
    EXPECT_LT(story.ticks, 40U) << "it must not wake again and again while it waits";
}

TEST(Supervise, AJobThatComesBackAfterAllSavesItsWorker)
{
    Story story;
    story.ready()
        .tell(JobStarted{"bad"})
        .tell(JobStarted{"good"})
        .tell(CancelAsked{"bad"})
        .pass(12s);
    story.tell(JobDone{"bad"}).pass(10s);
    EXPECT_TRUE(story.kills.empty());
    EXPECT_TRUE(takes_jobs(story.state));
}

TEST(Supervise, StopSaysByeAndKillsWhoStays)
{
    Story story;
    story.ready().tell(StopAsked{});
    EXPECT_EQ(story.byes, 1U);
    story.pass(6s);
    EXPECT_EQ(story.kills, std::vector{KillReason::bye_ignored});
    story.crash();
    EXPECT_EQ(story.state.life, Life::stopped);
    EXPECT_EQ(story.spawns, 1U);
}

TEST(Supervise, WhoCannotBeKilledIsNotStartedBeside)
{
    Story story;
    story.ready().tell(WireBroken{"a stray print"}).pass(11s);
    EXPECT_EQ(story.kills, std::vector{KillReason::protocol_violation});
    EXPECT_EQ(story.state.life, Life::stuck);
    story.pass(1h);
    EXPECT_EQ(story.spawns, 1U);
    story.crash();
    EXPECT_EQ(story.state.life, Life::resting) << "gone at last";
}

TEST(Supervise, StopEndsARestToo)
{
    Story story;
    story.ready().crash().tell(StopAsked{}).pass(1h);
    EXPECT_EQ(story.state.life, Life::stopped);
    EXPECT_EQ(story.spawns, 1U);
}

TEST(Supervise, EveryNameIsThere)
{
    for (int i = 0; i <= static_cast<int>(Life::stuck); ++i)
        EXPECT_FALSE(to_string(static_cast<Life>(i)).empty());
    for (int i = 0; i <= static_cast<int>(KillReason::asked); ++i)
        EXPECT_FALSE(to_string(static_cast<KillReason>(i)).empty());
}

} // namespace
} // namespace reelgate::supervise
