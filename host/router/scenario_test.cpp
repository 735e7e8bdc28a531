// Whole stories on a clock that is moved by hand: jobs, health, breakers and decisions together, as
// the engine plays them, without anything real.
#include "host/router/route_stage.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using namespace testing_world;
using enum Category;
using testing::HasSubstr;

WallTime until(const Player& job) { return *std::get<Wait>(job.last.outcome).until; }

Error asks_for(std::chrono::seconds wait)
{
    Error error = failure(rate_limited, Phase::submit);
    error.retry_after = wait;
    return error;
}

TEST(Scenario, SingleProviderDown)
{
    Stage stage({local("a"), local("b")});
    stage.down = {"a"};
    stage.pass(8s);
    ASSERT_EQ(stage.state("a"), Health::unhealthy);
    Player job;
    EXPECT_EQ(stage.ask(job), "b/wan");
    stage.down.clear();
    stage.pass(9s);
    Player next;
    stage["b"].running = 0;
    EXPECT_EQ(stage.ask(next), "b/wan") << "not believed before the dwell is over";
    stage.pass(10s);
    EXPECT_EQ(stage.state("a"), Health::ready);
    Player last;
    EXPECT_EQ(stage.ask(last), "a/wan");
}

TEST(Scenario, TheOnlyProviderDownForLongerThanTheJobIsWilling)
{
    Stage stage({local("a")});
    stage.down = {"a"};
    stage.pass(8s);
    Player job;
    EXPECT_EQ(stage.ask(job), "wait waiting_for_provider");
    stage.pass(10min - 1s);
    EXPECT_EQ(stage.ask(job), "wait waiting_for_provider");
    stage.pass(1s);
    EXPECT_EQ(stage.ask(job), "give up worker_unavailable");
}

TEST(Scenario, FlapsFourSecondsUpFourDown)
{
    Stage stage({local("a"), local("b")});
    const WallTime end = stage.now + 1h;
    while (stage.now < end) {
        stage.pass(4s);
        stage.down = {"a"};
        stage.pass(4s);
        stage.down.clear();
        if (stage.changes == 0) continue;
        Player job;
        ASSERT_EQ(stage.ask(job), "b/wan");
        stage.finish(job);
    }
    EXPECT_EQ(stage.changes, 1U);
    EXPECT_EQ(stage.state("a"), Health::unhealthy);
}

TEST(Scenario, RefusedForALongWhile)
{
    Stage stage({cloud("a"), cloud("b")});
    Player first;
    ASSERT_EQ(stage.ask(first), "a/wan");
    stage.fail(first, asks_for(400s), Verdict::refused);
    EXPECT_EQ(stage.ask(first), "b/wan") << "nothing was charged";
    stage.finish(first);
    Player alone;
    alone.order.route.provider = "a";
    EXPECT_EQ(stage.ask(alone), "wait waiting_for_provider");
    EXPECT_EQ(until(alone), stage.now + 400s);
    stage.pass(399s);
    Player next;
    EXPECT_EQ(stage.ask(next), "b/wan")
        << "who comes after it goes elsewhere, until the last second";
    stage.pass(1s);
    EXPECT_EQ(stage.ask(alone), "a/wan");
    EXPECT_TRUE(std::get<Dispatch>(alone.last.outcome).is_trial);
}

TEST(Scenario, RefusedForLongerThanAnyPatience)
{
    Stage stage({cloud("a"), cloud("b")});
    Player job;
    ASSERT_EQ(stage.ask(job), "a/wan");
    stage.fail(job, asks_for(3600s), Verdict::refused);
    EXPECT_EQ(stage.ask(job), "b/wan");
    EXPECT_TRUE(has_reason(of(job.last, "a"), "retry_too_late"));
}

TEST(Scenario, FirstOutOfMemorySecondFits)
{
    Stage stage({local("a"), local("b")});
    Player job;
    ASSERT_EQ(stage.ask(job), "a/wan");
    stage.fail(job, failure(insufficient_vram, Phase::run));
    EXPECT_EQ(stage.ask(job), "b/wan");
    stage.finish(job);
    Player next;
    EXPECT_EQ(stage.ask(next), "b/wan") << "the pair that ran out of memory rests";
    stage.finish(next);
    stage.pass(30s);
    Player later;
    EXPECT_EQ(stage.ask(later), "a/wan");
}

TEST(Scenario, ARefusalOfContentMayMoveOnOrNot)
{
    for (const bool may : {false, true}) {
        Stage stage({cloud("a"), cloud("b")});
        stage.chain.steps[0].next_on_content_rejected = may;
        Player job;
        ASSERT_EQ(stage.ask(job), "a/wan");
        stage.fail(job, failure(content_rejected, Phase::submit), Verdict::refused);
        EXPECT_EQ(stage.ask(job), may ? "b/wan" : "give up content_rejected");
        Player next;
        EXPECT_EQ(stage.ask(next), "a/wan") << "nobody rests for what the request did";
    }
}

