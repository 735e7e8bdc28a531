// Cancels, and work over there: what a host is told, and what the ledger says happened.
#include "tests/fakes/scripted_fixture.hpp"

namespace reelgate::fakes {
namespace {

using nlohmann::json;

struct CancelRow {
    const char* name;
    const char* script;
    rg_status status;
    std::size_t reports; // made in all, of which the third was the one that got cancelled
    json stopped;
    const char* billing;
};

class Cancels : public ScriptedTest, public testing::WithParamInterface<CancelRow> {};

TEST_P(Cancels, EndAsTheScriptSays)
{
    TableJob job(small_request());
    job.cancel_after(3);
    const Answer answer = run_once(GetParam().script, job, scripted_paid());
    EXPECT_EQ(answer.status, GetParam().status) << answer.text;
    EXPECT_EQ(job.progress().size(), GetParam().reports);
    EXPECT_EQ(count(ledger(), "cancel"), 1U);
    if (GetParam().status != RG_CANCELLED) return;
    EXPECT_EQ(answer.json().value("compute_stopped", json()), GetParam().stopped);
    EXPECT_EQ(answer.json().value("billing", ""), GetParam().billing);
}

INSTANTIATE_TEST_SUITE_P(
    EachBehaviour,
    Cancels,
    testing::Values(
        CancelRow{"AtOnce", R"({"run": [{"progress": 10}]})", RG_CANCELLED, 3, true, "not_billed"},
        CancelRow{"AtOnceOfPaidWork",
                  R"({"run": ["accept", {"progress": 10}]})",
                  RG_CANCELLED,
                  3,
                  true,
                  "billed"},
        CancelRow{
            "WhileItEncodes", R"({"run": ["accept", "deliver"]})", RG_CANCELLED, 3, true, "billed"},
        CancelRow{"WhileItStalls",
                  R"({"run": [{"progress": 3}, "stall"], "cancel": {"how": "late", "steps": 1}})",
                  RG_CANCELLED,
                  3,
                  true,
                  "not_billed"},
        CancelRow{"Late",
                  R"({"run": [{"progress": 10}], "cancel": {"how": "late", "steps": 4}})",
                  RG_CANCELLED,
                  7,
                  true,
                  "not_billed"},
        CancelRow{"Impossible",
                  R"({"run": [{"progress": 10}], "cancel": "impossible"})",
                  RG_OK,
                  10,
                  nullptr,
                  ""},
        CancelRow{"Lost",
                  R"({"run": ["accept", {"progress": 10}], "cancel": "lost"})",
                  RG_CANCELLED,
                  3,
                  nullptr,
                  "maybe_billed"},
        CancelRow{"ToldOtherwise",
                  R"({"run": [{"progress": 10}],
                      "cancel": {"compute_stopped": false, "billing": "maybe_billed"}})",
                  RG_CANCELLED,
                  3,
                  false,
                  "maybe_billed"}),
    [](const auto& row) { return row.param.name; });

TEST_F(ScriptedTest, RemoteWorkOutlivesTheLifeThatSubmittedIt)
{
    const json config =
        config_of(R"({"run": [{"accept": {"steps": 4, "charge": "when_done"}}, "fail"],
                                      "resume": ["follow", "deliver"]})");
    TableJob first(small_request());
    {
        Life life(scripted_paid(), config, dir_.path());
        EXPECT_EQ(life.run(first).status, RG_FAILED);
    }
    EXPECT_EQ(charged_micros(ledger()), 0);
    Life life(scripted_paid(), config, dir_.path());
    TableJob second(small_request());
    const Answer done = life.resume(second, first.accepted().at(0));
    EXPECT_EQ(done.status, RG_OK) << done.text;
    EXPECT_EQ(second.artifacts().size(), 1U);
    EXPECT_EQ(second.accepted().size(), 0U);
    EXPECT_EQ(count(ledger(), "submit"), 1U);
    EXPECT_EQ(count(ledger(), "resume"), 1U);
    EXPECT_EQ(charged_micros(ledger()), 400'000);
}

TEST_F(ScriptedTest, ResumeOfUnknownWorkSaysSo)
{
    Life life(scripted(), json::object(), dir_.path());
    for (const char* id : {"r-77", "../ledger", ""}) {
        TableJob job(small_request());
        const Answer answer = life.resume(job,
                                          {
                                              {"id", id}
        });
        EXPECT_EQ(answer.status, RG_FAILED);
        EXPECT_EQ(answer.json().value("code", ""), "no_such_remote") << answer.text;
    }
}

struct AbandonRow {
    const char* name;
    const char* cancel;
    rg_status status;
    const char* answer;
};

class Abandons : public ScriptedTest, public testing::WithParamInterface<AbandonRow> {};

TEST_P(Abandons, Truthfully)
{
    json config = config_of(R"({"run": [{"accept": {"steps": 9}}, "fail"]})");
    config["script"]["cancel"] = GetParam().cancel;
    Life life(scripted_paid(), config, dir_.path());
    TableJob job(small_request());
    life.run(job);
    const Answer answer = life.abandon(job.accepted().at(0));
    EXPECT_EQ(answer.status, GetParam().status);
    const json expected = json::parse(GetParam().answer);
    for (const auto& [name, value] : expected.items())
        EXPECT_EQ(answer.json().value(name, json()), value) << answer.text;
    EXPECT_EQ(count(ledger(), "abandon"), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    EachBehaviour,
    Abandons,
    testing::Values(AbandonRow{"AtOnce",
                               "immediate",
                               RG_OK,
                               R"({"compute_stopped": true, "billing": "billed"})"},
                    AbandonRow{"Impossible",
                               "impossible",
                               RG_OK,
                               R"({"compute_stopped": false, "billing": "billed"})"},
                    AbandonRow{"Lost",
                               "lost",
                               RG_FAILED,
                               R"({"category": "network_error", "billing": "maybe_billed"})"}),
    [](const auto& row) { return row.param.name; });

TEST_F(ScriptedTest, AKnownKeyGetsTheOldJobIfTheOtherSideIsIdempotent)
{
    for (const bool idempotent : {false, true}) {
        const ScratchDir dir;
        Life life(scripted_paid(),
                  {
                      {"idempotent", idempotent}
        },
                  dir.path());
        for (int i = 0; i < 2; ++i) {
            TableJob job(small_request());
            EXPECT_EQ(life.run(job).status, RG_OK);
        }
        const LedgerEntries entries = read_ledger(dir / "ledger.jsonl");
        EXPECT_EQ(count(entries, "submit"), idempotent ? 1U : 2U);
        EXPECT_EQ(charged_micros(entries), idempotent ? 400'000 : 800'000);
    }
}

} // namespace
} // namespace reelgate::fakes
