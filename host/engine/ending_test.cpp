// How jobs end before their time, with providers that take theirs and a clock that stands still.
#include "host/engine/engine_fixture.hpp"

#include <algorithm>

namespace reelgate {
namespace {

Description one_model(Charge charge)
{
    Description d;
    d.egress = "none";
    d.max_concurrency = 2;
    d.billing = charge;
    ModelCapability model;
    model.id = "one";
    model.tasks = {"t2v"};
    model.sizes = {.list = {{640, 384}}};
    model.frames = {.min = 5, .max = 121, .step = 4, .offset = 1};
    model.default_size = {640, 384};
    model.default_frames = 25;
    model.default_fps = 24;
    d.models = {model};
    return d;
}

class Ending : public testing::Test {
protected:
    static EngineSettings settings()
    {
        EngineSettings settings;
        settings.chains = {
            {.id = "only", .steps = {{.use = "p"}}}
        };
        settings.default_chain = "only";
        settings.max_queued = 3;
        settings.queued_per_key = {
            {"few", 2}
        };
        return settings;
    }

    Engine& open(Charge charge = Charge::free)
    {
        SlotConfig config{.id = "p", .plugin = "drawn"};
        config.usd_per_second["one"] = Money{100'000};
        ProbeReport report;
        report.state = ProviderState::ready;
        stage.add(std::move(config), one_model(charge), report);
        return stage.open();
    }

    BusyProvider& provider(Engine& engine)
    {
        return *static_cast<BusyProvider*>(engine.slot("p")->provider());
    }

    Result<Admitted> submit(Engine& engine, std::string owner = "")
    {
        JobOrder order;
        order.wish.prompt = "anything";
        order.owner = std::move(owner);
        return stage.finish(engine.submit(order, std::nullopt));
    }

    EngineStage stage{settings()};
};

TEST_F(Ending, AJobThatFailsAtOnceLeavesRoomForTheNext)
{
    Engine& engine = open();
    stage.clock.passed += 1s;
    for (int i = 0; i < 5; ++i) {
        const auto admitted = submit(engine);
        ASSERT_TRUE(admitted) << admitted.error().sentence();
        const JobId id = admitted->job.id;
        ASSERT_TRUE(stage.finish(engine.cancel(id)));
        stage.until([&] { return engine.store().live(id) == nullptr; });
    }
}

asio::awaitable<void> tell(Task<Admitted> submitting, std::vector<std::string>& told)
{
    const Result<Admitted> answer = co_await std::move(submitting);
    told.push_back(answer ? "" : answer.error().code);
}

TEST_F(Ending, ManyThatComeTogetherDoNotPassTheLimits)
{
    Engine& engine = open();
    std::vector<std::string> told;
    for (int i = 0; i < 8; ++i) {
        JobOrder order;
        order.wish.prompt = "anything";
        order.owner = "few";
        asio::co_spawn(
            stage.loop, tell(engine.submit(order, std::nullopt), told), [](std::exception_ptr) {});
    }
    stage.until([&] { return told.size() == 8; });
    EXPECT_EQ(std::count(told.begin(), told.end(), ""), 2);
    EXPECT_EQ(std::count(told.begin(), told.end(), "queue_full"), 6);
    EXPECT_TRUE(submit(engine, "another"));
    EXPECT_FALSE(submit(engine, "a third")) << "three may wait together";
}

} // namespace
} // namespace reelgate