// A provider's own failures, as often as it takes to open its breaker.
void break_down(Stage& stage, const std::string& id)
{
    for (int i = 0; i < 2; ++i)
        stage.breakers[id] = after_failure(
            stage.breakers[id], failure(provider_error, Phase::run), stage.now, 0.5, {});
    ASSERT_EQ(stage.breakers[id].state, Breaker::open);
}

TEST(Scenario, AllOpenThenOneHalfOpen)
{
    Stage stage({local("a"), local("b")});
    stage["a"].slots = 2;
    break_down(stage, "b");
    stage.pass(10s);
    break_down(stage, "a");
    Player first;
    Player second;
    EXPECT_EQ(stage.ask(first), "wait waiting_for_provider");
    EXPECT_EQ(until(first), stage.now + 20s) << "the first that half-opens";
    stage["b"].health = Health::disabled;
    EXPECT_EQ(stage.ask(first), "wait waiting_for_provider");
    EXPECT_EQ(until(first), stage.now + 30s);
    stage.pass(30s);
    EXPECT_EQ(stage.ask(first), "a/wan");
    EXPECT_TRUE(std::get<Dispatch>(first.last.outcome).is_trial);
    EXPECT_EQ(stage.ask(second), "wait slot") << "one at a time";
    EXPECT_TRUE(has_reason(of(second.last, "a"), "trial_running"));
    stage.finish(first);
    EXPECT_EQ(stage.ask(second), "a/wan");
    EXPECT_FALSE(std::get<Dispatch>(second.last.outcome).is_trial);
}

TEST(Scenario, ATrialThatFailsRestsTwiceAsLong)
{
    Stage stage({local("a")});
    break_down(stage, "a");
    stage.pass(30s);
    Player trial;
    ASSERT_EQ(stage.ask(trial), "a/wan");
    stage.fail(trial, failure(network_error, Phase::connect), Verdict::not_sent);
    Player next;
    EXPECT_EQ(stage.ask(next), "wait waiting_for_provider");
    EXPECT_EQ(until(next), stage.now + 60s);
}

TEST(Scenario, RestartWhileOpen)
{
    Stage before({local("a")});
    break_down(before, "a");
    before.pass(10s);
    Stage after({local("a")}); // its probes begin anew, its breaker does not
    after.now = before.now;
    after.breakers = before.breakers;
    Player job;
    EXPECT_EQ(after.ask(job), "wait waiting_for_provider");
    EXPECT_EQ(until(job), after.now + 20s);
    after.pass(20s);
    EXPECT_EQ(after.ask(job), "a/wan");
}

class ScenarioAmbiguous : public testing::Test {
protected:
    ScenarioAmbiguous()
    {
        EXPECT_EQ(stage.ask(job), "a/wan");
        stage.fail(job, failure(timeout, Phase::submit), Verdict::ambiguous);
        job.attempts[0].ended.reset();
    }

    Stage stage{
        {cloud("a"), cloud("b"), local("c")}
    };
    Player job;
};

TEST_F(ScenarioAmbiguous, GoesToNobodyWhileItIsOpen)
{
    for (int minute = 0; minute < 60; ++minute) {
        ASSERT_EQ(stage.ask(job), "give up submit_ambiguous");
        ASSERT_EQ(std::get<GiveUp>(job.last.outcome).error.code, "verdict_open");
        stage.pass(1min);
    }
}

TEST_F(ScenarioAmbiguous, ProvenAbsentItGoesOnWithoutAnAllowance)
{
    stage.limits.max_paid_resubmits = 0;
    Attempt& attempt = job.attempts[0];
    attempt.verdict = Verdict::not_sent;
    attempt.billing = Billing::not_billed;
    attempt.ended = stage.now;
    stage.pass(2s);
    EXPECT_EQ(stage.ask(job), "a/wan");
}

TEST_F(ScenarioAmbiguous, WrittenOffItUsesTheAllowanceUp)
{
    Attempt& attempt = job.attempts[0];
    attempt.error->category = submit_ambiguous;
    attempt.error->code = "written_off";
    attempt.ended = stage.now;
    ASSERT_EQ(stage.ask(job), "a/wan");
    stage.fail(job, failure(provider_error, Phase::run));
    EXPECT_EQ(stage.ask(job), "c/wan") << "b would be paid for once more than is allowed";
    EXPECT_TRUE(has_reason(of(job.last, "b"), "resubmits_used_up"));
}

