// What the attempts behind a job mean for its next one.
#include "host/router/route_world.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using namespace testing_world;
using enum Category;
using testing::Contains;
using testing::HasSubstr;

const Error kCannotReach = failure(network_error, Phase::connect);
const Error kRefused = failure(provider_overloaded, Phase::submit);
const Error kBroke = failure(provider_error, Phase::run);
const Error kWorkerGone = failure(worker_unavailable, Phase::connect);

World alone(ProviderSnapshot provider)
{
    World w;
    w.chain.steps = {{.use = provider.id}};
    w.providers = {std::move(provider)};
    return w;
}

TEST(HistoryBudget, CountsWhatMayHaveLeft)
{
    World w;
    w.limits.max_submits = 2;
    w.failed("a", kCannotReach, Verdict::not_sent);
    w.failed("a", kCannotReach, Verdict::not_sent);
    EXPECT_EQ(told(w.decide()), "b/wan") << "what never left uses nothing up";
    w.failed("b", failure(unknown, Phase::submit), Verdict::refused);
    w.now += 10s;
    EXPECT_EQ(told(w.decide()), "b/wan");
    w.failed("b", failure(unknown, Phase::submit), Verdict::refused);
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "give up network_error");
    EXPECT_THAT(of(d, "c").reasons, Contains("submits_used_up"));
}

TEST(HistoryBudget, AllowsSoManyPaidResubmits)
{
    World w;
    w.providers = {cloud("a"), cloud("b"), cloud("c"), local("d")};
    w.chain.steps.push_back({.use = "d"});
    w.limits.max_submits = 9;
    w.failed("a", kBroke);
    EXPECT_EQ(told(w.decide()), "b/wan");
    w.failed("b", kBroke);
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "d/wan") << "what is free needs no allowance";
    EXPECT_THAT(of(d, "c").reasons, Contains("resubmits_used_up"));
}

TEST(HistoryBudget, TakesNoAllowanceForWhatWasRefused)
{
    World w;
    w.providers = {cloud("a"), cloud("b"), cloud("c")};
    w.limits.max_paid_resubmits = 0;
    w.failed("a", failure(quota_exhausted, Phase::submit), Verdict::refused);
    w.failed("b", failure(region_blocked, Phase::submit), Verdict::refused);
    EXPECT_EQ(told(w.decide()), "c/wan");
}

