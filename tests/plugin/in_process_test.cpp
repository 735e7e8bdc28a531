// The scripted plugin in this very process: the same verdicts as in a worker, and what becomes of
// calls that do not come back. Such a call waits for a file, so that every test ends with nobody
// inside.
#include "host/plugin/in_process.hpp"
#include "tests/fakes/ledger.hpp"
#include "tests/plugin/stage.hpp"

#include <reelgate/ext/tool.h>
#include <reelgate/ext/warm.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace reelgate::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

asio::awaitable<void> run_alone(Provider& provider, AttemptOrder order, AttemptListener& listener)
{
    auto running = provider.run(std::move(order), listener);
    static_cast<void>(co_await std::move(running));
}

// An answer that is awaited beside others.
template <class T>
using Kept = std::optional<Result<T>>;
template <class T>
asio::awaitable<void> keep(Task<T> task, Kept<T>& answer)
{
    answer = co_await std::move(task);
}

class InProcess : public testing::Test {
protected:
    // Clocks that can be waited for. `script` is the plugin's configuration of that name.
    void make(const std::string& script = "{}", Manifest manifest = Stage::scripted_manifest())
    {
        ProviderSettings settings = stage_.settings("inside");
        settings.config_json = R"({"script": )" + script + "}";
        settings.cancel_within = 100ms;
        settings.silent_for = silent_for_;
        settings.limits.bye = 100ms;
        provider_ = std::make_unique<InProcessProvider>(
            stage_.loop.get_executor(), stage_.log, stage_.clock, std::move(manifest), settings);
    }

    void make_open(const std::string& script = "{}")
    {
        make(script);
        const auto opened = open(kPatience);
        ASSERT_TRUE(opened) << told(opened);
    }

    Result<Done> open(std::chrono::milliseconds patience)
    {
        return stage_.wait(provider_->open(patience));
    }

    std::string go() const { return (stage_.scratch / "go").string(); }
    void let_go() const { std::ofstream(go()) << "go"; }

    // A call that waits, and says so in the ledger.
    std::string waits() const { return R"({"mark": "in"}, {"wait_for": ")" + go() + R"("})"; }

    std::size_t events(std::string_view event) const
    {
        return fakes::count(fakes::read_ledger(stage_.scratch / "inside/ledger.jsonl"), event);
    }

    void await_event(std::string_view event)
    {
        stage_.until([&] { return events(event) > 0; }, event);
    }

    // Everybody comes out, and the instance is ended.
    void end_in_order()
    {
        let_go();
        stage_.until(
            [&] {
                stage_.finish(provider_->stop());
                return provider_->status().health == Health::disabled;
            },
            "an orderly end");
    }

    std::optional<supervise::Duration> silent_for_ = 60s;
    Stage stage_;
    std::unique_ptr<InProcessProvider> provider_;
};