TEST_F(ScenarioAmbiguous, FoundItFailsAsAcceptedWorkDoes)
{
    Attempt& attempt = job.attempts[0];
    attempt.verdict = Verdict::accepted;
    attempt.billing = Billing::billed;
    attempt.error = failure(output_invalid, Phase::verify);
    attempt.ended = stage.now;
    EXPECT_EQ(stage.ask(job), "b/wan");
}

TEST(Scenario, NamedProviderWithAndWithoutFallback)
{
    for (const bool may : {false, true}) {
        Stage stage({local("a"), local("b")});
        stage["b"].health = Health::unhealthy;
        Player job;
        job.order.route.provider = "b";
        if (may) job.order.route.allow_fallback = true;
        EXPECT_EQ(stage.ask(job), may ? "a/wan" : "wait waiting_for_provider");
        EXPECT_EQ(of(job.last, "a").standing, may ? Standing::chosen : Standing::rejected);
    }
}

TEST(Scenario, LocalOnlyStaysHomeThoughACloudIsWell)
{
    Stage stage({local("a"), cloud("b")});
    stage.down = {"a"};
    stage.pass(8s);
    Player job;
    job.order.route.egress = Egress::local;
    EXPECT_EQ(stage.ask(job), "wait waiting_for_provider");
    EXPECT_TRUE(has_reason(of(job.last, "b"), "egress_denied"));
    stage.pass(10min);
    ASSERT_EQ(stage.ask(job), "give up invalid_params");
    EXPECT_THAT(std::get<GiveUp>(job.last.outcome).error.text, HasSubstr("a/wan: it is unhealthy"));
    Player other;
    EXPECT_EQ(stage.ask(other), "b/wan") << "it was well all the time";
}

TEST(Scenario, DrainingDuringARun)
{
    Stage stage({local("a"), local("b")});
    Player running;
    ASSERT_EQ(stage.ask(running), "a/wan");
    stage["a"].health = Health::draining;
    Player next;
    EXPECT_EQ(stage.ask(next), "b/wan");
    stage.finish(next);
    stage.fail(running, failure(provider_error, Phase::run));
    stage.pass(10s);
    EXPECT_EQ(stage.ask(running), "b/wan") << "a repetition is something new as well";
    EXPECT_TRUE(has_reason(of(running.last, "a"), "draining"));
}

TEST(Scenario, ReloadRemovesTheRunningProvider)
{
    Stage stage({local("a"), local("b")});
    Player job;
    ASSERT_EQ(stage.ask(job), "a/wan");
    stage.fail(job, failure(worker_unavailable, Phase::run));
    std::erase_if(stage.providers, [](const auto& p) { return p.id == "a"; });
    EXPECT_EQ(stage.ask(job), "b/wan");
    EXPECT_TRUE(has_reason(of(job.last, "a"), "not_configured"));
    stage.fail(job, failure(model_not_found, Phase::submit), Verdict::refused);
    EXPECT_EQ(stage.ask(job), "give up worker_unavailable");
}

TEST(Scenario, DeadlineInsideABackOff)
{
    Stage stage({cloud("a")});
    Player job;
    job.order.deadline = 60s;
    ASSERT_EQ(stage.ask(job), "a/wan");
    stage.pass(30s);
    stage.fail(job, asks_for(30s), Verdict::refused);
    EXPECT_EQ(stage.ask(job), "give up rate_limited") << "at once, and with what it met";
    job.attempts[0].error->retry_after = 29s;
    stage.breakers.clear();
    EXPECT_EQ(stage.ask(job), "wait retry");
    EXPECT_EQ(until(job), stage.now + 29s);
    stage.pass(30s);
    EXPECT_EQ(stage.ask(job), "give up deadline_exceeded");
    EXPECT_THAT(std::get<GiveUp>(job.last.outcome).error.text, HasSubstr("it did not work"));
}

TEST(Scenario, TwoKeysForOneGpu)
{
    Stage stage({local("a"), cloud("b")});
    Player rich;
    rich.key = {.name = "rich", .left = Money{9'000'000}};
    Player poor;
    poor.key = {.name = "poor", .left = Money{0}};
    ASSERT_EQ(stage.ask(rich), "a/wan");
    EXPECT_EQ(stage.ask(poor), "wait slot");
    EXPECT_TRUE(has_reason(of(poor.last, "b"), "budget_exceeded"));
    Player also_rich = rich;
    EXPECT_EQ(stage.ask(also_rich), "wait slot") << "money does not jump the queue for free work";
    stage.finish(rich);
    EXPECT_EQ(stage.ask(poor), "a/wan");
    EXPECT_EQ(stage.ask(also_rich), "wait slot");
}

} // namespace
} // namespace reelgate
