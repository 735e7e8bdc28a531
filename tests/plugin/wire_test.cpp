// A program that speaks the worker protocol badly: what it breaks costs its own attempt, says why,
// and the next start works. What is merely unknown or late costs nothing.
#include "host/plugin/frames.hpp"
#include "tests/plugin/stage.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace reelgate::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Wire : public testing::Test {
protected:
    std::chrono::milliseconds bye_ = 500ms;
    std::chrono::milliseconds ping_limit_ = 2s;
    std::string config_ = "{}";

    SupervisedProvider& breaker(const std::string& fault,
                                std::optional<std::chrono::milliseconds> start = {},
                                std::chrono::seconds manifest_start = 30s)
    {
        Manifest manifest;
        manifest.id = "wire-breaker";
        manifest.version = "1.0.0";
        manifest.runtime = Manifest::Runtime::exec;
        manifest.command = {"./wire_breaker.py"};
        manifest.directory = REELGATE_SOURCE_DIR "/tests/fakes";
        manifest.start_timeout = manifest_start;
        ProviderSettings settings = stage_.settings("wire");
        settings.environment = {
            {"REELGATE_FAULT", fault}
        };
        settings.start = start;
        settings.limits.bye = bye_;
        settings.limits.ping_every = 200ms;
        settings.limits.ping_limit = ping_limit_;
        settings.config_json = config_;
        return stage_.add(std::move(manifest), std::move(settings));
    }

    Stage stage_;
};

const std::string kBroken = "protocol_violation";
const std::string kViolation = "plugin_crashed/" + kBroken;

