// What holds in every world: twenty thousand of them, drawn from a seed, each followed through the
// whole life of a job.
#include "host/router/chance.hpp"
#include "host/router/failure_policy.hpp"
#include "host/router/reason_table.hpp"
#include "host/router/route_world.hpp"

#include <gmock/gmock.h>
#include <set>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using namespace testing_world;

constexpr std::uint64_t kWorlds = 20'000;
constexpr unsigned kTurns = 12; // of one job

class Dice {
public:
    explicit Dice(std::uint64_t seed) : seed_(seed) {}

    std::size_t below(std::size_t n)
    {
        return static_cast<std::size_t>(chance_of(seed_, turn_++) * static_cast<double>(n));
    }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <typename T>
    T one_of(std::initializer_list<T> all)
    {
        return all.begin()[below(all.size())];
    }

private:
    std::uint64_t seed_;
    std::uint64_t turn_ = 0;
};

PairSnapshot some_pair(Dice& dice, const char* model)
{
    PairSnapshot pair{.model = wan(model)};
    pair.loaded = dice.one_in(2);
    if (dice.one_in(12)) pair.misconfigured = "no weights";
    pair.breaker =
        dice.one_in(6) ? dice.one_of({Breaker::open, Breaker::half_open}) : Breaker::closed;
    if (dice.one_in(8)) pair.rests_until = kNow + dice.one_of({10s, 100s, 1000s});
    if (!dice.one_in(6)) pair.usd_per_second = Money{dice.one_of({0, 50'000, 400'000})};
    if (dice.one_in(2)) pair.credential = dice.one_of({"first", "second"});
    if (dice.one_in(6)) pair.model.vram_peak_mb = dice.one_of({8'000U, 48'000U});
    if (dice.one_in(4)) pair.model.seed = false;
    if (dice.one_in(6)) pair.model.fps = {16};
    if (dice.one_in(2)) {
        pair.estimate.run = std::chrono::duration<double>(static_cast<double>(dice.below(300)));
        pair.estimate.basis = Estimate::Basis::history;
    }
    return pair;
}

// Mostly healthy: a world in which nothing can go shows little.
Health some_health(Dice& dice)
{
    if (dice.one_in(2)) return Health::ready;
    return static_cast<Health>(dice.below(9));
}

ProviderSnapshot some_provider(Dice& dice, const char* id)
{
    ProviderSnapshot p{.id = id, .plugin = "any"};
    p.charge = dice.one_of({Charge::free, Charge::paid});
    p.egress = dice.one_of({Egress::none, Egress::local, Egress::cloud});
    p.health = some_health(dice);
    p.slots = dice.one_of({1U, 4U});
    p.running = dice.one_in(4) ? p.slots : 0;
    if (dice.one_in(4)) p.back_at = kNow + 30s;
    if (dice.one_in(3)) p.vram_budget_mb = 24'000;
    if (dice.one_in(10)) p.keys_allowed = {"studio"};
    const std::size_t models = dice.below(8);
    if (models > 0) p.pairs.push_back(some_pair(dice, "wan"));
    if (models > 5) p.pairs.push_back(some_pair(dice, "ltx"));
    return p;
}

void some_wishes(Dice& dice, World& w)
{
    RouteWish& route = w.order.route;
    if (dice.one_in(8)) route.provider = dice.one_of({"a", "b", "c", "nobody"});
    if (dice.one_in(4)) route.allow_fallback = dice.one_in(2);
    if (dice.one_in(8)) route.ignore = {dice.one_of({"a", "b"})};
    if (dice.one_in(12)) route.only = {"b", "c"};
    if (dice.one_in(8)) route.order = {"c"};
    if (dice.one_in(4)) route.egress = dice.one_of({Egress::none, Egress::local, Egress::cloud});
    if (dice.one_in(4)) route.max_price = Money{dice.one_of({100'000, 600'000})};
    if (dice.one_in(4)) w.order.wish.inputs = {{.role = "start_image"}};
    if (dice.one_in(2)) route.allow_media_egress = dice.one_in(2);
    if (dice.one_in(6)) w.order.wish.model = dice.one_of({"wan", "ltx", "clips", "sora"});
    if (dice.one_in(3)) w.order.wish.seed = 7;
    if (dice.one_in(3)) w.order.wish.require_seed = true;
    if (dice.one_in(10)) w.order.wish.fps = 16;
    if (dice.one_in(6)) w.order.max_wait = dice.one_of({0s, 60s});
    if (dice.one_in(4)) w.order.deadline = dice.one_of({30s, 300s});
    if (dice.one_in(3)) w.order.on_oom = {"tiling"};
}

