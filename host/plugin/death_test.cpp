#include "host/plugin/death.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <ostream>

namespace reelgate {
namespace {

using supervise::JobClock;
using supervise::KillReason;
using testing::HasSubstr;

constexpr Category kCrashed = Category::plugin_crashed;
constexpr Category kUnavailable = Category::worker_unavailable;

ExitFacts by_signal(int signal, std::optional<std::uint64_t> oom_kills = 0)
{
    ExitFacts facts;
    facts.signal = signal;
    facts.peak_rss_kb = 300 * 1024;
    facts.oom_kills = oom_kills;
    return facts;
}

ExitFacts by_exit(int code)
{
    ExitFacts facts;
    facts.code = code;
    return facts;
}

// Last words that name this attempt, or none.
ExitFacts by_crash(std::string_view job)
{
    Crash crash;
    crash.words.signal = SIGSEGV;
    crash.words.address = 0x10;
    std::copy(job.begin(), job.end(), crash.words.job.begin());
    crash.frames = {"reelgate-worker+0x1", "libc.so.6+0x2", "plugin.so+0x3"};
    ExitFacts facts;
    facts.signal = SIGSEGV;
    facts.crash = crash;
    return facts;
}

struct Row {
    const char* name;
    ExitFacts facts;
    std::optional<KillReason> killed_for;
    bool cancel_sent; // to this attempt
    Category category;
    const char* code;
    const char* text;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class Deaths : public testing::TestWithParam<Row> {};

TEST_P(Deaths, AreToldAsWhatTheyWere)
{
    const Row& row = GetParam();
    JobClock clock;
    if (row.cancel_sent) clock.cancel_sent = SteadyTime{};
    const Death death{
        .facts = row.facts, .killed_for = row.killed_for, .plugin = "bars 1.0.0", .remote = false};
    const Error told = why_lost(death, "mine", clock);
    EXPECT_EQ(to_string(told.category), to_string(row.category));
    EXPECT_EQ(told.code, row.code);
    EXPECT_THAT(told.text, HasSubstr(row.text));
    EXPECT_THAT(told.text, HasSubstr("bars 1.0.0"));
    EXPECT_EQ(told.phase, Phase::run);
}

// clang-format off
const std::vector<Row> kRows{
    {"crash_of_mine", by_crash("mine"), {}, false, kCrashed, "crashed", "SIGSEGV at 0x10 in plugin.so+0x3"},
    {"crash_of_nobody", by_crash(""), {}, false, kCrashed, "crashed", "SIGSEGV"},
    {"crash_of_a_neighbour", by_crash("theirs"), {}, false, kUnavailable, "neighbour_crashed", "another attempt crashed it"},
    {"crash_while_killed", by_crash("mine"), KillReason::run_stalled, true, kCrashed, "crashed", "SIGSEGV"},
    {"signal", by_signal(SIGTERM), {}, false, kCrashed, "crashed", "ended by SIGTERM, without last words"},
    {"exit", by_exit(3), {}, false, kCrashed, "exited", "exited with code 3"},
    {"memory_ran_out", by_signal(SIGKILL, 1), {}, false, kCrashed, "host_memory", "at 300 MiB: memory ran out"},
    {"killed_by_somebody", by_signal(SIGKILL, 0), {}, false, kCrashed, "killed", "at 300 MiB by a SIGKILL that Reelgate did not send"},
    {"killed_and_no_count", by_signal(SIGKILL, std::nullopt), {}, false, kCrashed, "killed", "SIGKILL"},
    {"killed_by_us_while_memory_was_short", by_signal(SIGKILL, 1), KillReason::unresponsive, false, kCrashed, "unresponsive", "did not answer"},
    {"other_signal_while_memory_was_short", by_signal(SIGTERM, 1), {}, false, kCrashed, "crashed", "SIGTERM"},
    {"stalled", by_signal(SIGKILL), KillReason::run_stalled, true, Category::timeout, "run_stalled", "no sign of life"},
    {"neighbour_stalled", by_signal(SIGKILL), KillReason::run_stalled, false, kUnavailable, "neighbour_crashed", "another attempt stalled"},
    {"ignored_its_cancel", by_signal(SIGKILL), KillReason::cancel_ignored, true, Category::cancelled, "cancel_forced", "did not stop by itself"},
    {"neighbour_ignored_its_cancel", by_signal(SIGKILL), KillReason::cancel_ignored, false, kUnavailable, "neighbour_crashed", "ignored its cancel"},
    {"broke_the_wire", by_signal(SIGKILL), KillReason::protocol_violation, false, kCrashed, "protocol_violation", "broke the worker protocol"},
    {"gave_up", by_exit(1), KillReason::asked, false, kCrashed, "gave_up", "gave up"},
    {"ignored_the_bye", by_signal(SIGKILL), KillReason::bye_ignored, false, kUnavailable, "bye_ignored", "bye_ignored"},
    {"started_too_slowly", by_signal(SIGKILL), KillReason::start_timeout, false, kUnavailable, "start_timeout", "start_timeout"},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Rows, Deaths, testing::ValuesIn(kRows), [](const auto& row) {
    return std::string(row.param.name);
});

struct Forced {
    bool remote;
    std::optional<bool> compute_stopped;
};

class ForcedCancel : public testing::TestWithParam<Forced> {};

// The end of a worker ends what it computes, and nothing elsewhere.
TEST_P(ForcedCancel, SaysWhetherTheMachineStopped)
{
    const ExitFacts facts = by_signal(SIGKILL);
    JobClock clock;
    clock.cancel_sent = SteadyTime{};
    const Death death{.facts = facts,
                      .killed_for = KillReason::cancel_ignored,
                      .plugin = "bars 1.0.0",
                      .remote = GetParam().remote};
    EXPECT_EQ(why_lost(death, "mine", clock).compute_stopped, GetParam().compute_stopped);
}

INSTANTIATE_TEST_SUITE_P(Rows,
                         ForcedCancel,
                         testing::Values(Forced{false, true}, Forced{true, std::nullopt}));

// Who reads it shall know whom to ask, and that the kernel may have been it where nobody counts.
TEST(KilledFromOutside, HintsAtWhoMayHaveDoneIt)
{
    const ExitFacts counted = by_signal(SIGKILL, 0);
    const ExitFacts uncounted = by_signal(SIGKILL, std::nullopt);
    const Death sure_one{.facts = counted, .killed_for = {}, .plugin = "bars"};
    const Death unsure_one{.facts = uncounted, .killed_for = {}, .plugin = "bars"};
    const std::string sure = why_lost(sure_one, "mine", {}).hint;
    const std::string unsure = why_lost(unsure_one, "mine", {}).hint;
    EXPECT_THAT(sure, HasSubstr("service manager"));
    EXPECT_THAT(sure, testing::Not(HasSubstr("memory")));
    EXPECT_THAT(unsure, HasSubstr("memory ran out"));
}

} // namespace
} // namespace reelgate
