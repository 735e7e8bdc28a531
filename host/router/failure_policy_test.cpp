// The policy table, row by row: a job fails once at `a`, and the table says what `decide` does with
// it then, and what the failure keeps away from whom.
#include "host/router/failure_policy.hpp"

#include "host/router/breaker.hpp"
#include "host/router/route_world.hpp"

#include <gmock/gmock.h>
#include <set>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using namespace testing_world;
using enum Category;
using P = Phase;
using V = Verdict;
using U = CoolUnit;
using W = When;

constexpr auto kSafe = Billing::not_billed;
constexpr auto kRisky = Billing::maybe_billed;

struct Row {
    const char* name;
    Category category;
    P phase;
    V verdict;
    Billing billing; // of a paid attempt
    W when;
    // What the job does next: with `a` alone, and with `b` beside it. Both free; both paid; paid
    // where no resubmit is allowed.
    const char* free_alone;
    const char* free_next;
    const char* paid_alone;
    const char* paid_next;
    const char* paid_strict;
    U cools;
    const char* code = "";
    bool stopped = false; // the other side says that it has stopped
};

constexpr const char* kA = "a/wan";
constexpr const char* kB = "b/wan";
constexpr const char* kRetry = "wait retry";
constexpr const char* kWaits = "wait waiting_for_provider";
constexpr const char* kEnd = "end"; // gives up with the category of the failure

