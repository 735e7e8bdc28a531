// How jobs end before their time, with providers that take theirs and a clock that stands still.
#include "host/engine/engine_fixture.hpp"
#include "tests/fakes/full_disk.hpp"

#include <algorithm>

namespace reelgate {
namespace {

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
        stage.add(std::move(config), one_model(charge, 2), report);
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

    // A job that the provider has and has not answered yet.
    JobId running(Engine& engine)
    {
        const auto admitted = submit(engine);
        if (!admitted) throw std::runtime_error(admitted.error().sentence());
        JobId id = admitted->job.id;
        const std::size_t before = provider(engine).runs.size();
        stage.until([&] { return provider(engine).runs.size() > before || began(engine, id); });
        return id;
    }
    bool began(Engine& engine, const JobId& id)
    {
        return provider(engine).runs.contains(id.text + ".1");
    }

    // A paid job that has left, perhaps.
    JobId ambiguous(Engine& engine)
    {
        JobId id = running(engine);
        BusyProvider& at = provider(engine);
        at.ends_with = Error{.category = Category::timeout,
                             .text = "no answer",
                             .phase = Phase::submit,
                             .billing = Billing::maybe_billed};
        at.intend(id.text + ".1");
        stage.until([&] { return !engine.store().live(id)->current()->intent_json.empty(); });
        at.finish(id.text + ".1");
        stage.until([&] { return engine.store().live(id)->state == JobState::ambiguous; });
        return id;
    }

    EngineStage stage{settings()};
};

TEST_F(Ending, WhatIsDeletedAndWillNotStopIsHiddenAtOnceAndGoneInTheEnd)
{
    Engine& engine = open();
    const JobId id = running(engine);
    provider(engine).hears_cancel = false;
    const auto removed = stage.finish(engine.remove(id, 20ms));
    ASSERT_TRUE(removed) << removed.error().sentence();
    EXPECT_NE(engine.store().live(id), nullptr) << "it is at work still";
    EXPECT_EQ(stage.finish(engine.find(id)).error().code, "video_not_found");
    EXPECT_TRUE(stage.finish(engine.store().list({}))->jobs.empty());
    provider(engine).finish(id.text + ".1");
    stage.until([&] { return !stage.finish(engine.store().find(id)); });
}

asio::awaitable<bool> closed(JobStore& store)
{
    co_await store.close();
    co_return true;
}

TEST_F(Ending, WhatAnEarlierDaemonDeletedAndDidNotRemoveGoesAfterTheStart)
{
    const StoreOptions where{.directory = stage.scratch / "jobs", .keep_free_bytes = 0};
    auto earlier = JobStore::open(stage.loop.get_executor(), stage.clock, where);
    ASSERT_TRUE(earlier) << earlier.error().sentence();
    JobStore& store = **earlier;
    const auto admitted = stage.finish(store.create(JobOrder{}, 1, std::nullopt));
    ASSERT_TRUE(admitted) << admitted.error().sentence();
    const JobId id = admitted->job.id;
    ASSERT_TRUE(stage.finish(store.note(id, [](Job& job) { job.deleted = true; })));
    ASSERT_TRUE(stage.finish(store.apply(id, {{.event = JobEvent::cancel_asked}})));
    ASSERT_TRUE(stage.finish(closed(store)));
    earlier->reset();

    Engine& engine = open();
    stage.until([&] { return !stage.finish(engine.store().find(id)); });
}

TEST_F(Ending, WhatStopsInTimeIsGoneWhenTheAnswerComes)
{
    Engine& engine = open();
    const JobId id = running(engine);
    ASSERT_TRUE(stage.finish(engine.remove(id, 1h)));
    EXPECT_FALSE(stage.finish(engine.store().find(id)));
}

TEST_F(Ending, AnAmbiguousJobThatIsCancelledEnds)
{
    Engine& engine = open(Charge::paid);
    const JobId id = ambiguous(engine);
    const auto answer = stage.finish(engine.cancel(id));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->billing, Billing::maybe_billed);
    Result<Job> ended = stage.finish(engine.find(id));
    stage.until([&] {
        ended = stage.finish(engine.find(id));
        return is_final(ended->state);
    });
    EXPECT_EQ(ended->state, JobState::cancelled);
    EXPECT_EQ(ended->compute_stopped, false);
    EXPECT_EQ(billing_of(*ended), Billing::maybe_billed);
}

TEST_F(Ending, AJobThatAPersonDeclaresLostIsTriedAgainAtOnce)
{
    Engine& engine = open(Charge::paid);
    const JobId id = ambiguous(engine);
    ASSERT_TRUE(stage.finish(engine.resolve(id, Resolution::lost)));
    stage.until([&] { return provider(engine).runs.contains(id.text + ".2"); });
}

TEST_F(Ending, TheEndOfTheDaemonDoesNotWaitForWhatNobodyKnows)
{
    Engine& engine = open(Charge::paid);
    ambiguous(engine);
    bool is_over = false;
    asio::co_spawn(stage.loop, engine.drain(1h), [&](std::exception_ptr) { is_over = true; });
    EXPECT_TRUE(stage.until([&] { return is_over; }));
}

TEST_F(Ending, TheEndOfTheDaemonDoesNotWaitForRoomOnTheDisk)
{
    Engine& engine = open();
    const FullDisk full;
    bool is_over = false;
    asio::co_spawn(stage.loop, engine.drain(1h), [&](std::exception_ptr) { is_over = true; });
    EXPECT_TRUE(stage.until([&] { return is_over; }));
    EXPECT_TRUE(engine.store().is_full());
}

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

TEST_F(Ending, AQuarantinedJobTriesAgainWhenItsOwnerSaysSo)
{
    Engine& engine = open();
    BusyProvider& at = provider(engine);
    const JobId id = running(engine);
    at.ends_with = Error{.category = Category::plugin_crashed,
                         .text = "gone",
                         .phase = Phase::run,
                         .billing = Billing::free};
    const auto state = [&] { return stage.finish(engine.find(id))->state; };
    for (const char* attempt : {".1", ".2"}) {
        stage.until([&] { return at.runs.contains(id.text + attempt); });
        at.finish(id.text + attempt);
        stage.until([&] { return !at.runs.contains(id.text + attempt); });
        stage.clock.passed += 2min; // its back-off is over
        engine.slot("p")->reset();
    }
    stage.until([&] { return state() == JobState::quarantined; });
    stage.clock.passed += 48h; // its deadline is over as well
    const auto again = stage.finish(engine.retry(id));
    ASSERT_TRUE(again) << again.error().sentence();
    stage.until([&] { return at.runs.contains(id.text + ".3"); });
    const auto refused = stage.finish(engine.retry(id));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "not_quarantined");
}

} // namespace
} // namespace reelgate