// A cap of 1.00 for a job, and two providers at 0.60.
TEST(HistoryBudget, LeavesTheSecondSubmitOutWhereTheCapIsTooSmall)
{
    World w;
    w.providers = {cloud("a"), cloud("b")};
    w.chain.steps = {{.use = "a"}, {.use = "b"}};
    for (const char* id : {"a", "b"})
        w.pair(id).usd_per_second = Money{119'009}; // x 121/24 s = 0.60
    w.limits.spend_cap = Money{1'000'000};
    ASSERT_EQ(told(w.decide()), "a/wan");
    Attempt& first = w.failed("a", kBroke);
    first.reserved = Money{600'004};
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "give up provider_error");
    EXPECT_THAT(of(d, "b").reasons, Contains("budget_exceeded"));
    EXPECT_THAT(std::get<GiveUp>(d.outcome).error.text, HasSubstr("b/wan: budget_exceeded"));

    w.attempts[0].settled = Money{100'000}; // it turned out to be cheap
    EXPECT_EQ(told(w.decide()), "b/wan");
    w.attempts[0].settled.reset();
    w.attempts[0].billing = Billing::not_billed; // or to cost nothing
    EXPECT_EQ(told(w.decide()), "b/wan");
}

TEST(HistoryUsedUp, IsWhoHasHadTheJob)
{
    World w;
    w.failed("a", failure(model_not_found, Phase::submit), Verdict::refused);
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "b/wan");
    EXPECT_EQ(of(d, "a").standing, Standing::rejected);
    EXPECT_THAT(of(d, "a").reasons, Contains("already_tried"));
    EXPECT_THAT(of(d, "a").text, HasSubstr("it did not work"));
}

struct ReachRow {
    const char* name;
    Category category;
    bool other_model;     // of the same provider, with another credential: may it have the job?
    bool same_credential; // and with the same
};

class HistoryReach : public testing::TestWithParam<ReachRow> {};

// What one model's failure says of its neighbours follows from whose fault it was.
TEST_P(HistoryReach, FollowsFromTheScope)
{
    World w = alone(local("a"));
    PairSnapshot other{.model = wan("other")};
    other.credential = "second";
    PairSnapshot sister{.model = wan("sister")};
    w["a"].pairs.push_back(other);
    w.failed("a", failure(GetParam().category, Phase::submit), Verdict::refused);
    EXPECT_EQ(told(w.decide()) == "a/other", GetParam().other_model) << told(w.decide());
    w["a"].pairs[1] = sister;
    EXPECT_EQ(told(w.decide()) == "a/sister", GetParam().same_credential) << told(w.decide());
}

INSTANTIATE_TEST_SUITE_P(EachScope,
                         HistoryReach,
                         testing::Values(ReachRow{"Model", model_not_found, true, true},
                                         ReachRow{"Request", unsupported_capability, true, true},
                                         ReachRow{"Credential", quota_exhausted, true, false},
                                         ReachRow{"CredentialRefused", auth_failed, true, false},
                                         ReachRow{"Provider", network_error, false, false}),
                         [](const auto& row) { return row.param.name; });

TEST(HistoryRepeats, WhatTheTableGrantsAndAfterItsBackOff)
{
    World w = alone(local("a"));
    w.failed("a", kBroke);
    const Decision waiting = w.decide();
    ASSERT_EQ(told(waiting), "wait retry");
    const WallTime until = *std::get<Wait>(waiting.outcome).until;
    EXPECT_GT(until, w.now);
    EXPECT_LE(until, w.now + 5s);
    EXPECT_THAT(of(waiting, "a").reasons, Contains("backing_off"));
    w.now = until;
    EXPECT_EQ(told(w.decide()), "a/wan");
    w.failed("a", kBroke);
    w.now += 1min;
    EXPECT_EQ(told(w.decide()), "give up provider_error") << "once, and not twice";
}

TEST(HistoryRepeats, NotBeforeARetryAfter)
{
    World w = alone(cloud("a"));
    Error error = failure(rate_limited, Phase::submit);
    error.retry_after = 45s;
    w.failed("a", error, Verdict::refused);
    const Decision d = w.decide();
    ASSERT_EQ(told(d), "wait retry");
    EXPECT_EQ(std::get<Wait>(d.outcome).until, w.now + 45s);
}

TEST(HistoryRepeats, NotWhereTheOtherSideAsksForMoreThanTheJobsPatience)
{
    World w = alone(cloud("a"));
    w.order.max_wait = 60s;
    Error error = failure(rate_limited, Phase::submit);
    error.retry_after = 61s;
    w.failed("a", error, Verdict::refused);
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "give up rate_limited");
    EXPECT_THAT(of(d, "a").reasons, Contains("retry_too_late"));
    w.attempts[0].error->retry_after = 60s;
    EXPECT_EQ(told(w.decide()), "wait retry");
}

TEST(HistoryRepeats, NotAfterTheDeadline)
{
    World w = alone(cloud("a"));
    w.order.deadline = 40s;
    Error error = failure(rate_limited, Phase::submit);
    error.retry_after = 40s;
    w.failed("a", error, Verdict::refused);
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "give up rate_limited");
    EXPECT_THAT(of(d, "a").reasons, Contains("retry_after_deadline"));
}

TEST(HistoryRepeats, WithTheNextRungAfterOutOfMemory)
{
    World w = alone(local("a"));
    w.chain.on_oom = {"tiling", "offload"};
    w.failed("a", failure(insufficient_vram, Phase::run));
    const Decision d = w.decide();
    ASSERT_EQ(told(d), "a/wan");
    EXPECT_EQ(std::get<Dispatch>(d.outcome).concession, "tiling");
    w.order.on_oom = {"frames"};
    EXPECT_EQ(std::get<Dispatch>(w.decide().outcome).concession, "frames")
        << "the order's ladder stands before the chain's";
    w.failed("a", failure(insufficient_vram, Phase::run));
    EXPECT_EQ(told(w.decide()), "give up insufficient_vram");
}

TEST(HistoryRepeats, WithANewSeedOnlyWhereTheCallerLeftItOpen)
{
    World w = alone(local("a"));
    w.failed("a", failure(output_invalid, Phase::verify));
    EXPECT_EQ(std::get<Dispatch>(w.decide().outcome).request.seed, 43U);
    w.order.wish.seed = 7;
    EXPECT_EQ(std::get<Dispatch>(w.decide().outcome).request.seed, 7U);
}

