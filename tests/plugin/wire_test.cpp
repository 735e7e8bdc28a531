// A program that speaks the worker protocol badly: what it breaks costs its own attempt, says why,
// and the next start works. What is merely unknown or late costs nothing.
#include "tests/plugin/stage.hpp"

#include <gmock/gmock.h>

namespace reelgate::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Wire : public testing::Test {
protected:
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
        settings.limits.bye = 500ms;
        settings.limits.ping_every = 200ms;
        settings.limits.ping_limit = 2s;
        return stage_.add(std::move(manifest), std::move(settings));
    }

    Stage stage_;
};

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

const std::string kViolation = "plugin_crashed/protocol_violation";
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
                    Fault{"gives_up", "plugin_crashed/gave_up"},
                    Fault{"deaf", "plugin_crashed/unresponsive"},
                    Fault{"unknown_job", "ok", {}, false},
                    Fault{"done_twice", "ok", {}, false},
                    Fault{"late", "ok", {}, false},
                    Fault{"strange", "ok", {}, false},
                    Fault{"wrong_kinds", "ok", {}, false},
                    Fault{"bad_artifact", "output_invalid/path_escapes", "../x", false},
                    Fault{"ask_for_nobody", "unknown/", "nobody 5, nobody 3", false},
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
                                         BadStart{"silent", "start_timeout", "not ready", 300ms},
                                         BadStart{"leaves", "start_crashed", "code 9"},
                                         BadStart{
                                             "prints", "protocol_violation", "Loading the model"}),
                         [](const auto& row) { return row.param.name; });

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
