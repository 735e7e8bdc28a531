// The scripted provider as a host meets it: loaded from its file, through the C table.
#include "tests/fakes/scripted_fixture.hpp"

#include <algorithm>

namespace reelgate::fakes {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

TEST_F(ScriptedTest, DescribesItself)
{
    const Answer free = describe(scripted());
    ASSERT_EQ(free.status, RG_OK) << free.text;
    EXPECT_EQ(free.json().at("id"), json("scripted"));
    EXPECT_EQ(free.json().at("billing"), json("free"));
    const Answer paid = describe(scripted_paid());
    EXPECT_EQ(paid.json().at("id"), json("scripted-paid"));
    EXPECT_EQ(paid.json().at("billing"), json("paid"));
    EXPECT_EQ(paid.json().at("egress"), json("cloud"));
}

TEST_F(ScriptedTest, MakesARealFilmWithoutAScript)
{
    Life life(scripted(), json::object(), dir_.path());
    TableJob job(small_request());
    const Answer done = life.run(job);
    ASSERT_EQ(done.status, RG_OK) << done.text;
    ASSERT_EQ(job.artifacts().size(), 1U);
    EXPECT_EQ(job.artifacts()[0].path, "film.mp4");
    EXPECT_GT(fs::file_size(job.work_dir() / "film.mp4"), 1000U);
    EXPECT_EQ(job.intents().size(), 1U);
    EXPECT_EQ(job.accepted().size(), 1U);
    ASSERT_EQ(job.progress().size(), 9U);
    EXPECT_TRUE(std::ranges::is_sorted(job.progress()));
    EXPECT_EQ(job.progress().back(), 1.0);
    EXPECT_EQ(count(ledger(), "submit"), 1U);
    EXPECT_EQ(count(ledger(), "charge"), 0U) << "the free one charges nothing";
}

TEST_F(ScriptedTest, ChargesWhatItCosts)
{
    TableJob job(small_request());
    json config;
    config["price_usd"] = "0.25";
    Life life(scripted_paid(), config, dir_.path());
    ASSERT_EQ(life.run(job).status, RG_OK);
    EXPECT_EQ(charged_micros(ledger()), 250'000);
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(life.probe().status, RG_OK);
    EXPECT_EQ(charged_micros(ledger()), 250'000) << "probes are free";
    EXPECT_EQ(count(ledger(), "probe"), 10U);
}

struct EndRow {
    const char* name;
    const char* script;
    rg_status status;
    const char* record; // what the failure record must contain
};

class Ends : public ScriptedTest, public testing::WithParamInterface<EndRow> {};

TEST_P(Ends, AsTheScriptSays)
{
    TableJob job(small_request());
    const Answer answer = run_once(GetParam().script, job);
    EXPECT_EQ(answer.status, GetParam().status) << answer.text;
    const json record = answer.json();
    const json expected = json::parse(GetParam().record);
    for (const auto& [name, value] : expected.items())
        EXPECT_EQ(record.value(name, json()), value) << answer.text;
}

INSTANTIATE_TEST_SUITE_P(
    EachEnd,
    Ends,
    testing::Values(
        EndRow{"Refuse",
               R"({"run": ["refuse"]})",
               RG_REJECTED,
               R"({"category": "invalid_params", "phase": "submit", "billing": "not_billed"})"},
        EndRow{
            "RateLimited",
            R"({"run": [{"refuse": {"status": "busy", "category": "rate_limited",
                   "scope": "credential", "retry_after_s": 30, "hint": "wait"}}]})",
            RG_BUSY,
            R"({"category": "rate_limited", "scope": "credential", "retry_after_s": 30, "hint": "wait"})"},
        EndRow{"FailWithUnknownCategory",
               R"({"run": ["accept", {"fail": "gremlins"}]})",
               RG_FAILED,
               R"({"category": "gremlins", "phase": "run"})"},
        EndRow{"Oom",
               R"({"run": ["accept", {"oom": {"needed_mb": 9, "free_mb": 4}}]})",
               RG_FAILED,
               R"({"category": "insufficient_vram", "provider_code": "cuda_oom",
                   "text": "out of device memory: 9 MiB needed, 4 MiB free"})"},
        EndRow{"Drop",
               R"({"run": ["drop"]})",
               RG_AMBIGUOUS,
               R"({"category": "submit_ambiguous", "billing": "maybe_billed"})"},
        EndRow{"RemoteFails",
               R"({"run": [{"accept": {"outcome": "failed"}}, "follow"]})",
               RG_FAILED,
               R"({"category": "provider_error", "phase": "poll"})"},
        EndRow{"RemoteExpires",
               R"({"run": [{"accept": {"outcome": "expired"}}, "follow"]})",
               RG_FAILED,
               R"({"category": "artifact_unavailable", "phase": "download"})"},
        EndRow{"Exception", R"({"run": ["exception"]})", RG_FAILED, R"({"code": "exception"})"},
        EndRow{"BadAlloc",
               R"({"run": [{"exception": "bad_alloc"}]})",
               RG_FAILED,
               R"({"code": "host_memory"})"},
        EndRow{"OddSize",
               R"({"run": [{"deliver": {"width": 65}}]})",
               RG_REJECTED,
               R"({"category": "unsupported_capability"})"},
        EndRow{"NoFilm", R"({"run": ["accept"]})", RG_OK, "{}"}),
    [](const auto& row) { return row.param.name; });

