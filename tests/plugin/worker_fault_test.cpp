// Everything a plugin can do to its process, and what the rest of the world sees of it: the attempt
// ends with a failure that says what happened, an attempt in another worker goes on, the provider
// works again after its rest, and no process is left.
#include "tests/plugin/stage.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <fstream>

namespace reelgate::test {
namespace {

using testing::HasSubstr;

struct Fault {
    std::string name;
    std::string steps; // of the run that goes wrong
    Category category;
    std::string code;
    std::string text;        // part of the Error's
    std::string in_log = {}; // part of a line of what the worker said last
    bool dies = true;
    bool cancelled = false; // by us, once it has said that it runs
    std::uint64_t max_file_kb = JailOrder{}.max_file_kb;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

std::string tail_of(const SupervisedProvider& provider)
{
    std::string all;
    for (const std::string& line : provider.output().tail(200))
        all += line + '\n';
    return all;
}

class WorkerFault : public testing::TestWithParam<Fault> {
protected:
    // A provider whose clocks are short enough to be waited for. Whoever shall stop by itself has
    // all the time that a busy machine may take.
    SupervisedProvider& impatient(std::chrono::milliseconds silent_for = 1500ms,
                                  std::uint64_t max_file_kb = JailOrder{}.max_file_kb,
                                  std::chrono::milliseconds cancel_within = 200ms)
    {
        ProviderSettings settings = stage_.settings("faulty");
        settings.jail.max_file_kb = max_file_kb;
        settings.silent_for = silent_for;
        settings.cancel_within = cancel_within;
        settings.limits.ping_every = 100ms;
        settings.limits.ping_limit = 1500ms;
        settings.limits.neighbours = 100ms;
        return stage_.add_scripted(std::move(settings));
    }

