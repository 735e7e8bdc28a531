// A key's day: what is decided, stored, spent and given back, and what is left of its cap.
#include "host/engine/engine_fixture.hpp"

namespace reelgate {
namespace {

// Ten cents for the one length that it makes: a second.
Description dear_model()
{
    Description d = one_model(Charge::paid, 10);
    d.models[0].frames = {.min = 24, .max = 24, .step = 1, .offset = 0};
    d.models[0].default_frames = 24;
    d.models[0].usd_per_second = "0.10";
    return d;
}

class Budget : public testing::Test {
protected:
    static EngineSettings settings(Money cap)
    {
        EngineSettings settings;
        settings.chains.resize(1);
        settings.chains[0].id = "only";
        settings.chains[0].steps.push_back({.use = "p"});
        settings.default_chain = "only";
        settings.keys["studio"].name = "studio";
        settings.spend_per_day["studio"] = cap;
        return settings;
    }

    void SetUp() override
    {
        ProbeReport ready;
        ready.state = ProviderState::ready;
        stage.add({.id = "p", .plugin = "drawn"}, dear_model(), ready);
        engine_ = &stage.open();
    }

    void TearDown() override
    {
        for (const JobId& id : jobs_)
            [[maybe_unused]] const auto over = stage.finish(engine_->cancel(id));
        at_rest();
    }

    void at_rest()
    {
        stage.until([this] { return engine_->store().live_jobs().empty(); });
        stage.until([this] { return engine_->slot("p")->running() == 0; });
    }

    Result<Admitted> submit(const std::string& owner)
    {
        JobOrder order;
        order.wish.prompt = "anything";
        order.owner = owner;
        auto admitted = stage.finish(engine_->submit(order, std::nullopt));
        if (admitted) jobs_.push_back(admitted->job.id);
        return admitted;
    }

    // On disk with its provider.
    void until_taken(const JobId& id)
    {
        stage.until([&] {
            const auto job = stage.finish(engine_->find(id));
            return job && job->current() != nullptr;
        });
    }

    static std::vector<NewPlace> kept()
    {
        std::vector<NewPlace> places(1);
        places[0] = {
            .config = {.id = "p", .plugin = "drawn"},
              .is_kept = true
        };
        return places;
    }

    EngineStage stage{settings(Money{250'000})};
    Engine* engine_ = nullptr;
    std::vector<JobId> jobs_;
};

TEST_F(Budget, IsNotSpentTwiceInOneTurnAndComesBackWhereNothingWasPaid)
{
    const auto first = submit("studio");
    const auto second = submit("studio");
    ASSERT_TRUE(first && second);
    until_taken(first->job.id);
    until_taken(second->job.id);
    const auto third = submit("studio");
    ASSERT_FALSE(third) << "a third would be thirty cents of twenty-five";
    EXPECT_EQ(third.error().category, Category::budget_exceeded);
    EXPECT_TRUE(submit("somebody else")) << "who has no cap has no limit";

    ASSERT_TRUE(stage.finish(engine_->cancel(first->job.id)));
    stage.until([&] { return submit("studio").has_value(); });
}

TEST_F(Budget, ThreeAtOnceGetWhatTwoMaySpend)
{
    std::vector<JobId> ids;
    for (int i = 0; i < 3; ++i) {
        const auto admitted = submit("studio");
        if (admitted) ids.push_back(admitted->job.id);
    }
    std::size_t taken = 0;
    stage.until([&] {
        taken = 0;
        std::size_t over = 0;
        for (const JobId& id : ids) {
            const auto job = stage.finish(engine_->find(id));
            if (job && job->current() != nullptr) ++taken;
            if (job && job->error) ++over;
        }
        return taken + over == ids.size();
    });
    EXPECT_EQ(taken, 2U);
}

TEST_F(Budget, IsThereAgainOnTheNextDay)
{
    for (int i = 0; i < 2; ++i) {
        const auto admitted = submit("studio");
        ASSERT_TRUE(admitted);
        until_taken(admitted->job.id);
    }
    ASSERT_FALSE(submit("studio"));
    stage.clock.passed += std::chrono::hours(24);
    engine_->reconfigure(settings(Money{250'000}), kept());
    stage.until([&] { return submit("studio").has_value(); });
}

// Nothing wakes anybody: the clock says something else than before, as after a night's sleep.
TEST_F(Budget, IsOfTheDayThatTheClockSays)
{
    const auto spend = [this] {
        const auto admitted = submit("studio");
        if (admitted) until_taken(admitted->job.id);
        return admitted.has_value();
    };
    ASSERT_TRUE(spend() && spend());
    ASSERT_FALSE(spend());
    stage.clock.passed += std::chrono::hours(24);
    EXPECT_TRUE(spend());
    EXPECT_TRUE(spend());
    EXPECT_FALSE(spend());
    stage.clock.passed -= std::chrono::hours(24);
    EXPECT_FALSE(spend()) << "what was spent on that day is spent";
}

} // namespace
} // namespace reelgate