struct Fault {
    std::string name;
    std::string expected; // "ok", or category/code
    std::string text = {};
    bool dies = true;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class WireFault : public Wire, public testing::WithParamInterface<Fault> {};

TEST_P(WireFault, CostsAtMostItsOwnAttempt)
{
    const Fault& fault = GetParam();
    SupervisedProvider& provider = breaker(fault.name);
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    Attempt& attempt = stage_.begin(provider);
    const Result<Done>& verdict = stage_.verdict_of(attempt);
    EXPECT_THAT(told(verdict), testing::StartsWith(fault.expected));
    EXPECT_THAT(told(verdict), HasSubstr(fault.text));
    EXPECT_TRUE(attempt.notes.artifacts.empty());
    if (fault.dies) stage_.until([&] { return provider.starts() == 2; }, "the next start");
    stage_.until([&] { return provider.life() == supervise::Life::ready; }, "readiness");
    EXPECT_EQ(provider.starts(), fault.dies ? 2U : 1U);
    Attempt& next = stage_.begin(provider);
    EXPECT_TRUE(stage_.verdict_of(next)) << told(*next.verdict);
}

INSTANTIATE_TEST_SUITE_P(
    Rows,
    WireFault,
    testing::Values(Fault{"oversized", kViolation},
                    Fault{"truncated", "plugin_crashed/exited", "code 0"},
                    Fault{"not_json", kViolation},
                    Fault{"not_object", kViolation},
                    Fault{"no_type", kViolation},
                    Fault{"type_is_no_text", kViolation},
                    Fault{"deep", kViolation},
                    Fault{"closes_the_wire", kViolation},
                    Fault{"second_hello", kViolation},
                    Fault{"created_twice", kViolation},
                    Fault{"gives_up", "plugin_crashed/gave_up", "it is too much"},
                    Fault{"deaf", "plugin_crashed/unresponsive"},
                    Fault{"answers_other_pings", "plugin_crashed/unresponsive"},
                    Fault{"unknown_job", "ok", {}, false},
                    Fault{"done_twice", "ok", {}, false},
                    Fault{"late", "ok", {}, false},
                    Fault{"strange", "ok", {}, false},
                    Fault{"wrong_kinds", "ok", {}, false},
                    Fault{"bad_artifact", "output_invalid/path_escapes", "../x", false},
                    Fault{"ask_for_nobody", "unknown/", "True 3 0", false},
                    Fault{"no_status", "unknown/bad_status", "without a status", false}),
    [](const auto& row) { return row.param.name; });

struct BadStart {
    std::string name;
    std::string code;
    std::string text;
    std::optional<std::chrono::milliseconds> limit = {};
};
void PrintTo(const BadStart& start, std::ostream* out) { *out << start.name; }

class WireStart : public Wire, public testing::WithParamInterface<BadStart> {};

TEST_P(WireStart, IsRefusedWithItsReason)
{
    SupervisedProvider& provider = breaker(GetParam().name, GetParam().limit);
    const auto opened = stage_.wait(provider.open(kPatience));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, GetParam().code) << told(opened);
    EXPECT_THAT(opened.error().text, HasSubstr(GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(Rows,
                         WireStart,
                         testing::Values(BadStart{"too_new", "protocol_too_new", "2 to 3"},
                                         BadStart{"too_old", "protocol_too_old", "0 to 0"},
                                         BadStart{"no_protocol", "bad_hello", "names no protocol"},
                                         BadStart{"other_id", "identity_mismatch", "somebody-else"},
                                         BadStart{"no_description", "bad_description", ""},
                                         BadStart{"created_first", kBroken, "before its hello"},
                                         BadStart{"done_before_hello", kBroken, "`done`"},
                                         BadStart{"done_before_created", kBroken, "`done`"},
                                         BadStart{"hello_twice", kBroken, "hello twice"},
                                         BadStart{"silent", "start_timeout", "not ready", 300ms},
                                         BadStart{"leaves", "start_crashed", "code 9"},
                                         BadStart{"prints", kBroken, "Loading the model"}),
                         [](const auto& row) { return row.param.name; });

// The description of the worker before it is nobody's word for this one.
TEST_F(Wire, WhoWasGreetedOnceMustGreetAgainInTheNextLife)
{
    SupervisedProvider& provider = breaker("then_created_first");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    ASSERT_FALSE(stage_.verdict_of(stage_.begin(provider)));
    stage_.until(
        [&] { return provider.starts() == 3 && provider.life() == supervise::Life::ready; },
        "readiness");
    const auto killed = stage_.logged("plugin.killed");
    ASSERT_EQ(killed.size(), 1U);
    EXPECT_THAT(killed[0], HasSubstr(kBroken));
}

// What was kept, and what the lines that tell of losses say was not.
std::uint64_t told_of(const std::vector<std::string>& lines, const std::string& kind)
{
    const std::string marker = ' ' + kind + " were dropped";
    std::uint64_t dropped = 0;
    for (const std::string& line : lines) {
        const std::size_t end = line.find(marker);
        if (end == std::string::npos) continue;
        const std::size_t begin = line.find_last_not_of("0123456789", end - 1) + 1;
        dropped += std::stoull(line.substr(begin, end - begin));
    }
    return dropped;
}

TEST_F(Wire, WhoLogsInALoopFillsNoDisk)
{
    constexpr std::size_t kSaid = 20'000;
    ping_limit_ = kPatience; // it answers none meanwhile
    SupervisedProvider& provider = breaker("chatters");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    Attempt& attempt = stage_.begin(provider);
    EXPECT_TRUE(stage_.verdict_of(attempt)) << told(*attempt.verdict);
    std::size_t kept = 0;
    stage_.until(
        [&] {
            kept = stage_.logged("chatter").size();
            return kept + told_of(stage_.logged("plugin.misbehaved"), "log lines") == kSaid;
        },
        "all lines, logged or told to be lost");
    EXPECT_LT(kept, kSaid);
    EXPECT_EQ(provider.kills(), 0U);
}

TEST_F(Wire, WhatIsWrongAllTheTimeIsNotToldEachTime)
{
    constexpr std::size_t kSaid = 5'000;
    ping_limit_ = kPatience; // it answers none meanwhile
    SupervisedProvider& provider = breaker("mumbles");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    ASSERT_FALSE(stage_.verdict_of(stage_.begin(provider)));
    std::size_t kept = 0;
    stage_.until(
        [&] {
            const auto lines = stage_.logged("plugin.misbehaved");
            kept = 0;
            for (const std::string& line : lines)
                if (line.find("\"artifact\"") != std::string::npos) ++kept;
            return kept + told_of(lines, "complaints") == kSaid;
        },
        "all complaints, logged or told to be lost");
    EXPECT_LT(kept, kSaid);
}

TEST_F(Wire, OfProgressInALoopTheNewestArrives)
{
    ping_limit_ = kPatience; // it answers none meanwhile
    SupervisedProvider& provider = breaker("hurries");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    Attempt& attempt = stage_.begin(provider);
    for (const char* name : {"old.png", "new.png"})
        std::ofstream(attempt.work_dir / name) << "png";
    EXPECT_TRUE(stage_.verdict_of(attempt)) << told(*attempt.verdict);
    ASSERT_FALSE(attempt.notes.progress.empty());
    EXPECT_LT(attempt.notes.progress.size(), 5'000U);
    EXPECT_EQ(attempt.notes.progress.back().step, 5'000U);
    ASSERT_FALSE(attempt.notes.previews.empty());
    EXPECT_LT(attempt.notes.previews.size(), 2'001U);
    EXPECT_EQ(attempt.notes.previews.back(), "new.png");
}

TEST_F(Wire, WhoAsksAndNeverReadsIsEnded)
{
    ping_limit_ = kPatience; // so that it is the queue that ends it
    SupervisedProvider& provider = breaker("asks_and_never_reads");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    Attempt& attempt = stage_.begin(provider);
    ASSERT_FALSE(stage_.verdict_of(attempt));
    EXPECT_THAT(told(*attempt.verdict), testing::StartsWith(kViolation));
    EXPECT_THAT(attempt.verdict->error().text, HasSubstr("does not read"));
}

// A disk that is slow must not fill our memory with what waits for it.
TEST_F(Wire, WhoAsksAndDoesNotWaitIsEnded)
{
    ping_limit_ = kPatience;
    SupervisedProvider& provider = breaker("asks_and_never_reads");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    Attempt& attempt = stage_.begin(provider);
    attempt.notes.holds = true; // the loop has not turned yet
    ASSERT_FALSE(stage_.verdict_of(attempt));
    EXPECT_THAT(told(*attempt.verdict), testing::StartsWith(kViolation));
    EXPECT_THAT(attempt.verdict->error().text, HasSubstr("does not wait"));
    EXPECT_EQ(attempt.notes.held.size(), 64U);
    for (const Ack& late : attempt.notes.held)
        late(RG_OK); // to nobody
}

TEST_F(Wire, AConfigurationTooLongForAFrameIsRefusedAtOnce)
{
    config_ = R"({"x": ")" + std::string(kMaxFrame - 100, 'x') + R"("})";
    SupervisedProvider& provider = breaker("none");
    const auto opened = stage_.wait(provider.open(kPatience));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "config_too_long") << told(opened);
    EXPECT_EQ(provider.starts(), 1U);
}

TEST_F(Wire, WhatIsTooLongForAFrameIsSaidToBe)
{
    SupervisedProvider& provider = breaker("none");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    const std::string longest = '"' + std::string(kMaxFrame, 'x') + '"';
    const auto called = stage_.wait(provider.call("e/1", "f", "", longest));
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code, "request_too_long");
    const auto abandoned = stage_.wait(provider.abandon(longest));
    ASSERT_FALSE(abandoned);
    EXPECT_EQ(abandoned.error().code, "request_too_long");
    EXPECT_EQ(provider.life(), supervise::Life::ready);
}

// What a process that is no more has left in the wire says nothing about the one that follows.
TEST_F(Wire, AnHeirOfTheWireIsNotHeard)
{
    bye_ = kPatience; // it goes by itself
    SupervisedProvider& provider = breaker("leaves_an_heir");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    asio::co_spawn(stage_.loop, provider.stop(), Stage::rethrow);
    stage_.until([&] { return provider.life() == supervise::Life::leaving; }, "the stop");
    provider.start();
    stage_.until(
        [&] { return provider.starts() >= 2 && provider.life() == supervise::Life::ready; },
        "the second worker");
    Attempt& attempt = stage_.begin(provider);
    EXPECT_TRUE(stage_.verdict_of(attempt)) << told(*attempt.verdict);
    EXPECT_EQ(provider.starts(), 2U);
    EXPECT_EQ(provider.kills(), 0U);
}

// What costs money must not start behind a cancel; what exists already must be known all the same.
TEST_F(Wire, AnIntentBehindTheCancelIsRefused)
{
    SupervisedProvider& provider = breaker("intend_once_cancelled");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    Attempt& attempt = stage_.begin(provider);
    stage_.until([&] { return !attempt.notes.progress.empty(); }, "the run");
    provider.cancel(attempt.id);
    ASSERT_FALSE(stage_.verdict_of(attempt));
    EXPECT_EQ(attempt.verdict->error().text, "intend 1 5, accepted 2 0");
    EXPECT_THAT(attempt.notes.durable, ElementsAre(R"(accepted {"id":"r"})"));
}

TEST_F(Wire, TwoAttemptsOfOneNameAreNotConfused)
{
    SupervisedProvider& provider = breaker("intend_once_cancelled");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    Attempt& attempt = stage_.begin(provider);
    stage_.until([&] { return !attempt.notes.progress.empty(); }, "the run");
    Notebook nobody;
    AttemptOrder order{
        .id = attempt.id, .request_json = "{}", .work_dir = attempt.work_dir, .remote_json = {}};
    const auto second = stage_.wait(provider.run(std::move(order), nobody));
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().text, HasSubstr("runs already"));
    provider.cancel(attempt.id);
    ASSERT_FALSE(stage_.verdict_of(attempt));
    EXPECT_EQ(attempt.verdict->error().category, Category::cancelled);
    EXPECT_EQ(provider.starts(), 1U);
}

TEST_F(Wire, AManifestMayAskForLittleTime)
{
    SupervisedProvider& provider = breaker("silent", {}, 1s);
    const auto opened = stage_.wait(provider.open(kPatience));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "start_timeout") << told(opened);
    EXPECT_THAT(opened.error().text, HasSubstr("within 1000 ms"));
}

TEST_F(Wire, WhoIgnoresTheByeIsEnded)
{
    SupervisedProvider& provider = breaker("ignores_bye");
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    const pid_t group = provider.pid().value_or(-1);
    stage_.finish(provider.stop());
    EXPECT_EQ(provider.kills(), 1U);
    EXPECT_EQ(provider.life(), supervise::Life::stopped);
    EXPECT_TRUE(processes_of_group(group).empty());
}

} // namespace
} // namespace reelgate::test
