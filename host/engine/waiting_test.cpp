// How long a job waits, and for whom: the clock stands still and is moved by hand.
#include "host/engine/engine_fixture.hpp"

#include <fstream>

namespace reelgate {
namespace {

class Waits : public testing::Test {
protected:
    static EngineSettings settings()
    {
        EngineSettings settings;
        settings.chains = {
            {.id = "only", .steps = {{.use = "p"}}}
        };
        settings.default_chain = "only";
        settings.room_every = 1ms;
        settings.look_again_every = 1h;
        return settings;
    }

    Engine& open(ProviderState state)
    {
        ProbeReport report;
        report.state = state;
        stage.add({.id = "p", .plugin = "drawn"}, one_model(), report);
        return stage.open();
    }

    PairSnapshot pair(Engine& engine) { return engine.slot("p")->snapshot().pairs.at(0); }

    // A job that has been looked at and was told to wait.
    JobId waiting(Engine& engine)
    {
        JobOrder order;
        order.wish.prompt = "anything";
        const auto admitted = stage.finish(engine.submit(order, std::nullopt));
        if (!admitted) throw std::runtime_error(admitted.error().sentence());
        JobId id = admitted->job.id;
        stage.until([&] { return engine.waiting(id).has_value(); });
        return id;
    }
    std::uint64_t looks_after_another_job(Engine& engine)
    {
        waiting(engine); // so there has been a turn
        return engine.looks();
    }