struct Row {
    const char* name;
    const char* steps;
    const char* expected; // "ok", or category/code and a part of the text
    const char* text = "";
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class Verdict : public InProcess, public testing::WithParamInterface<Row> {};

TEST_P(Verdict, IsThatOfAWorkerAndTheNextAttemptWorks)
{
    make_open();
    Attempt& attempt = stage_.play(*provider_, GetParam().steps);
    const std::string verdict = told(stage_.verdict_of(attempt));
    EXPECT_THAT(verdict, StartsWith(GetParam().expected));
    EXPECT_THAT(verdict, HasSubstr(GetParam().text));
    Attempt& next = stage_.play(*provider_, R"(["deliver"])");
    EXPECT_EQ(told(stage_.verdict_of(next)), "ok");
    EXPECT_EQ(next.notes.artifacts.size(), 1U);
    EXPECT_EQ(provider_->status().health, Health::ready);
    end_in_order();
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, Verdict, testing::Values(
    Row{"success", R"([{"progress": 3}, "deliver"])", "ok"},
    Row{"paid", R"(["accept", "deliver"])", "ok"},
    Row{"failure", R"([{"fail": {"text": "no luck"}}])", "provider_error/", "no luck"},
    Row{"refusal", R"([{"refuse": {"text": "no such film"}}])", "invalid_params/", "no such film"},
    Row{"exception", R"([{"exception": "runtime_error"}])", "unknown/exception"},
    Row{"thrown_through_the_table", R"([{"throw": "over the edge"}])", "plugin_crashed/exception_escaped", "over the edge"},
    Row{"garbage", R"([{"garbage": "invalid_json"}])", "unknown/bad_failure_record"},
    Row{"no_such_status", R"([{"garbage": "unknown_status"}])", "unknown/bad_status"},
    Row{"lie", R"([{"lie": "parent"}])", "output_invalid/artifact_refused"},
    Row{"late_calls", R"([{"late_calls": 20}])", "ok"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST_F(InProcess, WhatAnAttemptTellsArrives)
{
    make_open();
    Attempt& attempt =
        stage_.play(*provider_, R"([{"progress": 3}, {"preview": 1}, "accept", "deliver"])");
    ASSERT_EQ(told(stage_.verdict_of(attempt)), "ok");
    EXPECT_GE(attempt.notes.progress.size(), 3U);
    EXPECT_EQ(attempt.notes.previews.size(), 1U);
    ASSERT_EQ(attempt.notes.durable.size(), 2U);
    EXPECT_THAT(attempt.notes.durable[0], StartsWith("intend {"));
    EXPECT_THAT(attempt.notes.durable[1], StartsWith("accepted {"));
    end_in_order();
}

TEST_F(InProcess, NothingIsSubmittedWhoseIntentWasRefused)
{
    make_open();
    Attempt& attempt = stage_.play(*provider_, R"(["accept", "deliver"])");
    attempt.notes.intend_answer = RG_FAILED; // the loop has not turned yet
    EXPECT_FALSE(stage_.verdict_of(attempt));
    EXPECT_EQ(events("submit"), 0U);
    end_in_order();
}

TEST_F(InProcess, ItCanBeAsked)
{
    make_open();
    const auto probe = stage_.wait(provider_->probe());
    ASSERT_TRUE(probe) << probe.error().sentence();
    const auto steps = stage_.wait(provider_->call(RG_EXT_TOOL, "call", "steps", "{}"));
    ASSERT_TRUE(steps) << steps.error().sentence();
    EXPECT_THAT(*steps, HasSubstr("wait_for"));
    const auto none = stage_.wait(provider_->call("reelgate.none/1", "f", "", "{}"));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, "no_extension");
    end_in_order();
}

TEST_F(InProcess, BeforeItIsOpenNothingCanBeAsked)
{
    make();
    EXPECT_FALSE(stage_.wait(provider_->probe()));
    EXPECT_FALSE(stage_.wait(provider_->abandon("{}")));
    Attempt& attempt = stage_.play(*provider_, "[]");
    EXPECT_THAT(told(stage_.verdict_of(attempt)), StartsWith("worker_unavailable/not_ready"));
    stage_.finish(provider_->stop());
}

TEST_F(InProcess, APluginThatCannotBeMadeSaysWhyAndMayTryAgain)
{
    make(R"({"create": [[{"fail": {"text": "no weights"}}], []]})");
    const auto first = open(kPatience);
    ASSERT_FALSE(first);
    EXPECT_THAT(first.error().text, HasSubstr("no weights"));
    EXPECT_EQ(provider_->status().health, Health::misconfigured);
    EXPECT_TRUE(open(kPatience));
    EXPECT_EQ(provider_->status().health, Health::ready);
    end_in_order();
}

TEST_F(InProcess, AProgramIsNotLoaded)
{
    Manifest manifest = Stage::scripted_manifest();
    manifest.runtime = Manifest::Runtime::exec;
    make("{}", std::move(manifest));
    const auto opened = open(kPatience);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "exec_in_process");
    EXPECT_EQ(provider_->status().health, Health::misconfigured);
}

TEST_F(InProcess, ItCanBeStoppedAndOpenedAgain)
{
    make_open();
    stage_.finish(provider_->stop());
    EXPECT_EQ(provider_->status().health, Health::disabled);
    EXPECT_EQ(events("destroy"), 1U);
    ASSERT_TRUE(open(kPatience));
    Attempt& attempt = stage_.play(*provider_, R"(["deliver"])");
    EXPECT_EQ(told(stage_.verdict_of(attempt)), "ok");
    end_in_order();
    EXPECT_EQ(events("create"), 2U);
    EXPECT_EQ(events("destroy"), 2U);
}

// Clocks ------------------------------------------------------------------------------------------

TEST_F(InProcess, ACancelEndsAnAttempt)
{
    make_open();
    Attempt& attempt = stage_.play(*provider_, R"([{"progress": 1}, "stall"])");
    stage_.until([&] { return !attempt.notes.progress.empty(); }, "the run");
    provider_->cancel(attempt.id);
    EXPECT_THAT(told(stage_.verdict_of(attempt)), StartsWith("cancelled/"));
    EXPECT_EQ(provider_->status().health, Health::ready);
    end_in_order();
}

TEST_F(InProcess, SilenceIsCancelled)
{
    silent_for_ = 200ms;
    make_open();
    Attempt& attempt = stage_.play(*provider_, R"([{"progress": 1}, "stall"])");
    EXPECT_THAT(told(stage_.verdict_of(attempt)), StartsWith("timeout/run_stalled"));
    EXPECT_EQ(provider_->status().health, Health::ready);
    end_in_order();
}

TEST_F(InProcess, WhoIgnoresItsCancelSpoilsTheProvider)
{
    make_open();
    Attempt& attempt = stage_.play(*provider_, "[" + waits() + R"(], "cancel": "impossible")");
    await_event("mark");
    provider_->cancel(attempt.id);
    EXPECT_THAT(told(stage_.verdict_of(attempt)), StartsWith("timeout/stuck_in_process"));
    EXPECT_EQ(provider_->status().health, Health::unhealthy);
    const auto opened = open(kPatience);
    ASSERT_FALSE(opened) << "nothing can be run in it";
    EXPECT_EQ(opened.error().code, "not_ready");
    end_in_order();
}

// Calls that outlast those who wait ---------------------------------------------------------------

TEST_F(InProcess, TheNextOpenWaitsForTheSameCreate)
{
    make(R"({"create": [)" + waits() + "]}");
    const auto first = open(1ms);
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().code, "stuck_in_process");
    EXPECT_EQ(provider_->status().health, Health::unhealthy);
    await_event("mark");
    const auto second = open(1ms);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "stuck_in_process");