// clang-format off
const Row kRows[] = {
    //                                                                               free            paid
    // name             category                phase        verdict       billing when           alone   next  alone   next    strict  cools
    {"ModelNotFound",   model_not_found,        P::submit,   V::refused,   kSafe,  W::any,        kEnd,   kB,   kEnd,   kB,     kB,     U::pair_misconfigured},
    {"Vram",            insufficient_vram,      P::run,      V::accepted,  kRisky, W::any,        kEnd,   kB,   kEnd,   kB,     kEnd,   U::pair_size},
    {"VramUncharged",   insufficient_vram,      P::run,      V::accepted,  kSafe,  W::any,        kEnd,   kB,   kEnd,   kB,     kB,     U::pair_size},
    {"TimeoutConnect",  timeout,                P::connect,  V::not_sent,  kSafe,  W::not_sent,   kRetry, kB,   kRetry, kRetry, kRetry, U::counts_provider},
    {"TimeoutSubmit",   timeout,                P::submit,   V::ambiguous, kRisky, W::sent,       kEnd,   kB,   kEnd,   kEnd,   kEnd,   U::counts_provider},
    {"TimeoutQueue",    timeout,                P::queue,    V::accepted,  kRisky, W::queued,     kEnd,   kB,   kEnd,   kEnd,   kEnd,   U::none},
    {"TimeoutUnqueued", timeout,                P::queue,    V::accepted,  kSafe,  W::queued,     kEnd,   kB,   kEnd,   kB,     kB,     U::none,               "", true},
    {"TimeoutLoad",     timeout,                P::load,     V::accepted,  kSafe,  W::loading,    kEnd,   kB,   kEnd,   kB,     kB,     U::pair},
    {"TimeoutLoadPaid", timeout,                P::load,     V::accepted,  kRisky, W::loading,    kEnd,   kB,   kEnd,   kB,     kEnd,   U::pair},
    {"Stalled",         timeout,                P::run,      V::accepted,  kRisky, W::stalled,    kEnd,   kB,   kEnd,   kEnd,   kEnd,   U::counts_pair,        "run_stalled"},
    {"StalledStopped",  timeout,                P::run,      V::accepted,  kRisky, W::stalled,    kEnd,   kB,   kEnd,   kB,     kEnd,   U::counts_pair,        "run_stalled", true},
    {"RunDeadline",     timeout,                P::run,      V::accepted,  kRisky, W::deadline,   kEnd,   kB,   kEnd,   kEnd,   kEnd,   U::none,               "run_deadline"},
    {"RunDeadlineStop", timeout,                P::run,      V::accepted,  kRisky, W::deadline,   kEnd,   kB,   kEnd,   kB,     kEnd,   U::none,               "run_deadline", true},
    {"TimeoutPoll",     timeout,                P::poll,     V::accepted,  kRisky, W::any,        kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::none},
    {"TimeoutDownload", timeout,                P::download, V::accepted,  kRisky, W::any,        kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::none},
    {"NetConnect",      network_error,          P::connect,  V::not_sent,  kSafe,  W::not_sent,   kRetry, kB,   kRetry, kRetry, kRetry, U::counts_provider},
    {"NetWrongName",    network_error,          P::connect,  V::not_sent,  kSafe,  W::misnamed,   kEnd,   kB,   kEnd,   kB,     kB,     U::provider_misconfigured, "tls_name"},
    {"NetSubmit",       network_error,          P::submit,   V::ambiguous, kRisky, W::sent,       kEnd,   kB,   kEnd,   kEnd,   kEnd,   U::counts_provider},
    {"NetPoll",         network_error,          P::poll,     V::accepted,  kRisky, W::any,        kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::none},
    {"NetDownload",     network_error,          P::download, V::accepted,  kRisky, W::any,        kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::none},
    {"WorkerBefore",    worker_unavailable,     P::connect,  V::not_sent,  kSafe,  W::not_sent,   kWaits, kB,   kWaits, kB,     kB,     U::provider_open},
    {"WorkerDuring",    worker_unavailable,     P::submit,   V::ambiguous, kRisky, W::sent,       kWaits, kB,   kEnd,   kEnd,   kEnd,   U::provider_open},
    {"WorkerAfter",     worker_unavailable,     P::run,      V::accepted,  kRisky, W::any,        kWaits, kB,   kEnd,   kEnd,   kEnd,   U::provider_open},
    {"InvalidHere",     invalid_params,         P::validate, V::not_sent,  kSafe,  W::not_sent,   kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::none},
    {"InvalidThere",    invalid_params,         P::submit,   V::refused,   kSafe,  W::any,        kEnd,   kB,   kEnd,   kB,     kB,     U::none},
    {"Unknown",         unknown,                P::run,      V::accepted,  kRisky, W::any,        kRetry, kB,   kEnd,   kEnd,   kEnd,   U::counts_pair},
    {"UnknownRefused",  unknown,                P::submit,   V::refused,   kSafe,  W::any,        kRetry, kB,   kEnd,   kB,     kB,     U::counts_pair},
    {"RateLimited",     rate_limited,           P::submit,   V::refused,   kSafe,  W::any,        kRetry, kB,   kRetry, kRetry, kRetry, U::credential},
    {"Overloaded",      provider_overloaded,    P::submit,   V::refused,   kSafe,  W::any,        kRetry, kB,   kRetry, kRetry, kRetry, U::counts_provider},
    {"OverloadedRun",   provider_overloaded,    P::run,      V::accepted,  kRisky, W::any,        kRetry, kB,   kRetry, kRetry, kEnd,   U::counts_provider},
    {"Quota",           quota_exhausted,        P::submit,   V::refused,   kSafe,  W::any,        kEnd,   kB,   kEnd,   kB,     kB,     U::credential},
    {"Budget",          budget_exceeded,        P::admit,    V::not_sent,  kSafe,  W::any,        kEnd,   kB,   kEnd,   kB,     kB,     U::none},
    {"Auth",            auth_failed,            P::submit,   V::refused,   kSafe,  W::any,        kEnd,   kB,   kEnd,   kB,     kB,     U::credential_misconfigured},
    {"Region",          region_blocked,         P::submit,   V::refused,   kSafe,  W::any,        kEnd,   kB,   kEnd,   kB,     kB,     U::pair_misconfigured},
    {"Content",         content_rejected,       P::submit,   V::refused,   kSafe,  W::any,        kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::none},
    {"Unsupported",     unsupported_capability, P::submit,   V::refused,   kSafe,  W::any,        kEnd,   kB,   kEnd,   kB,     kB,     U::none},
    {"Verdict5xx",      provider_error,         P::submit,   V::refused,   kSafe,  W::any,        kRetry, kB,   kEnd,   kB,     kB,     U::counts_pair},
    {"FailedRun",       provider_error,         P::run,      V::accepted,  kRisky, W::any,        kRetry, kB,   kEnd,   kB,     kEnd,   U::counts_pair},
    {"CrashBefore",     plugin_crashed,         P::connect,  V::not_sent,  kSafe,  W::not_sent,   kRetry, kB,   kRetry, kRetry, kRetry, U::counts_provider},
    {"CrashDuring",     plugin_crashed,         P::submit,   V::ambiguous, kRisky, W::sent,       kRetry, kB,   kEnd,   kEnd,   kEnd,   U::counts_provider},
    {"CrashAfter",      plugin_crashed,         P::run,      V::accepted,  kRisky, W::any,        kRetry, kB,   kEnd,   kEnd,   kEnd,   U::counts_provider},
    {"OutputInvalid",   output_invalid,         P::verify,   V::accepted,  kRisky, W::any,        kA,     kA,   kEnd,   kB,     kEnd,   U::counts_pair},
    {"ArtifactGone",    artifact_unavailable,   P::download, V::accepted,  kRisky, W::any,        kEnd,   kB,   kEnd,   kB,     kEnd,   U::none},
    {"Ambiguous",       submit_ambiguous,       P::submit,   V::ambiguous, kRisky, W::any,        kEnd,   kB,   kEnd,   kEnd,   kEnd,   U::counts_provider},
    {"WrittenOff",      submit_ambiguous,       P::submit,   V::ambiguous, kRisky, W::written_off, kA,    kA,   kA,     kA,     kEnd,   U::none,               "written_off"},
    {"ProvenAbsent",    submit_ambiguous,       P::submit,   V::refused,   kSafe,  W::written_off, kA,    kA,   kA,     kA,     kA,     U::none,               "written_off"},
    {"Cancelled",       cancelled,              P::run,      V::accepted,  kRisky, W::any,        kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::none},
    {"JobDeadline",     deadline_exceeded,      P::run,      V::accepted,  kRisky, W::any,        kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::none},
    {"StorageFull",     storage_full,           P::store,    V::accepted,  kRisky, W::any,        kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::host},
    {"NotFound",        not_found,              P::submit,   V::refused,   kSafe,  W::any,        kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::none},
    {"Internal",        internal,               P::run,      V::accepted,  kRisky, W::any,        kEnd,   kEnd, kEnd,   kEnd,   kEnd,   U::none},
};
// clang-format on