    EngineStage stage{settings()};
};

TEST_F(Waits, AndIsLeftAloneByProbesThatSayWhatIsKnown)
{
    Engine& engine = open(ProviderState::unhealthy);
    ProviderSlot& place = *engine.slot("p");
    while (place.health().state != Health::unhealthy)
        EXPECT_TRUE(stage.finish(place.probe_now()));
    for (int i = 0; i < 3; ++i)
        waiting(engine);
    const std::uint64_t before = looks_after_another_job(engine);
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(stage.finish(place.probe_now()));
    EXPECT_EQ(looks_after_another_job(engine), before + 1) << "the new one alone";

    auto& provider = *static_cast<BusyProvider*>(place.provider());
    provider.say(ProviderState::misconfigured);
    const auto changed = [&] { return place.health().state != Health::unhealthy; };
    for (int i = 0; i < 9 && !changed(); ++i)
        EXPECT_TRUE(stage.finish(place.probe_now()));
    ASSERT_TRUE(changed());
    stage.until([&] { return engine.looks() >= before + 6; }); // everybody
}

TEST_F(Waits, AndIsLookedAtNowAndThenThoughTheClockMoves)
{
    EngineSettings often = settings();
    often.look_again_every = 1ms;
    EngineStage moving(often);
    moving.clock.each_reading = 1us;
    ProbeReport report;
    report.state = ProviderState::unhealthy;
    moving.add({.id = "p", .plugin = "drawn"}, one_model(), report);
    Engine& engine = moving.open();
    JobOrder order;
    order.wish.prompt = "anything";
    ASSERT_TRUE(moving.finish(engine.submit(order, std::nullopt)));
    moving.until([&] { return engine.looks() >= 9; });
}

TEST_F(Waits, AndAllWhoseWaitIsOverAreLookedAtThoughNoPlaceIsFree)
{
    constexpr std::uint64_t kJobs = 200;
    Engine& engine = open(ProviderState::ready);
    ProviderSlot& place = *engine.slot("p");
    place.begin(); // the only one
    Error busy{.category = Category::rate_limited, .text = "slowly", .phase = Phase::submit};
    busy.retry_after = 400s;
    place.failed("one", busy);
    for (std::uint64_t i = 0; i < kJobs; ++i)
        waiting(engine);
    ASSERT_EQ(engine.looks(), kJobs) << "each of them when it was new";

    stage.clock.passed += 400s;
    waiting(engine); // anything that wakes the scheduler
    stage.until([&] { return engine.looks() >= 2 * kJobs + 1; });
    EXPECT_EQ(engine.looks(), 2 * kJobs + 1);
    place.end();
}

TEST_F(Waits, ForAProviderNoLongerThanMaxWait)
{
    Engine& engine = open(ProviderState::unhealthy);
    JobOrder order;
    order.wish.prompt = "anything";
    order.max_wait = 60s;
    const auto admitted = stage.finish(engine.submit(order, std::nullopt));
    ASSERT_TRUE(admitted) << admitted.error().sentence();
    const JobId id = admitted->job.id;
    stage.until([&] { return engine.waiting(id).has_value(); });
    const WallTime end = stage.clock.wall() + 60s;
    EXPECT_EQ(engine.waiting(id)->for_what, Waiting::waiting_for_provider);
    EXPECT_EQ(engine.waiting(id)->until, end);

    stage.clock.passed += 60s;
    engine.slot("p")->enable(true); // anything that wakes the scheduler
    Result<Job> ended = admitted->job;
    stage.until([&] {
        ended = stage.finish(engine.find(id));
        return ended && ended->error;
    });
    EXPECT_EQ(ended->error->category, Category::worker_unavailable);
}

TEST_F(Waits, TwiceAsLongAfterATrialThatFailed)
{
    Engine& engine = open(ProviderState::ready);
    ProviderSlot& slot = *engine.slot("p");
    const Error broken{.category = Category::provider_error, .text = "broken", .phase = Phase::run};
    slot.failed("one", broken);
    slot.failed("one", broken);
    ASSERT_EQ(pair(engine).breaker, Breaker::open);
    stage.clock.passed += 36s; // 30 and a fifth
    ASSERT_EQ(pair(engine).breaker, Breaker::half_open);
    slot.begin();
    slot.failed("one", broken);
    slot.end();
    ASSERT_EQ(pair(engine).breaker, Breaker::open);
    EXPECT_GE(*pair(engine).rests_until, stage.clock.wall() + 48s); // 60 less a fifth
}

TEST_F(Waits, AsLongAsTheOtherSideAsks)
{
    Engine& engine = open(ProviderState::ready);
    Error busy{.category = Category::rate_limited, .text = "slowly", .phase = Phase::submit};
    busy.retry_after = 400s;
    engine.slot("p")->failed("one", busy);
    EXPECT_EQ(pair(engine).breaker, Breaker::open);
    EXPECT_EQ(pair(engine).rests_until, stage.clock.wall() + 400s);
}

TEST_F(Waits, ForAPersonWhereTheKeyIsRefused)
{
    Engine& engine = open(ProviderState::ready);
    engine.slot("p")->failed(
        "one", {.category = Category::auth_failed, .text = "no such key", .phase = Phase::submit});
    EXPECT_NE(pair(engine).misconfigured, "");
    engine.slot("p")->reset();
    EXPECT_EQ(pair(engine).misconfigured, "");
}

TEST_F(Waits, InItsPlaceForRoomOnTheDisk)
{
    const std::filesystem::path place = stage.scratch / "work" / "p";
    std::filesystem::create_directories(place.parent_path());
    std::ofstream(place) << "no directory can be made where this is";
    Engine& engine = open(ProviderState::ready);
    JobOrder order;
    order.wish.prompt = "anything";
    const auto admitted = stage.finish(engine.submit(order, std::nullopt));
    ASSERT_TRUE(admitted) << admitted.error().sentence();
    const JobId id = admitted->job.id;
    stage.until([&] {
        const auto told = engine.waiting(id);
        return told && told->for_what == Waiting::storage;
    });
    const auto refused = stage.finish(engine.submit(order, std::nullopt));
    ASSERT_FALSE(refused) << "nothing new is taken meanwhile";
    EXPECT_EQ(refused.error().category, Category::storage_full);
    EXPECT_NE(refused.error().text.find("Not a directory"), std::string::npos);

    std::filesystem::remove(place);
    const auto& provider = *static_cast<BusyProvider*>(engine.slot("p")->provider());
    stage.until([&] { return provider.runs.contains(id.text + ".1"); });
    EXPECT_EQ(engine.store().live(id)->attempts.size(), 1U) << "it is the same attempt";
    EXPECT_EQ(engine.waiting(id), std::nullopt);
}

} // namespace
} // namespace reelgate
