// What `explain` says and what the scheduler does are the same, for any configuration, any state of
// the providers and any order, as long as nothing changes in between.
#include "host/engine/engine_fixture.hpp"

#include <random>

namespace reelgate {
namespace {

constexpr unsigned kWorlds = 60;
constexpr unsigned kOrders = 6; // in each

class Dice {
public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}
    bool one_in(unsigned n) { return below(n) == 0; }
    unsigned below(unsigned n)
    {
        return std::uniform_int_distribution<unsigned>(0, n - 1)(random_);
    }
    template <class T>
    T of(std::initializer_list<T> all)
    {
        return *(all.begin() + below(static_cast<unsigned>(all.size())));
    }

private:
    std::mt19937_64 random_;
};

ModelCapability drawn_model(Dice& dice, std::string id)
{
    ModelCapability model;
    model.id = std::move(id);
    model.tasks =
        dice.one_in(4) ? std::vector<std::string>{"i2v"} : std::vector<std::string>{"t2v", "i2v"};
    model.inputs = {.image = 1};
    model.sizes = {.multiple_of = dice.of({16U, 32U}),
                   .max_pixels = dice.of({512U * 512, 1280U * 704})};
    model.frames = {.min = 5, .max = dice.of({33U, 121U}), .step = 4, .offset = 1};
    model.fps = {24};
    model.seed = !dice.one_in(4);
    model.default_size = {320, 192};
    model.default_frames = 21;
    model.default_fps = 24;
    return model;
}

Description drawn_description(Dice& dice)
{
    Description d;
    d.id = "drawn";
    d.version = "1";
    d.max_concurrency = 1 + dice.below(2);
    d.billing = dice.of({Charge::free, Charge::paid});
    d.egress = dice.of({std::string("none"), std::string("local"), std::string("cloud")});
    d.models.push_back(drawn_model(dice, "one"));
    if (dice.one_in(2)) d.models.push_back(drawn_model(dice, "two"));
    d.params_schema = Json{
        {"type", "object"}
    };
    return d;
}

ProbeReport drawn_report(Dice& dice)
{
    ProbeReport report;
    report.state = dice.of({ProviderState::ready,
                            ProviderState::ready,
                            ProviderState::ready,
                            ProviderState::busy,
                            ProviderState::starting,
                            ProviderState::degraded,
                            ProviderState::unhealthy,
                            ProviderState::misconfigured});
    if (dice.one_in(2)) report.loaded = {"one"};
    if (dice.one_in(6)) report.missing = {"one"};
    return report;
}

SlotConfig drawn_config(Dice& dice, std::string id)
{
    SlotConfig config{.id = std::move(id), .plugin = "drawn"};
    config.enabled = !dice.one_in(6);
    if (dice.one_in(8)) config.misconfigured = "drawn so";
    if (dice.one_in(4)) config.models = {"one"};
    if (dice.one_in(2)) config.usd_per_second["one"] = Money{dice.of({10'000, 100'000})};
    return config;
}

Chain drawn_chain(Dice& dice, unsigned providers)
{
    Chain chain;
    chain.id = "drawn";
    chain.policy = dice.of(
        {ChainPolicy::ordered, ChainPolicy::cheapest, ChainPolicy::fastest, ChainPolicy::weighted});
    for (unsigned i = 0; i < providers; ++i)
        if (!dice.one_in(5)) chain.steps.push_back({.use = "p" + std::to_string(i)});
    if (chain.steps.empty()) chain.steps.push_back({.use = "p0"});
    if (dice.one_in(4)) chain.egress = dice.of({Egress::none, Egress::local, Egress::cloud});
    return chain;
}

JobOrder drawn_order(Dice& dice)
{
    JobOrder order;
    order.wish.prompt = "anything";
    order.wish.seed = dice.below(1000); // the draw of `weighted` goes by it
    if (dice.one_in(3)) order.wish.model = dice.of({std::string("one"), std::string("two")});
    if (dice.one_in(3))
        order.wish.size = dice.of({
            FrameSize{320,  192},
            FrameSize{1280, 704}
        });
    if (dice.one_in(3)) order.wish.frames = dice.of({5U, 30U, 121U, 500U});
    if (dice.one_in(5)) order.wish.require_seed = true;
    if (dice.one_in(4)) order.route.provider = "p" + std::to_string(dice.below(4));
    if (dice.one_in(3)) order.route.allow_fallback = dice.one_in(2);
    if (dice.one_in(5)) order.route.egress = dice.of({Egress::none, Egress::local});
    if (dice.one_in(5)) order.route.max_price = Money{dice.of({1, 100'000, 10'000'000})};
    if (dice.one_in(3)) order.adjust = Adjust::reject;
    return order;
}

std::string told(const Decision& decision)
{
    if (const auto* go = std::get_if<Dispatch>(&decision.outcome))
        return "to " + go->provider + '/' + go->model;
    if (const auto* wait = std::get_if<Wait>(&decision.outcome))
        return "waits for " + std::string(to_string(wait->for_what));
    return "fails with " +
           std::string(to_string(std::get<GiveUp>(decision.outcome).error.category));
}

class Agreement : public testing::TestWithParam<unsigned> {
protected:
    // What became of the order, in the words of told(); the job is gone again afterwards.
    std::string done(EngineStage& stage, Engine& engine, const JobOrder& order)
    {
        const Result<Admitted> admitted = stage.finish(engine.submit(order, std::nullopt));
        if (!admitted) return "fails with " + std::string(to_string(admitted.error().category));
        const JobId id = admitted->job.id;
        std::string what;
        stage.until([&] { return !(what = seen(stage, engine, id)).empty(); });
        if (engine.store().live(id) != nullptr) {
            const auto cancelled = stage.finish(engine.cancel(id));
            EXPECT_TRUE(cancelled || cancelled.error().code == "already_final");
            stage.until([&] { return engine.store().live(id) == nullptr; });
            stage.until([&] { return all_idle(engine); });
        }
        return what;
    }

    static std::string seen(EngineStage& stage, Engine& engine, const JobId& id)
    {
        const Job* live = engine.store().live(id);
        if (live == nullptr) {
            const Result<Job> ended = stage.finish(engine.find(id));
            if (!ended || !ended->error) return ""; // its end is on its way to the disk
            return "fails with " + std::string(to_string(ended->error->category));
        }
        if (live->current() != nullptr) {
            auto* provider =
                static_cast<BusyProvider*>(engine.slot(live->current()->provider)->provider());
            const bool runs = !provider->runs.empty();
            return runs ? "to " + live->current()->provider + '/' + live->current()->model : "";
        }
        const auto wait = engine.waiting(id);
        return wait ? "waits for " + std::string(to_string(wait->for_what)) : "";
    }

    static bool all_idle(Engine& engine)
    {
        return std::all_of(engine.slots().begin(), engine.slots().end(), [](const auto& slot) {
            return slot->running() == 0;
        });
    }
};

TEST_P(Agreement, WhatIsExplainedIsDone)
{
    Dice dice(GetParam());
    const unsigned providers = 1 + dice.below(4);
    EngineSettings settings;
    settings.chains = {drawn_chain(dice, providers)};
    settings.default_chain = "drawn";
    EngineStage stage(settings);
    for (unsigned i = 0; i < providers; ++i)
        stage.add(drawn_config(dice, "p" + std::to_string(i)),
                  drawn_description(dice),
                  drawn_report(dice));
    Engine& engine = stage.open();
    for (unsigned i = 0; i < kOrders; ++i) {
        const JobOrder order = drawn_order(dice);
        const std::string explained = told(engine.explain(order, {}).decision);
        EXPECT_EQ(done(stage, engine, order), explained)
            << "world " << GetParam() << ", order " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Drawn, Agreement, testing::Range(0U, kWorlds));

} // namespace
} // namespace reelgate