Error error_of(const Row& row)
{
    Error error = failure(row.category, row.phase, row.code);
    if (row.stopped) error.compute_stopped = true;
    return error;
}

// The world after the failure: `a`, and `b` if somebody is to be beside it.
World after(const Row& row, Charge charge, bool with_b)
{
    World w;
    w.providers.clear();
    w.chain.steps.clear();
    for (const char* id : {"a", "b"}) {
        if (std::string(id) == "b" && !with_b) break;
        w.providers.push_back(charge == Charge::free ? local(id) : cloud(id));
        w.chain.steps.push_back({.use = id});
    }
    Attempt& attempt = w.failed("a", error_of(row), row.verdict);
    if (charge == Charge::paid) attempt.billing = row.billing;
    return w;
}

std::string expected(const Row& row, const char* outcome)
{
    if (outcome != kEnd) return outcome;
    return "give up " + std::string(to_string(row.category));
}

class PolicyTable : public testing::TestWithParam<Row> {};

TEST_P(PolicyTable, SaysWhatTheJobDoesNext)
{
    const Row& row = GetParam();
    EXPECT_EQ(told(after(row, Charge::free, false).decide()), expected(row, row.free_alone));
    EXPECT_EQ(told(after(row, Charge::free, true).decide()), expected(row, row.free_next));
    EXPECT_EQ(told(after(row, Charge::paid, false).decide()), expected(row, row.paid_alone));
    EXPECT_EQ(told(after(row, Charge::paid, true).decide()), expected(row, row.paid_next));
    World strict = after(row, Charge::paid, true);
    strict.limits.max_paid_resubmits = 0;
    EXPECT_EQ(told(strict.decide()), expected(row, row.paid_strict));
}

TEST_P(PolicyTable, SaysWhatCoolsDown)
{
    const PolicyRow& row = policy_for(error_of(GetParam()), Charge::free);
    EXPECT_EQ(to_string(row.cools), to_string(GetParam().cools));
}

// However often a row grants a repetition, the budget of the job ends it.
TEST_P(PolicyTable, IsBoundedByTheBudgetOfTheJob)
{
    for (const Charge charge : {Charge::free, Charge::paid}) {
        World w = after(GetParam(), charge, true);
        unsigned submits = 0;
        unsigned rounds = 0;
        for (; rounds < 100; ++rounds) {
            w.now += 10min; // every back-off is over
            const Decision d = w.decide();
            const auto* go = std::get_if<Dispatch>(&d.outcome);
            if (go == nullptr) break;
            Attempt& next = w.failed(go->provider, error_of(GetParam()), GetParam().verdict);
            if (charge == Charge::paid) next.billing = GetParam().billing;
            if (next.verdict != V::not_sent) ++submits;
            ASSERT_LE(submits + 1, w.limits.max_submits);
        }
        EXPECT_TRUE(rounds < 100 || GetParam().verdict == V::not_sent);
    }
}