    let_go();
    const auto third = open(kPatience);
    ASSERT_TRUE(third) << told(third);
    ASSERT_NE(provider_->description(), nullptr);
    EXPECT_EQ(provider_->description()->id, "scripted");
    EXPECT_EQ(events("create"), 1U);
    end_in_order();
    EXPECT_EQ(events("destroy"), 1U);
}

TEST_F(InProcess, WhoeverOpensAtTheSameTimeHearsTheSame)
{
    make(R"({"create": [)" + waits() + "]}");
    Kept<Done> first;
    Kept<Done> second;
    asio::co_spawn(stage_.loop, keep(provider_->open(kPatience), first), Stage::rethrow);
    asio::co_spawn(stage_.loop, keep(provider_->open(kPatience), second), Stage::rethrow);
    await_event("mark");
    let_go();
    stage_.until([&] { return first && second; }, "both answers");
    EXPECT_EQ(told(*first), "ok");
    EXPECT_EQ(told(*second), "ok");
    EXPECT_EQ(events("create"), 1U);
    end_in_order();
}

TEST_F(InProcess, AnInstanceThatComesAfterTheEndIsEndedToo)
{
    make(R"({"create": [)" + waits() + "]}");
    ASSERT_FALSE(open(1ms));
    await_event("mark");
    provider_.reset();
    let_go();
    await_event("destroy");
    EXPECT_EQ(events("create"), 1U);
}

TEST_F(InProcess, AStopWakesWhoeverWaits)
{
    make_open(R"({"probe": [)" + waits() + R"(], "loaded": [)" + waits() + "]}");
    Attempt& attempt = stage_.play(*provider_, "[" + waits() + R"(], "cancel": "impossible")");
    Kept<std::string> asked;
    auto asking = provider_->call(RG_EXT_WARM, "loaded", "", "");
    asio::co_spawn(stage_.loop, keep(std::move(asking), asked), Stage::rethrow);
    stage_.until([&] { return events("mark") == 2; }, "both calls");

    stage_.finish(provider_->stop());
    ASSERT_TRUE(attempt.verdict) << "the stop is over, and the attempt waits on";
    EXPECT_THAT(told(*attempt.verdict), StartsWith("timeout/stuck_in_process"));
    ASSERT_TRUE(asked && !*asked) << "the stop is over, and the call waits on";
    EXPECT_EQ(asked->error().code, "stuck_in_process");
    EXPECT_EQ(provider_->status().health, Health::unhealthy) << "somebody is still inside";
    EXPECT_EQ(events("destroy"), 0U);
    EXPECT_FALSE(open(1ms));

    end_in_order();
    EXPECT_EQ(events("destroy"), 1U);
    EXPECT_TRUE(open(kPatience));
    end_in_order();
}

TEST_F(InProcess, AStopDuringTheOpeningIsHeardThere)
{
    make(R"({"create": [)" + waits() + "]}");
    Kept<Done> opened;
    asio::co_spawn(stage_.loop, keep(provider_->open(kPatience), opened), Stage::rethrow);
    await_event("mark");
    stage_.finish(provider_->stop());
    ASSERT_TRUE(opened);
    EXPECT_FALSE(*opened);
    end_in_order();
    EXPECT_EQ(events("destroy"), 1U);
}

// The coroutine that awaits an attempt may be ended; the attempt is cancelled, and nothing dangles.
TEST_F(InProcess, AnAttemptNobodyWaitsForIsCancelled)
{
    make_open();
    fs::create_directories(stage_.scratch / "work/alone/inputs");
    TaskGroup tasks(stage_.loop.get_executor());
    Notebook notes;
    AttemptOrder order{.id = "alone",
                       .request_json = R"({"model": "pattern", "task": "t2v", "prompt": "x",
                           "width": 64, "height": 64, "frames": 5, "fps": 24,
                           "params": {"script": {"run": [{"mark": "in"}, "stall"]}}})",
                       .work_dir = stage_.scratch / "work/alone",
                       .remote_json = {}};
    tasks.spawn(run_alone(*provider_, std::move(order), notes));
    await_event("mark");
    tasks.stop();
    stage_.finish(tasks.join());
    EXPECT_EQ(provider_->status().health, Health::ready);
    end_in_order();
}

} // namespace
} // namespace reelgate::test