TEST_F(ScriptedTest, ABareFailureHasNoRecord)
{
    TableJob job(small_request());
    const Answer answer = run_once(R"({"run": [{"fail": {"bare": true}}]})", job);
    EXPECT_EQ(answer.status, RG_FAILED);
    EXPECT_EQ(answer.text, "");
}

struct GarbageRow {
    const char* kind;
    rg_status status;
    bool (*holds)(const std::string& text);
};

class Garbage : public ScriptedTest, public testing::WithParamInterface<GarbageRow> {};

TEST_P(Garbage, ReachesTheHostAsItIs)
{
    const std::string steps = std::string(R"([{"garbage": ")") + GetParam().kind + R"("}])";
    const json config = config_of(R"({"run": )" + steps + R"(, "probe": )" + steps + "}");
    Life life(scripted(), config, dir_.path());
    TableJob job(small_request());
    const Answer run = life.run(job);
    const Answer probe = life.probe();
    EXPECT_EQ(run.status, GetParam().status);
    EXPECT_EQ(probe.status, GetParam().status == 77 ? 77 : RG_OK);
    EXPECT_TRUE(GetParam().holds(run.text));
    EXPECT_TRUE(GetParam().holds(probe.text));
}

bool is_no_json(const std::string& text) { return !text.empty() && !json::accept(text); }

INSTANTIATE_TEST_SUITE_P(
    EachKind,
    Garbage,
    testing::Values(GarbageRow{"invalid_json", RG_FAILED, is_no_json},
                    GarbageRow{"not_utf8", RG_FAILED, is_no_json},
                    GarbageRow{"no_object", RG_FAILED, [](auto& text) { return text == "42"; }},
                    GarbageRow{
                        "deep", RG_FAILED, [](auto& text) { return text.size() == 200'000; }},
                    GarbageRow{"huge", RG_FAILED, [](auto& text) { return text.size() > 2 << 20; }},
                    GarbageRow{"empty", RG_FAILED, [](auto& text) { return text.empty(); }},
                    GarbageRow{"unknown_status", 77, [](auto& text) { return text.empty(); }}),
    [](const auto& row) { return row.param.kind; });

TEST_F(ScriptedTest, ThrowsThroughTheTable)
{
    TableJob job(small_request());
    Life life(
        scripted(), config_of(R"({"run": [{"throw": "boo"}], "probe": ["throw"]})"), dir_.path());
    EXPECT_THROW(life.run(job), std::runtime_error);
    EXPECT_THROW(life.probe(), std::runtime_error);
}

struct BadScriptRow {
    const char* name;
    const char* script;
    const char* complaint;
};

class BadScripts : public ScriptedTest, public testing::WithParamInterface<BadScriptRow> {};

TEST_P(BadScripts, AreRefusedByConfigurationAndByRequest)
{
    Life life(scripted(), config_of(GetParam().script), dir_.path());
    EXPECT_EQ(life.created().status, RG_REJECTED);
    EXPECT_THAT(life.created().text, testing::HasSubstr(GetParam().complaint));

    Life good(scripted(), json::object(), dir_.path());
    json request = small_request();
    request["params"]["script"] = json::parse(GetParam().script);
    TableJob job(request);
    const Answer answer = good.run(job);
    EXPECT_EQ(answer.status, RG_REJECTED);
    EXPECT_EQ(answer.json().value("code", ""), "bad_script");
    EXPECT_THAT(answer.text, testing::HasSubstr(GetParam().complaint));
    EXPECT_EQ(count(ledger(), "submit"), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    EachMistake,
    BadScripts,
    testing::Values(
        BadScriptRow{"UnknownCall", R"({"ran": []})", "script.ran: unknown"},
        BadScriptRow{"UnknownStep",
                     R"({"run": ["accept", "acept"]})",
                     "script.run[1]: there is no step 'acept'"},
        BadScriptRow{"UnknownArgument",
                     R"({"run": [{"progress": {"stepz": 1}}]})",
                     "script.run[0].progress.stepz: unknown; known are steps"},
        BadScriptRow{"WrongType",
                     R"({"run": [{"progress": "many"}]})",
                     "script.run[0].progress.steps: \\\"many\\\" is not a number"},
        BadScriptRow{
            "Negative", R"({"run": [{"stall": -1}]})", "script.run[0].stall.ms: -1 is not"},
        BadScriptRow{
            "TooMuch", R"({"run": [{"crash": {"code": 256}}]})", "is not a number in 0..255"},
        BadScriptRow{"WrongWord", R"({"run": [{"crash": "segv2"}]})", "is not one of segv, bus"},
        BadScriptRow{"BadMoney", R"({"run": [{"accept": {"usd": "1e3"}}]})", "is not an amount"},
        BadScriptRow{
            "TwoNames", R"({"run": [{"stall": 1, "hang": 1}]})", "neither a name nor an object"},
        BadScriptRow{
            "WrongPlace", R"({"run": [{"state": "ready"}]})", "step 'state' has no meaning in run"},
        BadScriptRow{"NoList", R"({"run": "accept"})", "script.run: \\\"accept\\\" is no list"},
        BadScriptRow{"BadSequence", R"({"run": [["accept"], "accept"]})", "script.run[1]"},
        BadScriptRow{"BadCancel", R"({"cancel": {"how": "never"}})", "script.cancel.how"},
        BadScriptRow{"NoFile", R"({"run": ["wait_for"]})", "script.run[0].file: must be given"},
        BadScriptRow{
            "ArgumentsToNone", R"({"run": [{"freeze": 1}]})", "script.run[0].freeze: takes no"}),
    [](const auto& row) { return row.param.name; });

TEST_F(ScriptedTest, ARequestCannotScriptWhatIsNotItsOwn)
{
    Life life(scripted(), json::object(), dir_.path());
    json request = small_request();
    request["params"]["script"] = {
        {"probe", json::array()}
    };
    TableJob job(request);
    EXPECT_THAT(life.run(job).text, testing::HasSubstr("script.probe: cannot be said here"));
}

TEST_F(ScriptedTest, APromptCanBeAScript)
{
    Life life(scripted(), json::object(), dir_.path());
    json request = small_request();
    request["prompt"] = "script: progress=3 refuse=rate_limited";
    TableJob job(request);
    const Answer answer = life.run(job);
    EXPECT_EQ(answer.status, RG_REJECTED);
    EXPECT_EQ(answer.json().at("category"), json("rate_limited"));
    EXPECT_EQ(job.progress().size(), 3U);
}

TEST_F(ScriptedTest, PlaysSequencesAcrossLives)
{
    const json config = config_of(
        R"({"probe": [[{"state": "starting"}], [{"state": "busy"}], [{"state": "ready"}]]})");
    std::vector<std::string> states;
    for (int life_number = 0; life_number < 4; ++life_number) {
        Life life(scripted(), config, dir_.path());
        states.push_back(life.probe().json().at("state"));
    }
    EXPECT_THAT(states, testing::ElementsAre("starting", "busy", "ready", "ready"));
}

TEST_F(ScriptedTest, ARequestsSequenceCountsItsAttempts)
{
    Life life(scripted(), json::object(), dir_.path());
    json request = small_request();
    request["params"]["script"] = json::parse(R"({"run": [["oom"], ["deliver"]]})");
    TableJob first(request);
    EXPECT_EQ(life.run(first).status, RG_FAILED);
    request["attempt"]["number"] = 2;
    TableJob second(request);
    EXPECT_EQ(life.run(second).status, RG_OK);
}

TEST_F(ScriptedTest, CallsLateIfToldTo)
{
    TableJob job(small_request());
    std::size_t at_return = 0;
    {
        Life life(scripted(), config_of(R"({"run": [{"late_calls": 30}]})"), dir_.path());
        EXPECT_EQ(life.run(job).status, RG_OK);
        at_return = job.progress().size();
    } // destroy waits for the late ones
    EXPECT_EQ(job.progress().size(), 30U);
    EXPECT_LT(at_return, 30U);
}

} // namespace
} // namespace reelgate::fakes
