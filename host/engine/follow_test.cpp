// Paid work that was accepted: followed through whatever becomes of the worker, never sent again.
#include "host/engine/engine_fixture.hpp"

namespace reelgate {
namespace {

class Follow : public testing::Test {
protected:
    explicit Follow(std::chrono::milliseconds first_rest = 1ms) : stage(settings(first_rest)) {}

    static EngineSettings settings(std::chrono::milliseconds first_rest)
    {
        EngineSettings settings;
        settings.chains = {
            {.id = "only", .steps = {{.use = "p"}}}
        };
        settings.default_chain = "only";
        settings.first_rest = first_rest;
        return settings;
    }

    Engine& open(const std::string& plugin = "drawn")
    {
        SlotConfig config{.id = "p", .plugin = plugin};
        config.usd_per_second["one"] = Money{100'000};
        ProbeReport report;
        report.state = ProviderState::ready;
        stage.add(std::move(config), one_model(Charge::paid, 2), report);
        return stage.open();
    }

    static BusyProvider& provider(Engine& engine)
    {
        return *static_cast<BusyProvider*>(engine.slot("p")->provider());
    }

    // A job that the other side has accepted.
    JobId accepted(Engine& engine)
    {
        JobOrder order;
        order.wish.prompt = "anything";
        const auto admitted = stage.finish(engine.submit(order, std::nullopt));
        if (!admitted) throw std::runtime_error(admitted.error().sentence());
        JobId id = admitted->job.id;
        BusyProvider& at = provider(engine);
        stage.until([&] { return at.runs.contains(id.text + ".1"); });
        at.intend(id.text + ".1");
        stage.until([&] { return !engine.store().live(id)->current()->intent_json.empty(); });
        at.accept(id.text + ".1");
        stage.until([&] { return engine.store().live(id)->state == JobState::running; });
        return id;
    }

    // Its worker is gone, and does not come up however often it is asked to.
    void lose_worker(Engine& engine, const JobId& id)
    {
        BusyProvider& at = provider(engine);
        at.is_up = false;
        at.ends_with = BusyProvider::gone();
        at.finish(id.text + ".1");
        const unsigned before = at.opens;
        stage.until([&] { return at.opens >= before + 7; });
    }

    EngineStage stage;
};

class FollowAtLeisure : public Follow {
protected:
    FollowAtLeisure() : Follow(1h) {}
};

TEST_F(Follow, WaitsForAWorkerHoweverLongItTakes)
{
    Engine& engine = open();
    const JobId id = accepted(engine);
    lose_worker(engine, id);
    EXPECT_EQ(engine.store().live(id)->state, JobState::running);
    provider(engine).is_up = true;
    stage.until([&] { return provider(engine).runs.contains(id.text + ".1"); });
    EXPECT_EQ(engine.store().live(id)->attempts.size(), 1U);
}

TEST_F(Follow, IsNotEndedByWhatANeighbourDidToTheWorker)
{
    Engine& engine = open();
    const JobId id = accepted(engine);
    BusyProvider& at = provider(engine);
    at.ends_with = Error{.category = Category::worker_unavailable,
                         .text = "its worker was ended because of another job",
                         .code = "neighbour_crashed",
                         .phase = Phase::run};
    ++at.deaths;
    at.finish(id.text + ".1");
    stage.until([&] { return at.begun == 2; });
    EXPECT_EQ(engine.store().live(id)->state, JobState::running);
    EXPECT_EQ(engine.store().live(id)->attempts.size(), 1U);
}

TEST_F(Follow, BelievesAWorkerThatLives)
{
    Engine& engine = open();
    const JobId id = accepted(engine);
    BusyProvider& at = provider(engine);
    at.ends_with = Error{.category = Category::plugin_crashed,
                         .text = "the vendor's own worker has crashed",
                         .phase = Phase::queue};
    at.finish(id.text + ".1");
    Result<Job> ended = internal_error("not yet");
    stage.until([&] {
        ended = stage.finish(engine.find(id));
        return ended && is_final(ended->state);
    });
    EXPECT_EQ(ended->state, JobState::failed);
    EXPECT_EQ(at.begun, 1U);
}

TEST_F(Follow, RestsWhereTheWorkerDiesOfItAndIsTakenUpAgain)
{
    Engine& engine = open();
    const JobId id = accepted(engine);
    BusyProvider& at = provider(engine);
    at.dies_at_once = true;
    at.ends_with = BusyProvider::gone();
    ++at.deaths;
    at.finish(id.text + ".1");
    stage.until([&] { return at.begun >= 10; }); // more than in one go
    stage.until([&] { return engine.store().live(id)->state == JobState::ambiguous; });
    EXPECT_EQ(engine.store().live(id)->attempts.size(), 1U);
    EXPECT_TRUE(at.calls.empty()) << "it is known to exist";
    EXPECT_NE(engine.store().live(id)->current()->remote_json, "");
}

TEST_F(FollowAtLeisure, TellsTheOtherSideOfACancelThatTheWorkerDidNotHear)
{
    Engine& engine = open();
    const JobId id = accepted(engine);
    BusyProvider& at = provider(engine);
    at.ends_with = BusyProvider::gone();
    ++at.deaths;
    at.finish(id.text + ".1");
    stage.until([&] { return at.runs.empty(); });
    ASSERT_TRUE(stage.finish(engine.cancel(id)));
    Result<Job> ended = internal_error("not yet");
    stage.until([&] {
        ended = stage.finish(engine.find(id));
        return ended && ended->state == JobState::cancelled;
    });
    EXPECT_EQ(at.abandoned, std::vector<std::string>{R"({"id":"r1"})"});
    EXPECT_EQ(ended->compute_stopped, false);
    EXPECT_EQ(ended->current()->billing, Billing::billed);
}

TEST_F(Follow, AsksNobodyButThePluginThatSentIt)
{
    Engine& before = open();
    const JobId id = accepted(before);
    stage.close();
    Engine& engine = open("another");
    provider(engine).answer_of_find = R"({"found": false})";
    stage.until([&] { return engine.store().live(id)->state == JobState::ambiguous; });
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(stage.finish(engine.find(id))); // whoever would ask has had his turn
    EXPECT_TRUE(provider(engine).calls.empty());
    EXPECT_EQ(provider(engine).begun, 0U);
    const Job* const job = engine.store().live(id);
    EXPECT_EQ(job->state, JobState::ambiguous);
    EXPECT_EQ(job->current()->error->code, "orphaned");
    EXPECT_EQ(job->current()->remote_json, R"({"id":"r1"})");

    stage.close();
    Engine& again = open();
    stage.until([&] { return provider(again).runs.contains(id.text + ".1"); });
    EXPECT_TRUE(provider(again).calls.empty()) << "it is followed by the identity that is on disk";
    stage.until([&] { return again.store().live(id)->state == JobState::running; });
}

} // namespace
} // namespace reelgate