TEST(HistoryRepeats, NotAPaidSubmitThatIsFollowed)
{
    World w = alone(cloud("a"));
    Attempt& attempt = w.failed("a", failure(plugin_crashed, Phase::connect), Verdict::not_sent);
    w.now += 5min;
    ASSERT_EQ(told(w.decide()), "a/wan");
    attempt.remote_json = R"({"id": 7})";
    EXPECT_EQ(told(w.decide()), "give up plugin_crashed");
}

TEST(HistoryPoison, IsAJobThatKilledTwoWorkers)
{
    World w;
    w.failed("a", failure(plugin_crashed, Phase::run)).crashed_worker = true;
    EXPECT_EQ(told(w.decide()), "b/wan");
    w.failed("b", failure(plugin_crashed, Phase::run)).crashed_worker = true;
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "poisoned plugin_crashed");
    EXPECT_EQ(std::get<GiveUp>(d.outcome).error.code, "poisoned");
}

TEST(HistoryPoison, IsAJobThatWasAtWorkAtThreeDeathsOfTheDaemon)
{
    World w;
    w.failed("a", failure(worker_unavailable, Phase::run)).host_deaths = 2;
    EXPECT_EQ(told(w.decide()), "b/wan");
    w.failed("b", failure(worker_unavailable, Phase::run)).host_deaths = 1;
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "poisoned plugin_crashed");
    EXPECT_EQ(std::get<GiveUp>(d.outcome).error.code, "poisoned_host");
}

TEST(HistoryPoison, IsForgivenWithAllThatWasMet)
{
    World w;
    for (const char* provider : {"a", "a", "b"}) {
        Attempt& attempt = w.failed(provider, failure(plugin_crashed, Phase::run));
        attempt.crashed_worker = true;
        attempt.host_deaths = 3;
        attempt.forgiven = true;
    }
    EXPECT_EQ(told(w.decide()), "a/wan");
}

TEST(HistoryPoison, SpentMoneyIsNotForgiven)
{
    World w = alone(cloud("a"));
    w.pair("a").usd_per_second = Money{100'000};
    w.limits.spend_cap = Money{1'000'000};
    w.limits.max_paid_resubmits = 0;
    Attempt& attempt = w.failed("a", failure(plugin_crashed, Phase::run));
    attempt.forgiven = true;
    attempt.billing = Billing::billed;
    attempt.settled = Money{1'000'000};
    const Decision d = w.decide();
    EXPECT_THAT(of(d, "a").reasons, Contains("budget_exceeded"));
    EXPECT_THAT(of(d, "a").reasons, Contains("resubmits_used_up"));
}

TEST(HistoryOpen, IsNotDecidedOver)
{
    World w;
    w.providers = {cloud("a"), local("b")};
    w.failed("a", failure(timeout, Phase::submit), Verdict::ambiguous).ended.reset();
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "give up submit_ambiguous");
    EXPECT_EQ(std::get<GiveUp>(d.outcome).error.code, "verdict_open");
    EXPECT_EQ(std::get<GiveUp>(d.outcome).error.billing, Billing::maybe_billed);
}

TEST(HistoryMovesOn, AfterARefusalOfContentOnlyWhereTheStepSaysSo)
{
    World w;
    w.failed("a", failure(content_rejected, Phase::submit), Verdict::refused);
    const Decision stays = w.decide();
    EXPECT_EQ(told(stays), "give up content_rejected");
    EXPECT_THAT(of(stays, "b").reasons, Contains("not_moved_on"));
    w.chain.steps[0].next_on_content_rejected = true;
    EXPECT_EQ(told(w.decide()), "b/wan");
    w.failed("b", failure(content_rejected, Phase::submit), Verdict::refused);
    EXPECT_EQ(told(w.decide()), "give up content_rejected") << "each step speaks for itself";
}

TEST(HistoryMovesOn, OnceAfterAProviderFindsFault)
{
    World w;
    w.failed("a", failure(invalid_params, Phase::submit), Verdict::refused);
    EXPECT_EQ(told(w.decide()), "b/wan");
    w.failed("b", failure(invalid_params, Phase::submit), Verdict::refused);
    EXPECT_EQ(told(w.decide()), "give up invalid_params");
}