    Stage stage_;
};

TEST_P(WorkerFault, HarmsItsOwnAttemptAlone)
{
    const Fault& fault = GetParam();
    SupervisedProvider& neighbour = stage_.add_scripted("neighbour");
    const std::chrono::milliseconds cancel_within = fault.dies ? 200ms : 30s;
    SupervisedProvider& faulty = impatient(1500ms, fault.max_file_kb, cancel_within);
    const pid_t group = faulty.pid().value_or(-1);
    const auto go = stage_.scratch / "neighbour/go";
    Attempt& beside = stage_.play(
        neighbour, R"([{"progress": 1}, {"wait_for": ")" + go.string() + R"("}, "deliver"])");
    stage_.until([&] { return !beside.notes.progress.empty(); }, "the neighbour's run");

    Attempt& attempt = stage_.play(faulty, fault.steps);
    if (fault.cancelled) {
        stage_.until([&] { return !attempt.notes.progress.empty(); }, "the run");
        faulty.cancel(attempt.id);
    }
    const Result<Done>& verdict = stage_.verdict_of(attempt);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(to_string(verdict.error().category), to_string(fault.category)) << told(verdict);
    EXPECT_EQ(verdict.error().code, fault.code) << told(verdict);
    EXPECT_THAT(verdict.error().text, HasSubstr(fault.text));

    if (fault.dies) {
        stage_.until([&] { return faulty.starts() == 2; }, "the next start");
        // Killed with it, but nobody's child: the kernel takes its time.
        stage_.until([&] { return processes_of_group(group).empty(); }, "the end of its group");
    }
    stage_.until([&] { return faulty.life() == supervise::Life::ready; }, "readiness");
    EXPECT_EQ(faulty.starts(), fault.dies ? 2U : 1U);
    // What a worker logs may leave it behind the verdict.
    stage_.until([&] { return tail_of(faulty).find(fault.in_log) != std::string::npos; },
                 fault.in_log + " in the worker's output");
    Attempt& next = stage_.play(faulty, R"(["deliver"])");
    EXPECT_TRUE(stage_.verdict_of(next)) << told(*next.verdict);
    EXPECT_EQ(next.notes.artifacts.size(), 1U);

    std::ofstream(go) << "go";
    EXPECT_TRUE(stage_.verdict_of(beside)) << told(*beside.verdict);
    EXPECT_EQ(neighbour.starts(), 1U);
}

constexpr Category kCrashed = Category::plugin_crashed;

// ThreadSanitizer ends a program that leaves by exit() with a status of its own.
#if defined(REELGATE_UNDER_TSAN)
constexpr bool kExitStatusIsKept = false;
#else
constexpr bool kExitStatusIsKept = true;
#endif

// An exception that meets `noexcept`: GCC ends the program where it was thrown, clang unwinds the
// stack first, and the frames it came from are gone.
#if defined(__clang__) || defined(REELGATE_UNDER_TSAN)
constexpr bool kThrowersFramesAreKept = false;
#else
constexpr bool kThrowersFramesAreKept = true;
#endif

Fault crash(std::string name, const std::string& arguments, std::string text, std::string log)
{
    return {std::move(name),
            R"([{"progress": 2}, {"crash": )" + arguments + "}]",
            kCrashed,
            "crashed",
            std::move(text),
            std::move(log)};
}

std::vector<Fault> deaths()
{
    const std::string plugin = "plugin.so+0x";
    std::vector<Fault> all{
        crash("segv", R"({"by": "segv"})", "SIGSEGV", plugin),
        crash("abort", R"({"by": "abort"})", "SIGABRT", plugin),
        crash("bus", R"({"by": "bus"})", "SIGBUS", plugin),
        crash("fpe", R"({"by": "fpe"})", "SIGFPE", plugin),
        crash("ill", R"({"by": "ill"})", "SIGILL", plugin),
        crash("stack", R"({"by": "stack"})", "SIGSEGV", plugin),
        crash("terminate", R"({"by": "terminate"})", "SIGABRT", plugin),
        crash("other_thread", R"({"by": "segv", "thread": true})", "SIGSEGV", plugin),
        crash("other_thread_stack", R"({"by": "stack", "thread": true})", "SIGSEGV", "SIGSEGV"),
    };
    all.push_back({"thrown",
                   R"([{"throw": "over the edge"}])",
                   kCrashed,
                   "crashed",
                   "SIGABRT",
                   kThrowersFramesAreKept ? plugin : ""});
    return all;
}

std::vector<Fault> exits()
{
    const auto ends =
        [](std::string name, const std::string& steps, std::string code, std::string text) {
            return Fault{std::move(name), steps, kCrashed, std::move(code), text, text};
        };
    const auto leaves = [&](std::string name, const std::string& code) {
        return ends(std::move(name),
                    R"([{"crash": {"by": "exit", "code": )" + code + "}}]",
                    "exited",
                    "exited with code " + (kExitStatusIsKept ? code : ""));
    };
    std::vector<Fault> all{
        leaves("exit_0", "0"),
        leaves("exit_3", "3"),
        ends("_exit_7",
             R"([{"crash": {"by": "_exit", "code": 7}}])",
             "exited",
             "exited with code 7"),
    };
    // Memory that ran out is told apart by what the kernel counts; here it counts nothing.
    all.push_back({"killed_from_outside",
                   R"([{"crash": "kill"}])",
                   kCrashed,
                   "killed",
                   "a SIGKILL that Reelgate did not send",
                   "SIGKILL"});
    all.push_back({"frozen",
                   R"(["freeze"])",
                   kCrashed,
                   "unresponsive",
                   "did not answer",
                   "killed: unresponsive"});
    all.push_back({"scribbled",
                   R"([{"scribble": "a stray print, long enough to be seen"}, "stall"])",
                   kCrashed,
                   "protocol_violation",
                   "broke the worker protocol",
                   "a stray print"});
    return all;
}

std::vector<Fault> silences()
{
    return {
        {"stalled",
         R"([{"progress": 1}, "stall"])",                   Category::timeout,
         "run_stalled",                            "no sign of life",
         {},
         false                         },
        {                        "hung",
         R"([{"progress": 1}, "hang"])", Category::timeout,
         "run_stalled", "did not stop when asked",
         "killed: run_stalled"},
        { "deaf",
         // Deaf from its first breath: the cancel may come before the stall has begun.
         R"([{"progress": 1}, "stall"], "cancel": "impossible")",         Category::cancelled,
         "cancel_forced",           "did not stop by itself",
         "killed: cancel_ignored",                  true,
         true},
        {                         "cancelled",
         R"([{"progress": 1}, "stall"])",                                            Category::cancelled,
         "",                                    "",
         {},
         false,             true},
    };
}

std::vector<Fault> lies()
{
    std::vector<Fault> all;
    for (const char* kind : {"missing",
                             "parent",
                             "absolute",
                             "outside",
                             "symlink",
                             "symlink_out",
                             "hard_link",
                             "directory",
                             "fifo",
                             "long_name",
                             "nul_in_name"})
        all.push_back({std::string("lie_") + kind,
                       R"([{"lie": ")" + std::string(kind) + R"("}])",
                       Category::output_invalid,
                       "artifact_refused",
                       "",
                       "artifact.refused",
                       false});
    return all;
}

std::vector<Fault> rubbish()
{
    std::vector<Fault> all;
    const auto odd = [&](std::string name, const std::string& step, std::string code) {
        all.push_back(
            {std::move(name), '[' + step + ']', Category::unknown, std::move(code), {}, {}, false});
    };
    for (const std::string kind : {"invalid_json", "not_utf8", "no_object", "deep"})
        odd("garbage_" + kind, R"({"garbage": ")" + kind + R"("})", "bad_failure_record");
    for (const std::string kind : {"huge", "empty"})
        odd("garbage_" + kind, R"({"garbage": ")" + kind + R"("})", "");
    odd("garbage_status", R"({"garbage": "unknown_status"})", "bad_status");
    odd("contained", R"({"exception": "unknown"})", "exception");
    // What a plugin says must not be able to break the wire it is said on.
    all.push_back({"nested_log",
                   R"([{"nest": "log"}, {"fail": {"text": "it went on"}}])",
                   Category::provider_error,
                   "",
                   "it went on",
                   "scripted.nested",
                   false});
    const auto nested = [&](const std::string& in, Category category, std::string code) {
        all.push_back({"nested_" + in,
                       R"([{"nest": ")" + in + R"("}])",
                       category,
                       std::move(code),
                       {},
                       {},
                       false});
    };
    nested("artifact", Category::output_invalid, "artifact_refused");
    nested("intend", Category::unknown, "intend_refused");
    nested("accepted", Category::submit_ambiguous, "accepted_refused");
    all.push_back(
        {"flooded",
         R"([{"flood": {"bytes": 10000000}}, {"log": "after.the.flood"}, {"fail": {"text": "flooded"}}])",
         Category::provider_error,
         "",
         "flooded",
         "lines dropped",
         false});
    // A file that grows too long is a failed write (EFBIG), not a death by SIGXFSZ.
    Fault long_film{"film_over_the_file_limit",
                    R"([{"deliver": {"width": 640, "height": 368, "frames": 121}}])",
                    Category::unknown,
                    "exception",
                    "File too large",
                    {},
                    false};
    long_film.max_file_kb = 32;
    all.push_back(std::move(long_film));
    return all;
}

std::string name_of(const testing::TestParamInfo<Fault>& info) { return info.param.name; }

TEST_F(WorkerFault, CallsAfterTheEndAreCountedAndHarmNothing)
{
    SupervisedProvider& provider = impatient();
    Attempt& attempt = stage_.play(provider, R"([{"late_calls": 20}])");
    EXPECT_TRUE(stage_.verdict_of(attempt)) << told(*attempt.verdict);
    stage_.until([&] { return provider.late_calls() >= 20; }, "the late calls");
    EXPECT_TRUE(attempt.notes.progress.empty());
    EXPECT_TRUE(attempt.notes.artifacts.empty());
    Attempt& next = stage_.play(provider, R"(["deliver"])");
    EXPECT_TRUE(stage_.verdict_of(next)) << told(*next.verdict);
    EXPECT_EQ(provider.starts(), 1U);
}

TEST_F(WorkerFault, NothingIsSubmittedWhoseIntentWasRefused)
{
    SupervisedProvider& provider = impatient();
    Attempt& attempt = stage_.play(provider, R"(["intend", "submit", "accepted", "deliver"])");
    attempt.notes.intend_answer = RG_FAILED; // the loop has not turned yet
    ASSERT_FALSE(stage_.verdict_of(attempt));
    ASSERT_EQ(attempt.notes.durable.size(), 1U);
    EXPECT_THAT(attempt.notes.durable[0], HasSubstr("intend {"));
    EXPECT_TRUE(attempt.notes.artifacts.empty());
    EXPECT_EQ(provider.starts(), 1U);
}

TEST_F(WorkerFault, WhoSharesTheProcessWithACrashIsNotToBlame)
{
    SupervisedProvider& provider = impatient();
    Attempt& beside = stage_.play(provider, R"([{"progress": 1}, "stall"])");
    stage_.until([&] { return !beside.notes.progress.empty(); }, "the first run");
    Attempt& culprit = stage_.play(provider, R"([{"crash": "segv"}])");
    ASSERT_FALSE(stage_.verdict_of(culprit));
    ASSERT_FALSE(stage_.verdict_of(beside));
    EXPECT_EQ(culprit.verdict->error().code, "crashed");
    EXPECT_EQ(beside.verdict->error().code, "neighbour_crashed");
    EXPECT_EQ(beside.verdict->error().category, Category::worker_unavailable);
}

TEST_F(WorkerFault, ThreeCrashesAreQuarantineAndAResetEndsIt)
{
    ProviderSettings settings = stage_.settings("faulty");
    settings.limits.crashes = 3;
    SupervisedProvider& provider = stage_.add_scripted(std::move(settings));
    for (unsigned i = 1; i <= 3; ++i) {
        stage_.until([&] { return provider.life() == supervise::Life::ready; }, "readiness");
        Attempt& attempt = stage_.play(provider, R"([{"crash": "abort"}])");
        EXPECT_FALSE(stage_.verdict_of(attempt));
        stage_.until([&] { return provider.life() != supervise::Life::ready; }, "the end");
    }
    stage_.until([&] { return provider.life() == supervise::Life::quarantined; }, "quarantine");
    EXPECT_EQ(provider.status().health, Health::unhealthy);
    EXPECT_THAT(provider.status().reason, HasSubstr("SIGABRT"));
    Attempt& refused = stage_.play(provider, "[]");
    ASSERT_FALSE(stage_.verdict_of(refused));
    EXPECT_EQ(refused.verdict->error().code, "quarantined");
    provider.reset();
    stage_.until([&] { return provider.life() == supervise::Life::ready; }, "readiness");
}

// The mark of the worker that went must not be taken for that of the one that follows.
TEST_F(WorkerFault, AStartRightBehindAStopFindsAWorkerThatStays)
{
    SupervisedProvider& provider = impatient();
    bool overtaken = false;
    const auto returned = [&overtaken](std::exception_ptr failure) {
        Stage::rethrow(std::move(failure));
        overtaken = true;
    };
    asio::co_spawn(stage_.loop, provider.stop(), returned);
    stage_.until([&] { return provider.life() == supervise::Life::leaving; }, "the stop");
    provider.start();
    stage_.until(
        [&] { return provider.starts() == 2 && provider.life() == supervise::Life::ready; },
        "the second worker");
    Attempt& attempt = stage_.play(provider, R"(["deliver"])");
    EXPECT_TRUE(stage_.verdict_of(attempt)) << told(*attempt.verdict);
    EXPECT_EQ(provider.starts(), 2U);
    EXPECT_TRUE(overtaken);
}

TEST_F(WorkerFault, AProviderThatWasStoppedCanBeOpenedAgainAndItsClocksRun)
{
    SupervisedProvider& provider = impatient(60s); // so that it is the ping that is missed first
    stage_.finish(provider.stop());
    ASSERT_EQ(provider.life(), supervise::Life::stopped);
    ASSERT_TRUE(stage_.wait(provider.open(kPatience)));
    Attempt& attempt = stage_.play(provider, R"(["freeze"])");
    ASSERT_FALSE(stage_.verdict_of(attempt));
    EXPECT_EQ(attempt.verdict->error().code, "unresponsive") << told(*attempt.verdict);
}

TEST_F(WorkerFault, StopsAtTheSameTimeEndTogether)
{
    SupervisedProvider& provider = impatient();
    unsigned returned = 0;
    const auto count = [&returned](std::exception_ptr failure) {
        Stage::rethrow(std::move(failure));
        ++returned;
    };
    asio::co_spawn(stage_.loop, provider.stop(), count);
    asio::co_spawn(stage_.loop, provider.stop(), count);
    stage_.until([&] { return returned == 2; }, "both");
    EXPECT_EQ(provider.life(), supervise::Life::stopped);
}

// Nobody hears of the attempt any more; its worker obeyed all the same, and so did no harm.
TEST_F(WorkerFault, AWaiterThatLeavesCostsTheNeighbourNothing)
{
    SupervisedProvider& provider = impatient(kPatience);
    Attempt& beside = stage_.play(provider, R"([{"progress": 1}, "stall"])");
    stage_.until([&] { return !beside.notes.progress.empty(); }, "the neighbour's run");

    asio::cancellation_signal leave;
    stage_.play(provider, R"([{"progress": 1}, "stall"])", leave.slot());
    stage_.until([&] { return provider.supervision().jobs.size() == 2; }, "both attempts");
    leave.emit(asio::cancellation_type::terminal);
    stage_.until([&] { return provider.supervision().jobs.size() < 2; }, "the end of its job");

    EXPECT_EQ(provider.supervision().jobs.count(beside.id), 1U);
    EXPECT_EQ(provider.kills(), 0U);
    provider.cancel(beside.id);
    ASSERT_FALSE(stage_.verdict_of(beside));
    EXPECT_EQ(beside.verdict->error().category, Category::cancelled) << told(*beside.verdict);
    EXPECT_EQ(provider.kills(), 0U);
    EXPECT_EQ(provider.starts(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Deaths, WorkerFault, testing::ValuesIn(deaths()), name_of);
INSTANTIATE_TEST_SUITE_P(Exits, WorkerFault, testing::ValuesIn(exits()), name_of);
INSTANTIATE_TEST_SUITE_P(Silences, WorkerFault, testing::ValuesIn(silences()), name_of);
INSTANTIATE_TEST_SUITE_P(Lies, WorkerFault, testing::ValuesIn(lies()), name_of);
INSTANTIATE_TEST_SUITE_P(Rubbish, WorkerFault, testing::ValuesIn(rubbish()), name_of);

} // namespace
} // namespace reelgate::test