INSTANTIATE_TEST_SUITE_P(EachRow, PolicyTable, testing::ValuesIn(kRows), [](const auto& row) {
    return std::string(row.param.name);
});

TEST(PolicyRows, AreAllTested)
{
    std::set<const PolicyRow*> tested;
    for (const Row& row : kRows) {
        World w = after(row, Charge::paid, false);
        const PolicyRow& found = policy_for(w.attempts.back());
        EXPECT_EQ(found.category, row.category) << row.name;
        EXPECT_EQ(to_string(found.when), to_string(row.when)) << row.name;
        tested.insert(&found);
    }
    for (const PolicyRow& row : policy_table())
        EXPECT_TRUE(tested.contains(&row))
            << to_string(row.category) << ' ' << to_string(row.when) << " has no row in this test";
}

TEST(PolicyRows, CoverEachCategory)
{
    std::set<Category> seen;
    for (const PolicyRow& row : policy_table())
        seen.insert(row.category);
    for (const CategoryTraits& traits : category_table())
        EXPECT_TRUE(seen.contains(traits.category)) << traits.name;
    EXPECT_EQ(seen.size(), category_table().size());
}

constexpr std::array kPhases{P::validate,
                             P::admit,
                             P::queue,
                             P::connect,
                             P::submit,
                             P::load,
                             P::run,
                             P::poll,
                             P::download,
                             P::verify,
                             P::store};
constexpr std::array kVerdicts{V::pending, V::not_sent, V::refused, V::ambiguous, V::accepted};
constexpr std::array kBillings{
    Billing::free, Billing::not_billed, Billing::maybe_billed, Billing::billed};

// A paid attempt of some time ago at `a`; `b` could take the job, and `c` for nothing.
World after_long(Category category, Phase phase, Verdict verdict, Billing billing)
{
    World w;
    w.providers = {cloud("a"), cloud("b"), local("c")};
    Attempt& failed = w.failed("a", failure(category, phase), verdict);
    failed.billing = billing;
    w.now += 1h;
    return w;
}

void expect_a_careful_answer(Category category, Phase phase, Verdict verdict, Billing billing)
{
    World w = after_long(category, phase, verdict, billing);
    const PolicyRow& row = policy_for(w.attempts.back());
    EXPECT_EQ(row.category, category);
    const Decision d = w.decide();
    const bool is_lost = verdict == V::pending || verdict == V::ambiguous;
    EXPECT_TRUE(!is_lost || std::holds_alternative<GiveUp>(d.outcome)) << told(d);
    if (const auto* end = std::get_if<GiveUp>(&d.outcome)) {
        EXPECT_EQ(end->error.category, category);
        EXPECT_NE(end->error.text, "");
    }
}

// A paid submit whose verdict nobody knows is sent to nobody, whatever the failure calls itself.
TEST(PolicyRows, HoldForEveryCategoryPhaseVerdictAndBilling)
{
    for (const CategoryTraits& traits : category_table())
        for (const Phase phase : kPhases)
            for (const Verdict verdict : kVerdicts)
                for (const Billing billing : kBillings) {
                    SCOPED_TRACE(std::string(traits.name) + ' ' + std::string(to_string(phase)) +
                                 ' ' + std::string(to_string(verdict)) + ' ' +
                                 std::string(to_string(billing)));
                    expect_a_careful_answer(traits.category, phase, verdict, billing);
                }
}

TEST(PolicyRows, NeverLetAPaidSubmitWithoutAVerdictMove)
{
    for (const PolicyRow& row : policy_table()) {
        if (!row.becomes_ambiguous) continue;
        EXPECT_EQ(row.paid_move, MoveOn::never) << to_string(row.category);
        EXPECT_TRUE(row.again != Again::submit || row.same_paid == 0) << to_string(row.category);
    }
}

TEST(PolicyRows, RepeatNoMoreWhereItIsPaidFor)
{
    for (const PolicyRow& row : policy_table())
        EXPECT_LE(same_again(row, Charge::paid), same_again(row, Charge::free))
            << to_string(row.category) << ' ' << to_string(row.when);
}

} // namespace
} // namespace reelgate
