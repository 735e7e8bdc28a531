// A configuration changes while jobs run: nobody who works is disturbed, and nobody new goes where
// no place is any more.
#include "host/engine/engine_fixture.hpp"

namespace reelgate {
namespace {

class Reconfigured : public testing::Test {
protected:
    static EngineSettings settings(std::vector<std::string> chain, std::uint64_t revision)
    {
        EngineSettings settings;
        settings.chains.resize(1);
        settings.chains[0].id = "only";
        for (std::string& provider : chain)
            settings.chains[0].steps.push_back({.use = std::move(provider)});
        settings.default_chain = "only";
        settings.config_revision = revision;
        return settings;
    }

    Engine& open()
    {
        stage.add({.id = "p", .plugin = "drawn"}, one_model(), ready());
        stage.add({.id = "q", .plugin = "drawn"}, one_model(), ready());
        engine_ = &stage.open();
        return *engine_;
    }

    static ProbeReport ready()
    {
        ProbeReport report;
        report.state = ProviderState::ready;
        return report;
    }

    JobId submit(Engine& engine)
    {
        JobOrder order;
        order.wish.prompt = "anything";
        const auto admitted = stage.finish(engine.submit(order, std::nullopt));
        EXPECT_TRUE(admitted) << admitted.error().sentence();
        jobs_.push_back(admitted->job.id);
        return jobs_.back();
    }

    // The provider that works on it, once the attempt is on disk.
    std::string worker_of(Engine& engine, const JobId& id)
    {
        std::string provider;
        stage.until([&] {
            const auto job = stage.finish(engine.find(id));
            if (job && job->current() != nullptr) provider = job->current()->provider;
            return !provider.empty();
        });
        return provider;
    }

    void TearDown() override
    {
        for (const JobId& id : jobs_)
            [[maybe_unused]] const auto over = stage.finish(engine_->cancel(id));
        stage.until([this] { return engine_->store().live_jobs().empty(); });
        for (const auto& slot : engine_->slots())
            stage.until([&slot] { return slot->running() == 0; });
    }

    std::unique_ptr<Provider> fresh()
    {
        return std::make_unique<BusyProvider>(stage.loop, one_model(), ready());
    }

    EngineStage stage{settings({"p", "q"}, 1)};
    Engine* engine_ = nullptr;
    std::vector<JobId> jobs_;
};

TEST_F(Reconfigured, TheNextJobGoesByTheNewChain)
{
    Engine& engine = open();
    EXPECT_EQ(worker_of(engine, submit(engine)), "p");
    std::vector<NewPlace> places(2);
    places[0] = {
        .config = {.id = "p", .plugin = "drawn", .slots = 1},
          .is_kept = true
    };
    places[1] = {
        .config = {.id = "q", .plugin = "drawn"},
          .is_kept = true
    };
    const ProviderSlot* const p = engine.slot("p").get();
    engine.reconfigure(settings({"q", "p"}, 2), std::move(places));
    EXPECT_EQ(engine.slot("p").get(), p);
    EXPECT_EQ(engine.slot("p")->running(), 1U);
    const JobId next = submit(engine);
    EXPECT_EQ(worker_of(engine, next), "q");
    EXPECT_EQ(engine.store().live(next)->current()->config_revision, 2U);
}

TEST_F(Reconfigured, WhoLosesItsPlaceEndsItsWorkFirst)
{
    Engine& engine = open();
    const JobId old = submit(engine);
    ASSERT_EQ(worker_of(engine, old), "p");
    const std::weak_ptr<ProviderSlot> gone = engine.slot("p");
    std::vector<NewPlace> places(1);
    places[0] = {
        .config = {.id = "q", .plugin = "drawn"},
          .is_kept = true
    };
    engine.reconfigure(settings({"q"}, 2), std::move(places));
    EXPECT_EQ(engine.slot("p"), nullptr);
    EXPECT_EQ(worker_of(engine, submit(engine)), "q");
    EXPECT_EQ(engine.store().live(old)->state, JobState::submitting);
    EXPECT_FALSE(gone.expired());

    ASSERT_TRUE(stage.finish(engine.cancel(old)));
    stage.until([&] { return gone.expired(); });
    EXPECT_EQ(stage.finish(engine.find(old))->state, JobState::cancelled);
}

TEST_F(Reconfigured, TheSameNameInANewPlaceTakesTheNextJob)
{
    Engine& engine = open();
    const JobId old = submit(engine);
    ASSERT_EQ(worker_of(engine, old), "p");
    const std::weak_ptr<ProviderSlot> before = engine.slot("p");
    std::vector<NewPlace> places(1);
    places[0] = {
        .config = {.id = "p", .plugin = "drawn"},
          .provider = fresh()
    };
    engine.reconfigure(settings({"p"}, 2), std::move(places));
    const JobId next = submit(engine);
    EXPECT_EQ(worker_of(engine, next), "p");
    EXPECT_EQ(engine.slot("p")->running(), 1U);

    ASSERT_TRUE(stage.finish(engine.cancel(old)));
    stage.until([&] { return before.expired(); });
    EXPECT_EQ(engine.store().live(next)->state, JobState::submitting);
}

TEST_F(Reconfigured, AJobThatWaitsIsLookedAtAnewAndDoesNotWaitLongerForIt)
{
    ProbeReport sick;
    sick.state = ProviderState::unhealthy;
    stage.add({.id = "p", .plugin = "drawn"}, one_model(), sick);
    engine_ = &stage.open();
    Engine& engine = *engine_;
    const JobId id = submit(engine);
    stage.until([&] { return engine.waiting(id).has_value(); });
    const auto since = engine.waiting(id)->since;
    stage.clock.passed += 1s;
    std::vector<NewPlace> places(1);
    places[0] = {
        .config = {.id = "p", .plugin = "drawn"},
          .is_kept = true
    };
    engine.reconfigure(settings({"p"}, 2), std::move(places));
    stage.until([&] { return engine.waiting(id)->until > stage.clock.wall(); });
    EXPECT_EQ(engine.waiting(id)->since, since);

    std::vector<NewPlace> well(1);
    well[0] = {
        .config = {.id = "p", .plugin = "drawn"},
          .provider = fresh()
    };
    engine.reconfigure(settings({"p"}, 3), std::move(well));
    EXPECT_EQ(worker_of(engine, id), "p");
}

} // namespace
} // namespace reelgate
