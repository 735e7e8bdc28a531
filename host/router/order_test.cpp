// Who is tried before whom.
#include "host/router/chance.hpp"
#include "host/router/route_world.hpp"

#include <gmock/gmock.h>
#include <map>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using namespace testing_world;
using enum Category;

// The providers that could go, in the order in which they would be tried: "a b c".
std::string order_of(const World& w)
{
    std::string out;
    for (const Considered& c : w.decide().considered)
        if (c.standing != Standing::rejected) out += (out.empty() ? "" : " ") + c.provider;
    return out;
}

struct OrderRow {
    const char* name;
    void (*change)(World&);
    const char* order;
};

class Order : public testing::TestWithParam<OrderRow> {};

TEST_P(Order, Is)
{
    World w; // a and b are free, c costs money; all are ready, all are cold
    GetParam().change(w);
    EXPECT_EQ(order_of(w), GetParam().order);
}

Estimate seconds(double start, double run)
{
    Estimate estimate;
    estimate.start = std::chrono::duration<double>(start);
    estimate.run = std::chrono::duration<double>(run);
    estimate.basis = Estimate::Basis::history;
    return estimate;
}

void pool(World& w)
{
    w.providers = {local("x"), local("y"), local("z")};
    for (ProviderSnapshot& p : w.providers) {
        p.pool = "gpus";
        p.slots = 4;
    }
    w.chain.steps = {{.use = "gpus"}};
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachPolicy, Order, testing::Values(
    OrderRow{"OrderedIsTheList",   [](World&) {}, "a b c"},
    OrderRow{"OrderedWhateverIsWarm", [](World& w) { w.pair("b").loaded = true; }, "a b c"},
    OrderRow{"OrderedWhateverIsFree", [](World& w) { w.chain.steps = {{.use = "c"}, {.use = "b"}, {.use = "a"}}; }, "c b a"},
    OrderRow{"RequestPutsFirst",   [](World& w) { w.order.route.order = {"c", "b"}; }, "c b a"},
    OrderRow{"RequestPutsOneFirst", [](World& w) { w.order.route.order = {"nobody", "b"}; }, "b a c"},
    OrderRow{"NamedAndNoOther",    [](World& w) { w.order.route.provider = "b"; }, "b"},
    OrderRow{"NamedWithFallback",  [](World& w) { w.order.route.provider = "b"; w.order.route.allow_fallback = true; }, "b a c"},
    OrderRow{"NamedOutsideTheChain", [](World& w) { w.chain.steps = {{.use = "a"}}; w.order.route.provider = "b"; }, "b"},
    OrderRow{"NamedPoolMember",    [](World& w) { pool(w); w.order.route.provider = "y"; }, "y"},
    OrderRow{"NamedPoolMemberThenTheOthers", [](World& w) { pool(w); w.order.route.provider = "y"; w.order.route.allow_fallback = true; }, "y x z"},
    OrderRow{"WithoutFallback",    [](World& w) { w.order.route.allow_fallback = false; }, "a"},
    OrderRow{"WithoutFallbackFromTheFirstThatCan", [](World& w) { w.order.route.allow_fallback = false; w["a"].health = Health::disabled; }, "b"},

    OrderRow{"Cheapest",           [](World& w) { w.chain.policy = ChainPolicy::cheapest;
                                                  w.chain.steps = {{.use = "c"}, {.use = "b"}, {.use = "a"}}; }, "b a c"},
    OrderRow{"CheapestTiesToTheWarm", [](World& w) { w.chain.policy = ChainPolicy::cheapest; w.pair("b").loaded = true; }, "b a c"},
    OrderRow{"CheapestUnpricedLast", [](World& w) { w.chain.policy = ChainPolicy::cheapest; w["a"].charge = Charge::paid;
                                                    w.pair("a").usd_per_second.reset(); }, "b c a"},

    OrderRow{"Fastest",            [](World& w) { w.chain.policy = ChainPolicy::fastest; w.pair("a").estimate = seconds(60, 30);
                                                  w.pair("b").estimate = seconds(0, 80); w.pair("c").estimate = seconds(5, 20); }, "c b a"},
    OrderRow{"FastestUnknownLast", [](World& w) { w.chain.policy = ChainPolicy::fastest; w.pair("c").estimate = seconds(900, 900); }, "c a b"},
    OrderRow{"FastestByExperience", [](World& w) { w.chain.policy = ChainPolicy::fastest; w.pair("a").pace = 30;
                                                   w.pair("c").pace = 2; }, "c a b"},
    OrderRow{"FastestTiesToTheWarm", [](World& w) { w.chain.policy = ChainPolicy::fastest; w.pair("b").loaded = true; }, "b a c"},

    OrderRow{"WeightOfNothingIsLast", [](World& w) { w.chain.policy = ChainPolicy::weighted; w.chain.steps[0].weight = 0;
                                                     w.chain.steps[1].weight = 0; }, "c a b"},

    OrderRow{"PoolWarmFirst",      [](World& w) { pool(w); w.pair("y").loaded = true; w["y"].running = 3; }, "y x z"},
    OrderRow{"PoolLeastBusy",      [](World& w) { pool(w); w["x"].running = 2; w["y"].running = 1; }, "z y x"},
    OrderRow{"PoolByShareOfSlots", [](World& w) { pool(w); w["x"].running = 1; w["x"].slots = 2; w["y"].running = 1; w["z"].running = 3; }, "y x z"},
    OrderRow{"PoolHealthiest",     [](World& w) { pool(w); w["x"].health = Health::degraded; w["y"].health = Health::busy; }, "z y x"},
    OrderRow{"PoolThenTheRest",    [](World& w) { pool(w); w.providers.push_back(cloud("c")); w.chain.steps.push_back({.use = "c"}); }, "x y z c"},

    OrderRow{"FreeBeforeARepetitionBeforePaid", [](World& w) { w.failed("a", failure(network_error, Phase::connect), Verdict::not_sent); }, "b a c"},
    OrderRow{"RepetitionThatNeedNotWaitKeepsItsPlace", [](World& w) { w.failed("a", failure(network_error, Phase::connect), Verdict::not_sent);
                                                                      w.now += 5s; }, "a b c"},
    OrderRow{"LastResortIsLast",   [](World& w) { w.failed("a", failure(worker_unavailable, Phase::connect), Verdict::not_sent); }, "b c a"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(OrderCredentials, AnotherOfTheSameProviderComesFirst)
{
    World w;
    w["a"].pairs[0].credential = "first";
    PairSnapshot other{.model = wan("other")};
    other.credential = "second";
    w["a"].pairs.push_back(other);
    w.chain.steps = {{.use = "b"}, {.use = "a"}};
    ASSERT_EQ(told(w.decide()), "b/wan");
    w["b"].health = Health::unhealthy;
    ASSERT_EQ(told(w.decide()), "a/wan");
    w.failed("a", failure(quota_exhausted, Phase::submit), Verdict::refused);
    w["b"].health = Health::ready;
    EXPECT_EQ(told(w.decide()), "a/other");
}

TEST(OrderWeighted, GivesToEachItsShare)
{
    World w;
    w.chain.policy = ChainPolicy::weighted;
    w.chain.steps = {
        {.use = "a", .weight = 1},
        {.use = "b", .weight = 3}
    };
    std::map<std::string, int> times;
    for (w.seed = 0; w.seed < 4000; ++w.seed)
        ++times[told(w.decide())];
    EXPECT_EQ(times["a/wan"] + times["b/wan"], 4000);
    EXPECT_NEAR(times["b/wan"], 3000, 120) << "more than four standard deviations";
}

TEST(OrderWeighted, IsTheSameForTheSameJob)
{
    World w;
    w.chain.policy = ChainPolicy::weighted;
    for (w.seed = 0; w.seed < 50; ++w.seed)
        EXPECT_EQ(order_of(w), order_of(w));
}

TEST(OrderRepeats, BeforeAnybodyIsPaid)
{
    World w;
    w.chain.steps = {{.use = "a"}, {.use = "c"}};
    w.failed("a", failure(provider_error, Phase::run));
    EXPECT_EQ(told(w.decide()), "wait retry");
    EXPECT_TRUE(has_reason(of(w.decide(), "c"), "waits_for_free"));
    w["a"].health = Health::unhealthy; // nobody knows when it comes back
    EXPECT_EQ(told(w.decide()), "c/wan");
}

TEST(OrderRepeats, WaitForARestartThatHasATime)
{
    World w;
    w.chain.steps = {{.use = "a"}, {.use = "c"}};
    w.failed("a", failure(plugin_crashed, Phase::run));
    w["a"].health = Health::unhealthy;
    w["a"].back_at = w.now + 4s;
    EXPECT_EQ(told(w.decide()).substr(0, 4), "wait");
    w["a"].back_at = w.now + 11min; // longer than the job's patience
    EXPECT_EQ(told(w.decide()), "c/wan");
}

TEST(Chance, IsEvenAndTheSameEachTime)
{
    std::array<int, 10> tenths{};
    for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
        const double chance = chance_of(seed, 1);
        ASSERT_GE(chance, 0);
        ASSERT_LT(chance, 1);
        ASSERT_EQ(chance, chance_of(seed, 1));
        ++tenths[static_cast<std::size_t>(chance * 10)];
    }
    for (const int times : tenths)
        EXPECT_NEAR(times, 1000, 150);
    EXPECT_NE(chance_of(1, "a"), chance_of(1, "b"));
}

} // namespace
} // namespace reelgate
