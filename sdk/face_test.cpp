// The face, seen from the other side of the C table: nothing here calls a provider in C++.
#include "sdk/face_fixture.hpp"

#include <new>
#include <stdexcept>
#include <thread>

namespace reelgate {
namespace {

TEST_F(Face, SaysWhatItWasBuiltWith)
{
    EXPECT_EQ(table.struct_size, sizeof(rg_provider));
    EXPECT_EQ(table.abi_minor, std::uint32_t{RG_ABI_MINOR});
    EXPECT_EQ(table.min_host_minor, std::uint32_t{RG_MIN_HOST_MINOR});
}

TEST_F(Face, DescribesItselfInTheDialectOfTheHost)
{
    const Answer answer = ask(table.describe);
    ASSERT_EQ(answer.status, RG_OK);
    EXPECT_EQ(answer.json(), Json::parse(R"({
        "id": "org.example.actor", "name": "Actor", "version": "2.1.0", "license": "MIT",
        "max_concurrency": 3, "silent_for_s": 7, "cancel_within_s": 60,
        "billing": "paid", "egress": "cloud", "resources": {"gpu": "optional"},
        "models": [{"id": "m", "tasks": ["t2v"], "sizes": ["64x64"]}],
        "config_schema": {"type": "object", "additionalProperties": false, "required": ["key"],
            "properties": {
                "key": {"type": "string", "x-secret": true, "title": "API key", "x-order": 1},
                "level": {"type": "string", "enum": ["low", "high"], "default": "low", "x-order": 2},
                "names": {"type": "array", "items": {"type": "string", "maxLength": 9},
                          "minItems": 1, "x-order": 3}}},
        "params_schema": {"type": "object", "additionalProperties": false,
            "properties": {
                "speed": {"type": "number", "minimum": 0.5, "maximum": 2, "multipleOf": 0.5,
                          "description": "How fast", "x-order": 1},
                "grain": {"type": "integer", "minimum": 0, "x-advanced": true, "x-order": 2},
                "blink": {"type": "boolean", "default": false, "x-order": 3}}}})"));
    EXPECT_EQ(ask(table.describe).text, answer.text) << "the same bytes each time";
}

TEST_F(Face, DoesWithoutASink)
{
    EXPECT_EQ(table.describe(nullptr), RG_OK);
    const rg_sink older{offsetof(rg_sink, write), 0, nullptr, append};
    EXPECT_EQ(table.describe(&older), RG_OK);
    const rg_sink deaf{sizeof(rg_sink), 0, nullptr, nullptr};
    EXPECT_EQ(table.describe(&deaf), RG_OK);
}

TEST_F(Face, RefusesAConfigurationWithARecord)
{
    void* const kept = self;
    const Answer answer = create(R"({"key": "wrong"})");
    EXPECT_EQ(answer.status, RG_REJECTED);
    EXPECT_EQ(answer.json().at("category"), "auth_failed");
    EXPECT_EQ(answer.json().at("code"), "bad_key");
    EXPECT_EQ(answer.json().at("text"), "the key is wrong");
    EXPECT_EQ(self, kept) << "a create that fails gives nothing";
    EXPECT_EQ(create("{}").status, RG_FAILED) << "a missing member is no crash";
    EXPECT_EQ(create("not json").status, RG_FAILED);
    EXPECT_EQ(create("").status, RG_FAILED);
    EXPECT_EQ(living, 1U);
}

TEST_F(Face, LivesTwiceInOneProcess)
{
    void* const first = self;
    ASSERT_EQ(create(R"({"key": "other"})").status, RG_OK);
    EXPECT_NE(self, first);
    EXPECT_EQ(living, 2U);
    table.destroy(first);
    EXPECT_EQ(living, 1U);
}

TEST_F(Face, IsReadyUnlessItSaysOtherwise)
{
    const Answer answer = ask([&](const rg_sink* out) { return table.probe(self, out); });
    EXPECT_EQ(answer.status, RG_OK);
    EXPECT_EQ(answer.text, R"({"state":"ready"})");
}

// ---- what a run throws -----------------------------------------------------------------------

struct ThrowRow {
    const char* name;
    void (*what)(Job&);
    rg_status status;
    const char* record;
};

class FaceCatches : public Face, public testing::WithParamInterface<ThrowRow> {};

TEST_P(FaceCatches, AndReports)
{
    const Answer answer = run(GetParam().what);
    EXPECT_EQ(answer.status, GetParam().status);
    EXPECT_EQ(answer.json(), Json::parse(GetParam().record));
}

struct NoStandardException {};

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachKind, FaceCatches, testing::Values(
    ThrowRow{"Rejected", [](Job&) { throw rejected("too long"); }, RG_REJECTED,
        R"({"category": "invalid_params", "text": "too long"})"},
    ThrowRow{"Busy", [](Job&) { throw busy("queue full").retry_after(std::chrono::minutes(1)); }, RG_BUSY,
        R"({"category": "provider_overloaded", "text": "queue full", "retry_after_s": 60})"},
    ThrowRow{"Ambiguous", [](Job&) { throw ambiguous("no verdict"); }, RG_AMBIGUOUS,
        R"({"category": "submit_ambiguous", "text": "no verdict", "phase": "submit"})"},
    ThrowRow{"Cancelled", [](Job&) { throw cancelled().compute_stopped(false).billing(Billing::billed); }, RG_CANCELLED,
        R"({"category": "cancelled", "text": "cancelled", "compute_stopped": false, "billing": "billed"})"},
    ThrowRow{"Whole", [](Job&) {
            throw failed(Category::content_rejected, "refused").phase(Phase::poll).scope(Scope::request)
                .billing(Billing::maybe_billed).code("nsfw").provider_code("E42").hint("rephrase")
                .upstream_excerpt("blocked").compute_stopped(true); }, RG_FAILED,
        R"({"category": "content_rejected", "text": "refused", "phase": "poll", "scope": "request",
            "billing": "maybe_billed", "code": "nsfw", "provider_code": "E42", "hint": "rephrase",
            "upstream_excerpt": "blocked", "compute_stopped": true})"},
    ThrowRow{"WordFromData", [](Job&) { throw failed(Category::unknown, "x").category("brand_new"); }, RG_FAILED,
        R"({"category": "brand_new", "text": "x"})"},
    ThrowRow{"NoUtf8", [](Job&) { throw failed(Category::unknown, "a\xff" "b"); }, RG_FAILED,
        R"({"category": "unknown", "text": "a\ufffdb"})"},
    ThrowRow{"FailureWithoutStatus", [](Job&) { throw Failure(RG_OK, Category::unknown, "x"); }, RG_FAILED,
        R"({"category": "unknown", "text": "x"})"},
    ThrowRow{"BadAlloc", [](Job&) { throw std::bad_alloc(); }, RG_FAILED,
        R"({"category": "unknown", "code": "host_memory", "text": "out of memory"})"},
    ThrowRow{"Standard", [](Job&) { throw std::runtime_error("index 7 of 3"); }, RG_FAILED,
        R"({"category": "unknown", "code": "exception", "text": "index 7 of 3"})"},
    ThrowRow{"Number", [](Job&) { throw 42; }, RG_FAILED,
        R"({"category": "unknown", "code": "exception", "text": "exception of unknown type"})"},
    ThrowRow{"OwnType", [](Job&) { throw NoStandardException{}; }, RG_FAILED,
        R"({"category": "unknown", "code": "exception", "text": "exception of unknown type"})"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(Words, AreThoseOfTheFailureTable)
{
    EXPECT_EQ(to_string(Category::model_not_found), "model_not_found");
    EXPECT_EQ(to_string(Category::provider_overloaded), "provider_overloaded");
    EXPECT_EQ(to_string(Category::not_found), "not_found");
    EXPECT_EQ(to_string(Phase::download), "download");
    EXPECT_EQ(to_string(Scope::credential), "credential");
    EXPECT_EQ(to_string(Billing::maybe_billed), "maybe_billed");
}

// ---- what a run says -------------------------------------------------------------------------

TEST_F(Face, CarriesEverythingARunSays)
{
    const Answer answer = run([](Job& job) {
        EXPECT_EQ(job.request().at("frames"), 5);
        EXPECT_EQ(job.work_dir(), "/work");
        job.intend({
            {"endpoint", "create"}
        });
        job.accepted({
            {"id", "r1"}
        });
        job.progress("denoise", 1, 4);
        job.progress("remote", 0.25, Source::estimated);
        job.alive("remote");
        job.preview("p/0.png");
        job.artifact("clip.mp4", "video", "video/mp4");
    });
    EXPECT_EQ(answer.status, RG_OK);
    EXPECT_EQ(answer.text, "");
    const std::vector<std::string> expected{
        R"(info actor.run {"key_size":5})",
        R"(intend {"endpoint":"create"})",
        R"(accepted {"id":"r1"})",
        R"(progress {"source":2,"stage":"denoise","step":1,"steps":4,"value":0.25})",
        R"(progress {"source":1,"stage":"remote","step":0,"steps":0,"value":0.25})",
        R"(progress {"source":0,"stage":"remote","step":0,"steps":0,"value":0.0})",
        "preview p/0.png",
        R"(artifact clip.mp4 {"mime":"video/mp4","role":"video"})",
    };
    EXPECT_EQ(fake.heard, expected);
}

struct RefusedRow {
    const char* name;
    void (*what)(Job&);
    rg_status verdict; // of the host
    rg_status status;  // of the run
    const char* code;
};

class HostRefuses : public Face, public testing::WithParamInterface<RefusedRow> {};

TEST_P(HostRefuses, AndTheRunEnds)
{
    fake.verdict = GetParam().verdict;
    const Answer answer = run(GetParam().what);
    EXPECT_EQ(answer.status, GetParam().status);
    const Json record = answer.text.empty() ? Json::object() : answer.json();
    EXPECT_EQ(record.value("code", ""), GetParam().code);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachCall, HostRefuses, testing::Values(
    RefusedRow{"Artifact", [](Job& j) { j.artifact("../x", "video", "v"); }, RG_REJECTED, RG_FAILED, "artifact_refused"},
    RefusedRow{"Preview", [](Job& j) { j.preview("../x"); }, RG_REJECTED, RG_FAILED, "preview_refused"},
    RefusedRow{"TooManyPreviews", [](Job& j) { j.preview("x"); }, RG_BUSY, RG_OK, ""},
    RefusedRow{"Intent", [](Job& j) { j.intend({{"a", 1}}); }, RG_FAILED, RG_FAILED, "intend_refused"},
    RefusedRow{"IntentOfACancelledJob", [](Job& j) { j.intend({{"a", 1}}); }, RG_CANCELLED, RG_CANCELLED, ""},
    RefusedRow{"ArtifactOfACancelledJob", [](Job& j) { j.artifact("x", "video", "v"); }, RG_CANCELLED, RG_CANCELLED, ""},
    RefusedRow{"Acceptance", [](Job& j) { j.accepted({{"id", 1}}); }, RG_FAILED, RG_AMBIGUOUS, "accepted_refused"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

// ---- cancel ----------------------------------------------------------------------------------

struct CancelRow {
    const char* name;
    void (*what)(Job&);
};

class CancelLands : public Face, public testing::WithParamInterface<CancelRow> {};

TEST_P(CancelLands, InAStraightLine)
{
    fake.cancel();
    const Answer answer = run([](Job& job) {
        EXPECT_TRUE(job.cancelled());
        GetParam().what(job);
        ADD_FAILURE() << "went on after the cancel";
    });
    EXPECT_EQ(answer.status, RG_CANCELLED);
    EXPECT_EQ(answer.json().at("category"), "cancelled");
}

INSTANTIATE_TEST_SUITE_P(
    EachPlace,
    CancelLands,
    testing::Values(CancelRow{"Steps", [](Job& job) { job.progress("a", 1, 2); }},
                    CancelRow{"Share", [](Job& job) { job.progress("a", 0.5); }},
                    CancelRow{"Alive", [](Job& job) { job.alive("a"); }},
                    CancelRow{"Wait", [](Job& job) { job.wait(std::chrono::hours(1)); }},
                    CancelRow{"Asked", [](Job& job) { job.stop_if_cancelled(); }}),
    [](const auto& row) { return row.param.name; });

TEST_F(Face, AWaitEndsWhenTheCancelComes)
{
    std::thread other;
    const Answer answer = run([&](Job& job) {
        other = std::thread([this] { fake.cancel(); });
        job.wait(std::chrono::hours(1)); // the limit of this test is far below
    });
    other.join();
    EXPECT_EQ(answer.status, RG_CANCELLED);
}

TEST_F(Face, AWaitWithoutDescriptorAsksTheFlag)
{
    fake.job.cancel_fd = -1;
    fake.cancelled = true;
    EXPECT_EQ(run([](Job& job) { job.wait(std::chrono::hours(1)); }).status, RG_CANCELLED);
    fake.cancelled = false;
    EXPECT_EQ(run([](Job& job) { job.wait(std::chrono::milliseconds(1)); }).status, RG_OK);
}

TEST_F(Face, TheDescriptorIsEnoughForACancel)
{
    fake.job.is_cancelled = nullptr;
    EXPECT_EQ(run([](Job& job) { job.progress("a", 1, 2); }).status, RG_OK);
    fake.cancel();
    EXPECT_EQ(run([](Job& job) { job.progress("a", 1, 2); }).status, RG_CANCELLED);
}

} // namespace
} // namespace reelgate