TEST(HistoryMovesOn, NotWhereTheRequestForbidsIt)
{
    World w;
    w.order.route.allow_fallback = false;
    w.failed("a", failure(model_not_found, Phase::submit), Verdict::refused);
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "give up model_not_found");
    EXPECT_THAT(of(d, "b").reasons, Contains("fallback_not_allowed"));
}

TEST(HistoryMovesOn, NotEvenWhenWhereItBeganIsGoneFromTheConfiguration)
{
    World w;
    w.order.route.allow_fallback = false;
    w.failed("a", failure(worker_unavailable, Phase::run));
    std::erase_if(w.providers, [](const auto& p) { return p.id == "a"; });
    EXPECT_EQ(told(w.decide()), "give up worker_unavailable");
    std::erase_if(w.chain.steps, [](const auto& step) { return step.use == "a"; });
    EXPECT_EQ(told(w.decide()), "give up worker_unavailable");
}

TEST(HistoryLastResort, IsAWorkerThatComesBackWhenNobodyElseIsLeft)
{
    World w;
    w.chain.steps = {{.use = "a"}, {.use = "b"}};
    w.failed("a", kWorkerGone, Verdict::not_sent);
    w["a"].health = Health::unhealthy;
    EXPECT_EQ(told(w.decide()), "b/wan");
    w.failed("b", failure(model_not_found, Phase::submit), Verdict::refused);
    EXPECT_EQ(told(w.decide()), "wait waiting_for_provider");
    w["a"].health = Health::ready;
    w.now += 2s;
    EXPECT_EQ(told(w.decide()), "a/wan");
}

TEST(HistoryLastResort, IsOneWaitHoweverOftenTheWorkerGoes)
{
    World w = alone(local("a"));
    for (int i = 0; i < 9; ++i) {
        ASSERT_EQ(told(w.decide()), "a/wan") << i;
        w.failed("a", kWorkerGone, Verdict::not_sent);
        w["a"].health = Health::unhealthy;
        ASSERT_EQ(told(w.decide()), "wait waiting_for_provider") << i;
        w["a"].health = Health::ready;
        w.now += 65s;
    }
    w["a"].health = Health::unhealthy;
    w.now += 15s;
    EXPECT_EQ(told(w.decide()), "give up worker_unavailable") << "ten minutes since the first";
}

// Half an hour of work is not half an hour of waiting.
TEST(HistoryLastResort, WaitsFromTheEndOfTheWorkThatWasLost)
{
    World w = alone(local("a"));
    w.now += 30min;
    Attempt& lost = w.failed("a", failure(worker_unavailable, Phase::run));
    lost.started = kNow;
    w["a"].health = Health::unhealthy;
    const Decision d = w.decide();
    ASSERT_EQ(told(d), "wait waiting_for_provider");
    EXPECT_LE(std::get<Wait>(d.outcome).until, w.now + 10min);
    w.now += 10min;
    EXPECT_EQ(told(w.decide()), "give up worker_unavailable");
}

TEST(HistoryTold, IsTheMostUsefulOfAllAndNotTheLast)
{
    World w;
    w.failed("a", failure(content_rejected, Phase::submit), Verdict::refused);
    w.chain.steps[0].next_on_content_rejected = true;
    w.failed("b", failure(model_not_found, Phase::submit), Verdict::refused);
    w["c"].health = Health::disabled;
    const Decision d = w.decide();
    ASSERT_EQ(told(d), "give up content_rejected");
    const Error& error = std::get<GiveUp>(d.outcome).error;
    EXPECT_THAT(error.text, HasSubstr("c/wan: disabled"));
    EXPECT_EQ(error.hint, "change the prompt or the inputs");
}

TEST(HistoryTold, KeepsTheHintOfTheFailureItself)
{
    World w = alone(local("a"));
    Error error = failure(model_not_found, Phase::submit);
    error.hint = "reelgate models install wan";
    w.failed("a", error, Verdict::refused);
    EXPECT_EQ(std::get<GiveUp>(w.decide().outcome).error.hint, "reelgate models install wan");
}

TEST(HistoryTold, TreatsAnAttemptWithoutAnErrorAsOneThatNobodyUnderstood)
{
    World w = alone(cloud("a"));
    w.failed("a", kBroke).error.reset();
    EXPECT_EQ(told(w.decide()), "give up unknown");
}

} // namespace
} // namespace reelgate