World some_world(std::uint64_t seed)
{
    Dice dice(seed);
    World w;
    w.seed = seed;
    w.providers.clear();
    w.chain.steps.clear();
    for (const char* id : {"a", "b", "c", "d"}) {
        if (dice.one_in(6)) continue;
        w.providers.push_back(some_provider(dice, id));
        if (!dice.one_in(8))
            w.chain.steps.push_back({.use = id,
                                     .next_on_content_rejected = dice.one_in(2),
                                     .weight = static_cast<std::uint32_t>(dice.below(4))});
    }
    if (dice.one_in(10)) w.chain.steps.push_back({.use = "nobody"});
    w.chain.policy = static_cast<ChainPolicy>(dice.below(4));
    w.limits.max_submits = static_cast<unsigned>(dice.below(5));
    w.limits.max_paid_resubmits = static_cast<unsigned>(dice.below(3));
    if (dice.one_in(3)) w.limits.spend_cap = Money{dice.one_of({600'000, 3'000'000})};
    if (dice.one_in(4)) w.key.left = Money{dice.one_of({0, 300'000, 5'000'000})};
    if (dice.one_in(8)) w.key.providers = {"a", "c"};
    if (dice.one_in(4)) w.key.name = "studio";
    some_wishes(dice, w);
    return w;
}

// An end for the attempt that was just chosen: any category in any phase.
void end_somehow(World& w, const Dispatch& go, Dice& dice)
{
    const auto& categories = category_table();
    const Category category = categories[dice.below(categories.size())].category;
    Error error = failure(category, static_cast<Phase>(dice.below(11)));
    if (dice.one_in(4)) error.retry_after = dice.one_of({1s, 30s, 3000s});
    if (dice.one_in(3)) error.compute_stopped = dice.one_in(2);
    if (dice.one_in(6)) error.code = "written_off";
    const auto verdict = static_cast<Verdict>(1 + dice.below(4));
    Attempt& attempt = w.failed(go.provider, std::move(error), verdict);
    attempt.model = go.model;
    attempt.reserved = go.reserve;
    if (attempt.charge == Charge::paid && dice.one_in(2))
        attempt.billing = static_cast<Billing>(1 + dice.below(3));
    attempt.crashed_worker = category == Category::plugin_crashed;
    w.now += std::chrono::seconds(dice.below(60));
    attempt.ended = w.now;
}

// The choice is lawful, said again from the outside: with the plain words of the order.
void expect_lawful(const World& w, const Dispatch& go)
{
    const auto p = std::find_if(w.providers.begin(), w.providers.end(), [&](const auto& provider) {
        return provider.id == go.provider;
    });
    ASSERT_NE(p, w.providers.end());
    const auto pair = std::find_if(p->pairs.begin(), p->pairs.end(), [&](const auto& found) {
        return found.model.id == go.model;
    });
    ASSERT_NE(pair, p->pairs.end());
    const RouteWish& route = w.order.route;
    const bool in_chain = std::any_of(w.chain.steps.begin(),
                                      w.chain.steps.end(),
                                      [&](const ChainStep& step) { return step.use == p->id; });
    EXPECT_TRUE(in_chain || route.provider == p->id);
    if (route.provider && !route.allow_fallback.value_or(false)) {
        EXPECT_EQ(p->id, *route.provider);
    }
    EXPECT_TRUE(p->health == Health::ready || p->health == Health::busy ||
                p->health == Health::degraded);
    EXPECT_LT(p->running, p->slots);
    EXPECT_NE(pair->breaker, Breaker::open);
    EXPECT_EQ(go.is_trial, pair->breaker == Breaker::half_open);
    EXPECT_TRUE(pair->misconfigured.empty());
    EXPECT_TRUE(!pair->rests_until || *pair->rests_until <= w.now);
    EXPECT_LE(p->egress, route.egress.value_or(Egress::cloud));
    EXPECT_FALSE(p->egress == Egress::cloud && !w.order.wish.inputs.empty() &&
                 !route.allow_media_egress.value_or(false));
    EXPECT_TRUE(std::count(route.ignore.begin(), route.ignore.end(), p->id) == 0);
    EXPECT_TRUE(route.only.empty() || std::count(route.only.begin(), route.only.end(), p->id) > 0);
    EXPECT_TRUE(w.key.providers.empty() || p->id == "a" || p->id == "c");
    EXPECT_TRUE(p->keys_allowed.empty() || w.key.name == "studio");
    EXPECT_TRUE(!pair->model.vram_peak_mb || !p->vram_budget_mb ||
                *pair->model.vram_peak_mb <= *p->vram_budget_mb);
}

void expect_paid_for(const World& w, const Dispatch& go)
{
    Money spent;
    for (const Attempt& a : w.attempts)
        if (a.billing >= Billing::maybe_billed) spent += a.reserved;
    if (w.limits.spend_cap) {
        EXPECT_LE(go.reserve == Money{} ? Money{} : spent + go.reserve, *w.limits.spend_cap);
    }
    if (w.order.route.max_price) {
        EXPECT_LE(go.reserve, *w.order.route.max_price);
    }
    if (w.key.left) {
        EXPECT_LE(go.reserve, *w.key.left);
    }
}

bool left(const Attempt& a) { return a.verdict != Verdict::not_sent; }

// The past allows it: nobody gets a job again after a failure that grants no repetition, and after
// a paid submit whose verdict is lost nobody gets it at all.
void expect_allowed_by_the_past(const World& w, const Dispatch& go)
{
    if (w.attempts.empty()) return;
    const auto submits = std::count_if(w.attempts.begin(), w.attempts.end(), left);
    EXPECT_LT(submits, w.limits.max_submits);
    const Attempt& last = w.attempts.back();
    const bool lost = last.verdict == Verdict::ambiguous && last.charge == Charge::paid;
    EXPECT_TRUE(!lost || last.error->code == "written_off");
    for (auto a = w.attempts.rbegin(); a != w.attempts.rend(); ++a) {
        if (a->provider != go.provider || a->model != go.model) continue;
        const PolicyRow& row = policy_for(*a);
        EXPECT_TRUE(row.comes_back ||
                    (row.again == Again::submit && same_again(row, a->charge) > 0))
            << to_string(row.category) << ' ' << to_string(row.when);
        break;
    }
    const MoveOn move = move_on(policy_for(last), last.charge);
    const bool is_elsewhere = last.provider != go.provider || last.model != go.model;
    EXPECT_FALSE(is_elsewhere && move == MoveOn::never);
    EXPECT_FALSE(is_elsewhere && move == MoveOn::if_stopped &&
                 !last.error->compute_stopped.value_or(false));
}

void expect_explained(const World& w, const Decision& d)
{
    std::set<std::string> told_of;
    for (const Considered& c : d.considered) {
        told_of.insert(c.provider);
        const bool passed_over =
            c.standing == Standing::skipped || c.standing == Standing::rejected;
        EXPECT_EQ(passed_over && c.reasons.empty(), false) << c.provider;
        EXPECT_EQ(c.reasons.empty(), c.text.empty()) << c.provider;
        for (const std::string& code : c.reasons)
            EXPECT_NE(find_reason(code), nullptr) << code;
    }
    for (const ProviderSnapshot& p : w.providers)
        EXPECT_TRUE(told_of.contains(p.id)) << p.id;
}

// Chosen is whoever goes, and the first of those who could; nobody waits for the past.
void expect_consistent(const World& w, const Decision& d)
{
    const auto* go = std::get_if<Dispatch>(&d.outcome);
    unsigned chosen = 0;
    for (const Considered& c : d.considered) {
        if (c.standing != Standing::chosen) continue;
        ++chosen;
        ASSERT_NE(go, nullptr);
        EXPECT_EQ(c.provider + "/" + c.model, go->provider + "/" + go->model);
    }
    EXPECT_EQ(chosen, go == nullptr ? 0U : 1U);
    if (const auto* wait = std::get_if<Wait>(&d.outcome)) {
        ASSERT_TRUE(wait->until);
        EXPECT_GT(*wait->until, w.now);
    }
    if (const auto* end = std::get_if<GiveUp>(&d.outcome)) {
        EXPECT_NE(end->error.text, "");
    }
}

std::string all_of(const Decision& d)
{
    std::string out = told(d);
    for (const Considered& c : d.considered) {
        out += "\n" + c.provider + "/" + c.model + " " + std::string(to_string(c.standing));
        for (const std::string& code : c.reasons)
            out += " " + code;
    }
    return out;
}

TEST(DecideProperty, HoldsThroughTheLifeOfAnyJob)
{
    std::set<std::string> seen;
    std::set<std::string> outcomes;
    for (std::uint64_t seed = 0; seed < kWorlds; ++seed) {
        SCOPED_TRACE(seed);
        World w = some_world(seed);
        Dice dice(~seed);
        for (unsigned turn = 0; turn < kTurns; ++turn) {
            const Decision d = w.decide();
            expect_explained(w, d);
            expect_consistent(w, d);
            for (const Considered& c : d.considered)
                seen.insert(c.reasons.begin(), c.reasons.end());
            outcomes.insert(told(d).substr(0, 5));
            const auto* wait = std::get_if<Wait>(&d.outcome);
            const auto* go = std::get_if<Dispatch>(&d.outcome);
            if (wait != nullptr && wait->for_what == Waiting::retry) {
                w.now = *wait->until;
                continue;
            }
            if (go == nullptr) break;
            expect_lawful(w, *go);
            expect_paid_for(w, *go);
            expect_allowed_by_the_past(w, *go);
            end_somehow(w, *go, dice);
        }
        ASSERT_FALSE(testing::Test::HasFailure()) << all_of(w.decide());
    }
    // These few need more than a world of this kind can be; they have tests of their own.
    const std::set<std::string> elsewhere{"task_unsupported",
                                          "input_unsupported",
                                          "size_unsupported",
                                          "frames_unsupported",
                                          "duration_unsupported",
                                          "audio_unsupported",
                                          "steps_unsupported",
                                          "guidance_unsupported"};
    for (const ReasonRow& row : kReasonTable)
        EXPECT_NE(seen.contains(std::string(row.code)), elsewhere.contains(std::string(row.code)))
            << row.code;
    EXPECT_GE(outcomes.size(), 3U);
}

TEST(DecideProperty, IsTheSameWhenAskedAgainAndWhoeverIsListedFirst)
{
    for (std::uint64_t seed = 0; seed < kWorlds / 5; ++seed) {
        SCOPED_TRACE(seed);
        World w = some_world(seed);
        Dice dice(~seed);
        for (unsigned turn = 0; turn < 3; ++turn) {
            const Decision d = w.decide();
            ASSERT_EQ(all_of(d), all_of(w.decide()));
            World turned = w;
            std::reverse(turned.providers.begin(), turned.providers.end());
            const Decision other = turned.decide();
            ASSERT_EQ(told(other), told(d));
            for (const Considered& c : d.considered)
                ASSERT_EQ(of(other, c.provider).standing, of(d, c.provider).standing) << c.provider;
            const auto* go = std::get_if<Dispatch>(&d.outcome);
            if (go == nullptr) break;
            end_somehow(w, *go, dice);
        }
    }
}

// The door lets in exactly those whom nothing rejects for good, and what it refuses never runs.
TEST(DecideProperty, TheDoorAgreesWithTheDecision)
{
    unsigned refused = 0;
    for (std::uint64_t seed = 0; seed < kWorlds; ++seed) {
        SCOPED_TRACE(seed);
        const World w = some_world(seed);
        const Decision d = w.decide();
        const auto door = refuse_at_the_door(w.input());
        const bool all_rejected =
            std::all_of(d.considered.begin(), d.considered.end(), [](const Considered& c) {
                return c.standing == Standing::rejected;
            });
        ASSERT_EQ(door.has_value(), all_rejected) << all_of(d);
        if (!door) continue;
        ++refused;
        ASSERT_TRUE(std::holds_alternative<GiveUp>(d.outcome));
        ASSERT_EQ(door->category, std::get<GiveUp>(d.outcome).error.category);
        ASSERT_NE(door->text, "");
        ASSERT_NE(door->hint, "");
    }
    EXPECT_GT(refused, kWorlds / 20);
    EXPECT_LT(refused, kWorlds / 2);
}

} // namespace
} // namespace reelgate
