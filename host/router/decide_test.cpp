#include "host/router/decide.hpp"

#include "host/router/route_world.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using namespace testing_world;
using testing::Contains;
using testing::HasSubstr;

TEST(Decide, TakesTheFirstOfTheChain)
{
    World w;
    const Decision d = w.decide();
    const auto* go = std::get_if<Dispatch>(&d.outcome);
    ASSERT_NE(go, nullptr) << told(d);
    EXPECT_EQ(go->provider, "a");
    EXPECT_EQ(go->request.frames, 121U);
    EXPECT_EQ(go->request.seed, 42U);
    EXPECT_EQ(go->reserve, Money{});
    EXPECT_FALSE(go->is_trial);
    ASSERT_EQ(d.considered.size(), 3U);
    EXPECT_EQ(d.considered[0].standing, Standing::chosen);
    EXPECT_EQ(d.considered[1].standing, Standing::standby);
    EXPECT_EQ(d.considered[2].standing, Standing::standby);
    EXPECT_EQ(d.considered[2].cost, Money{504'167});
}

TEST(Decide, ReservesWhatItWillCost)
{
    World w;
    w.chain.steps = {{.use = "c"}};
    const Decision d = w.decide();
    ASSERT_EQ(told(d), "c/wan");
    EXPECT_EQ(std::get<Dispatch>(d.outcome).reserve, Money{504'167});
}

// One thing spoiled at `a`, which is alone in its chain.
struct RuleRow {
    const char* name;
    void (*spoil)(World&);
    const char* code;
    Category category;
};

class DecideRejects : public testing::TestWithParam<RuleRow> {};

TEST_P(DecideRejects, WithTheReasonOnRecord)
{
    World w;
    w.providers = {local("a")};
    w.chain.steps = {{.use = "a"}};
    ASSERT_EQ(told(w.decide()), "a/wan");
    GetParam().spoil(w);
    const Decision d = w.decide();
    ASSERT_TRUE(std::holds_alternative<GiveUp>(d.outcome)) << told(d);
    EXPECT_EQ(std::get<GiveUp>(d.outcome).error.category, GetParam().category);
    EXPECT_EQ(std::get<GiveUp>(d.outcome).error.code, GetParam().code);
    ASSERT_EQ(d.considered.size(), 1U);
    EXPECT_EQ(d.considered[0].standing, Standing::rejected);
    EXPECT_THAT(d.considered[0].reasons, Contains(GetParam().code));
    EXPECT_NE(d.considered[0].text, "");
    const auto door = refuse_at_the_door(w.input());
    ASSERT_TRUE(door);
    EXPECT_EQ(door->code, GetParam().code);
    EXPECT_EQ(door->category, GetParam().category);
}

void make_paid(World& w) { w.providers = {cloud("a")}; }

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachRule, DecideRejects, testing::Values(
    RuleRow{"Disabled", [](World& w) { w["a"].health = Health::disabled; },
            "disabled", Category::worker_unavailable},
    RuleRow{"Misconfigured", [](World& w) { w["a"].health = Health::misconfigured; },
            "misconfigured", Category::worker_unavailable},
    RuleRow{"ModelMisconfigured", [](World& w) { w.pair("a").misconfigured = "no weights"; },
            "misconfigured", Category::model_not_found},
    RuleRow{"Draining", [](World& w) { w["a"].health = Health::draining; },
            "draining", Category::worker_unavailable},
    RuleRow{"Ignored", [](World& w) { w.order.route.ignore = {"a"}; },
            "excluded", Category::invalid_params},
    RuleRow{"NotAmongOnly", [](World& w) { w.order.route.only = {"b"}; },
            "excluded", Category::invalid_params},
    RuleRow{"ProviderRefusesKey", [](World& w) { w["a"].keys_allowed = {"studio"}; w.key.name = "guest"; },
            "key_not_allowed", Category::invalid_params},
    RuleRow{"KeyRefusesProvider", [](World& w) { w.key.providers = {"b"}; },
            "key_not_allowed", Category::invalid_params},
    RuleRow{"RequestStaysHome", [](World& w) { w["a"].egress = Egress::cloud; w.order.route.egress = Egress::local; },
            "egress_denied", Category::invalid_params},
    RuleRow{"ChainStaysHome", [](World& w) { w["a"].egress = Egress::local; w.chain.egress = Egress::none; },
            "egress_denied", Category::invalid_params},
    RuleRow{"PictureToACloud", [](World& w) { w["a"].egress = Egress::cloud; w.order.wish.inputs = {{.role = "start_image"}}; },
            "egress_denied", Category::invalid_params},
    RuleRow{"PictureWithAVeto", [](World& w) { w["a"].egress = Egress::cloud; w.order.wish.inputs = {{.role = "start_image"}};
                                               w.chain.allow_media_egress = true; w.order.route.allow_media_egress = false; },
            "egress_denied", Category::invalid_params},
    RuleRow{"Task", [](World& w) { w.order.wish.task = "v2v"; },
            "task_unsupported", Category::unsupported_capability},
    RuleRow{"Input", [](World& w) { w.order.wish.inputs = {{.role = "start_image"}, {.role = "end_image"}}; },
            "input_unsupported", Category::unsupported_capability},
    RuleRow{"Size", [](World& w) { w.order.wish.size = FrameSize{3840, 2160}; },
            "size_unsupported", Category::unsupported_capability},
    RuleRow{"Frames", [](World& w) { w.order.wish.frames = 500; },
            "frames_unsupported", Category::unsupported_capability},
    RuleRow{"FramesExactly", [](World& w) { w.order.wish.frames = 48; w.order.adjust = Adjust::reject; },
            "frames_unsupported", Category::unsupported_capability},
    RuleRow{"Fps", [](World& w) { w.order.wish.fps = 30; },
            "fps_unsupported", Category::unsupported_capability},
    RuleRow{"Duration", [](World& w) { w.order.wish.seconds = 60; },
            "duration_unsupported", Category::unsupported_capability},
    RuleRow{"Audio", [](World& w) { w.order.wish.audio = true; },
            "audio_unsupported", Category::unsupported_capability},
    RuleRow{"Seed", [](World& w) { w.pair("a").model.seed = false; w.order.wish.seed = 1; w.order.wish.require_seed = true; },
            "seed_unsupported", Category::unsupported_capability},
    RuleRow{"Nonsense", [](World& w) { w.order.wish.fps = -1; },
            "fps_unsupported", Category::invalid_params},
    RuleRow{"Model", [](World& w) { w.order.wish.model = "sora"; },
            "model_not_found", Category::model_not_found},
    RuleRow{"StepsModel", [](World& w) { w.chain.steps[0].model = "sora"; },
            "model_not_found", Category::model_not_found},
    RuleRow{"PriceUnknown", [](World& w) { make_paid(w); w.pair("a").usd_per_second.reset(); w.limits.spend_cap = Money{1}; },
            "price_unknown", Category::budget_exceeded},
    RuleRow{"PriceUnknownToAKey", [](World& w) { make_paid(w); w.pair("a").usd_per_second.reset(); w.key.left = Money{9'000'000}; },
            "price_unknown", Category::budget_exceeded},
    RuleRow{"TooDear", [](World& w) { make_paid(w); w.order.route.max_price = Money{504'166}; },
            "price_over_cap", Category::budget_exceeded},
    RuleRow{"TooDearForTheJob", [](World& w) { make_paid(w); w.limits.spend_cap = Money{504'166}; },
            "price_over_cap", Category::budget_exceeded},
    RuleRow{"KeyIsEmpty", [](World& w) { make_paid(w); w.key.left = Money{504'166}; },
            "budget_exceeded", Category::budget_exceeded},
    RuleRow{"TooBig", [](World& w) { w.pair("a").model.vram_peak_mb = 18'001; w["a"].vram_budget_mb = 18'000; },
            "vram_never_fits", Category::insufficient_vram},
    RuleRow{"NotInTheChain", [](World& w) { w.chain.steps.clear(); },
            "not_in_chain", Category::worker_unavailable}),
    [](const auto& row) { return row.param.name; });
// clang-format on

struct AllowRow {
    const char* name;
    void (*change)(World&);
};

class DecideAllows : public testing::TestWithParam<AllowRow> {};

TEST_P(DecideAllows, WhatIsJustInside)
{
    World w;
    w.providers = {cloud("a")};
    w.chain.steps = {{.use = "a"}};
    GetParam().change(w);
    EXPECT_EQ(told(w.decide()), "a/wan");
    EXPECT_FALSE(refuse_at_the_door(w.input()));
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachRule, DecideAllows, testing::Values(
    AllowRow{"PriceAtTheCap", [](World& w) { w.order.route.max_price = Money{504'167}; }},
    AllowRow{"LastMoneyOfTheKey", [](World& w) { w.key.left = Money{504'167}; }},
    AllowRow{"UnknownPriceWithoutACap", [](World& w) { w.pair("a").usd_per_second.reset(); }},
    AllowRow{"PromptToACloud", [](World&) {}},
    AllowRow{"ConsentOfTheRequest", [](World& w) { w.order.wish.inputs = {{.role = "start_image"}};
                                                   w.order.route.allow_media_egress = true; }},
    AllowRow{"ConsentOfTheKey", [](World& w) { w.order.wish.inputs = {{.role = "start_image"}};
                                               w.key.allow_media_egress = true; }},
    AllowRow{"ConsentOfTheChain", [](World& w) { w.order.wish.inputs = {{.role = "start_image"}};
                                                 w.chain.allow_media_egress = true; }},
    AllowRow{"ChainAsModel", [](World& w) { w.order.wish.model = "clips"; }},
    AllowRow{"ModelByName", [](World& w) { w.order.wish.model = "wan"; }},
    AllowRow{"KeyOnTheList", [](World& w) { w["a"].keys_allowed = {"studio"}; w.key.name = "studio"; }},
    AllowRow{"PoolOnTheKeysList", [](World& w) { w["a"].pool = "gpus"; w.key.providers = {"gpus"}; }},
    AllowRow{"VramToTheBrim", [](World& w) { w.pair("a").model.vram_peak_mb = 18'000; w["a"].vram_budget_mb = 18'000; }},
    AllowRow{"Degraded", [](World& w) { w["a"].health = Health::degraded; }},
    AllowRow{"Busy", [](World& w) { w["a"].health = Health::busy; w["a"].running = 3; }}),
    [](const auto& row) { return row.param.name; });

// What passes `a` over; `next` is who goes instead, in a chain of a, b (free) and c (paid).
struct SkipRow {
    const char* name;
    void (*spoil)(World&);
    const char* code;
    const char* next;       // with b at hand
    const char* only_paid;  // with c alone
    const char* alone;
};
// clang-format on

class DecideSkips : public testing::TestWithParam<SkipRow> {};

TEST_P(DecideSkips, AndRemembersWhy)
{
    World w;
    GetParam().spoil(w);
    const Decision d = w.decide();
    EXPECT_EQ(told(d), GetParam().next);
    EXPECT_EQ(of(d, "a").standing, Standing::skipped);
    EXPECT_THAT(of(d, "a").reasons, Contains(GetParam().code));
    EXPECT_FALSE(refuse_at_the_door(w.input())) << "what passes is no reason at the door";

    w.chain.steps = {{.use = "a"}, {.use = "c"}};
    EXPECT_EQ(told(w.decide()), GetParam().only_paid);
    w.chain.steps = {{.use = "a"}};
    EXPECT_EQ(told(w.decide()), GetParam().alone);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachState, DecideSkips, testing::Values(
    SkipRow{"Unhealthy", [](World& w) { w["a"].health = Health::unhealthy; },
            "unhealthy", "b/wan", "c/wan", "wait waiting_for_provider"},
    SkipRow{"BreakerOpen", [](World& w) { w.pair("a").breaker = Breaker::open; },
            "breaker_open", "b/wan", "c/wan", "wait waiting_for_provider"},
    SkipRow{"Resting", [](World& w) { w.pair("a").rests_until = kNow + 30s; },
            "cooling_down", "b/wan", "c/wan", "wait waiting_for_provider"},
    SkipRow{"TrialRunning", [](World& w) { w.pair("a").breaker = Breaker::half_open; w["a"].running = 1; w["a"].slots = 2; },
            "trial_running", "b/wan", "c/wan", "wait slot"},
    SkipRow{"Full", [](World& w) { w["a"].running = 1; },
            "no_free_slot", "b/wan", "wait slot", "wait slot"},
    SkipRow{"Starting", [](World& w) { w["a"].health = Health::starting; },
            "starting", "b/wan", "wait waiting_for_provider", "wait waiting_for_provider"},
    SkipRow{"Unknown", [](World& w) { w["a"].health = Health::unknown; },
            "starting", "b/wan", "wait waiting_for_provider", "wait waiting_for_provider"},
    SkipRow{"NotYetDescribed", [](World& w) { w["a"].health = Health::starting; w["a"].pairs.clear();
                                              w["a"].charge = Charge::paid; w["a"].egress = Egress::cloud; },
            "starting", "b/wan", "wait waiting_for_provider", "wait waiting_for_provider"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(DecideHolds, PaidWorkBackWhereAFreeSlotIsNear)
{
    World w;
    w["a"].running = 1;
    w["b"].running = 1;
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "wait slot");
    EXPECT_EQ(of(d, "c").standing, Standing::standby);
    EXPECT_THAT(of(d, "c").reasons, Contains("waits_for_free"));
}

TEST(DecideHolds, NothingBackWhereTheChainAsksForSpeedOrPaidComesFirst)
{
    World w;
    w["a"].running = 1;
    w["b"].running = 1;
    w.chain.policy = ChainPolicy::fastest;
    EXPECT_EQ(told(w.decide()), "c/wan");
    w.chain.policy = ChainPolicy::ordered;
    w.chain.steps = {{.use = "c"}, {.use = "a"}};
    EXPECT_EQ(told(w.decide()), "c/wan");
}

TEST(DecideHolds, APaidSlotDoesNotKeepFromAnotherPaidOne)
{
    World w;
    w.providers = {cloud("a"), cloud("c")};
    w.chain.steps = {{.use = "a"}, {.use = "c"}};
    w["a"].running = 4;
    EXPECT_EQ(told(w.decide()), "c/wan");
}

// Free work that never comes is no reason to fail where somebody could be paid.
TEST(DecideHolds, PaidWorkBackNoLongerThanMaxWait)
{
    World w;
    w.chain.steps = {{.use = "a"}, {.use = "c"}};
    w["a"].health = Health::starting;
    w.order.max_wait = 60s;
    w.waiting_since = kNow - 59s;
    EXPECT_EQ(told(w.decide()), "wait waiting_for_provider");
    w.waiting_since = kNow - 60s;
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "c/wan");
    EXPECT_EQ(of(d, "c").standing, Standing::chosen);
    EXPECT_TRUE(of(d, "c").reasons.empty());
    w.order.max_wait = 0s;
    w.waiting_since.reset();
    EXPECT_EQ(told(w.decide()), "c/wan");
}

TEST(DecideWaits, UntilTheEarliestThatIsKnown)
{
    World w;
    w["a"].health = Health::unhealthy;
    w["a"].back_at = kNow + 90s;
    w.pair("b").breaker = Breaker::open;
    w.pair("b").rests_until = kNow + 40s;
    w["c"].health = Health::disabled;
    const Decision d = w.decide();
    ASSERT_EQ(told(d), "wait waiting_for_provider");
    EXPECT_EQ(std::get<Wait>(d.outcome).until, kNow + 40s);
}

TEST(DecideWaits, NoLongerThanTheJobIsWillingTo)
{
    World w;
    w.chain.steps = {{.use = "a"}};
    w["a"].health = Health::unhealthy;
    w["a"].reason = "connection refused";
    w.order.max_wait = 60s;
    w.waiting_since = kNow - 59s;
    const Decision waiting = w.decide();
    ASSERT_EQ(told(waiting), "wait waiting_for_provider");
    EXPECT_EQ(std::get<Wait>(waiting.outcome).until, kNow + 1s);
    w.waiting_since = kNow - 60s;
    const Decision over = w.decide();
    ASSERT_EQ(told(over), "give up worker_unavailable");
    EXPECT_THAT(std::get<GiveUp>(over.outcome).error.text, HasSubstr("connection refused"));
    EXPECT_THAT(std::get<GiveUp>(over.outcome).error.text, HasSubstr("within 60 s"));
}

TEST(DecideWaits, NotAtAllWhereMaxWaitIsZero)
{
    World w;
    w.chain.steps = {{.use = "a"}};
    w["a"].health = Health::unhealthy;
    w.order.max_wait = 0s;
    EXPECT_EQ(told(w.decide()), "give up worker_unavailable");
    w["a"].health = Health::busy;
    w["a"].running = 1;
    EXPECT_EQ(told(w.decide()), "wait slot") << "a queue is not an outage";
}

TEST(DecideEnds, WithTheMostUsefulReasonAndNotTheLast)
{
    World w;
    w["a"].health = Health::unhealthy;
    w["b"].health = Health::misconfigured;
    w["c"].health = Health::ready;
    w.order.wish.inputs = {{.role = "start_image"}};
    w.order.max_wait = 0s;
    const Decision d = w.decide();
    ASSERT_EQ(told(d), "give up invalid_params");
    const Error& error = std::get<GiveUp>(d.outcome).error;
    EXPECT_EQ(error.code, "egress_denied");
    EXPECT_THAT(error.text, HasSubstr("a/wan: it is unhealthy"));
    EXPECT_THAT(error.text, HasSubstr("c/wan: the inputs would leave"));
    EXPECT_NE(error.hint, "");
}

TEST(DecideEnds, AtTheDeadlineWhateverElseIsPossible)
{
    World w;
    w.order.deadline = 60s;
    w.created = kNow - 60s;
    const Decision d = w.decide();
    EXPECT_EQ(told(d), "give up deadline_exceeded");
    EXPECT_EQ(of(d, "a").standing, Standing::standby);
}

TEST(DecideTrial, LetsOneJobThroughAHalfOpenBreaker)
{
    World w;
    w.pair("a").breaker = Breaker::half_open;
    const Decision d = w.decide();
    ASSERT_EQ(told(d), "a/wan");
    EXPECT_TRUE(std::get<Dispatch>(d.outcome).is_trial);
}

TEST(DecideDoor, NamesTheProviderThatDoesNotExist)
{
    World w;
    w.order.route.provider = "nobody";
    const auto door = refuse_at_the_door(w.input());
    ASSERT_TRUE(door);
    EXPECT_EQ(door->category, Category::invalid_params);
    EXPECT_EQ(door->code, "not_configured");
    EXPECT_EQ(door->phase, Phase::validate);
}

TEST(DecideDoor, GivesTheReasonsOfEach)
{
    World w;
    w.order.wish.fps = 30;
    w["b"].health = Health::misconfigured;
    const auto door = refuse_at_the_door(w.input());
    ASSERT_TRUE(door);
    EXPECT_EQ(door->category, Category::unsupported_capability);
    for (const char* who : {"a/wan: fps", "b/wan: fps", "c/wan: fps"})
        EXPECT_THAT(door->text, HasSubstr(who));
}

TEST(DecideDoor, LetsAnEmptyWorldBeSeen)
{
    World w;
    w.providers.clear();
    w.chain.steps.clear();
    const auto door = refuse_at_the_door(w.input());
    ASSERT_TRUE(door);
    EXPECT_EQ(door->category, Category::worker_unavailable);
    EXPECT_EQ(door->code, "no_provider");
}

} // namespace
} // namespace reelgate
