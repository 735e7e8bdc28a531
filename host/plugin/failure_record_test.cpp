#include "host/plugin/failure_record.hpp"

#include "host/plugin/json.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

struct Row {
    const char* name;
    rg_status status;
    const char* record;
    Category category;
    Billing billing;
    const char* code = "";
    Charge charge = Charge::paid;
};

class FailureRecords : public testing::TestWithParam<Row> {};

TEST_P(FailureRecords, BecomeAnErrorThatSpendsNothingTwice)
{
    const Row& row = GetParam();
    const Error error = error_from(row.status, row.record, Phase::run);
    EXPECT_EQ(to_string(error.category), to_string(row.category));
    EXPECT_EQ(to_string(billing_of(error, row.charge)), to_string(row.billing));
    // A worker hands it on: the host must come to the same.
    const Error again = error_from(RG_FAILED, record_from(error), Phase::run);
    EXPECT_EQ(to_string(again.category), to_string(row.category));
    EXPECT_EQ(to_string(billing_of(again, row.charge)), to_string(row.billing));
    EXPECT_EQ(error.code, row.code);
    EXPECT_FALSE(error.text.empty());
}

using enum Category;
using enum Billing;

// clang-format off
INSTANTIATE_TEST_SUITE_P(StatusAlone, FailureRecords, testing::Values(
    Row{"Busy",      RG_BUSY,      "", provider_overloaded, not_billed},
    Row{"Rejected",  RG_REJECTED,  "", invalid_params,      not_billed},
    Row{"Failed",    RG_FAILED,    "", unknown,             maybe_billed},
    Row{"Ambiguous", RG_AMBIGUOUS, "", submit_ambiguous,    maybe_billed},
    Row{"Cancelled", RG_CANCELLED, "", cancelled,           maybe_billed},
    Row{"EmptyObject", RG_BUSY,  "{}", provider_overloaded, not_billed},
    Row{"FailedButFree", RG_FAILED, "", unknown, Billing::free, "", Charge::free},
    Row{"OkIsNoFailure", RG_OK,    "", unknown, maybe_billed, "bad_status"},
    Row{"Newer",         6,        "", unknown, maybe_billed, "bad_status"},
    Row{"Negative",     -1,        "", unknown, maybe_billed, "bad_status"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Words, FailureRecords, testing::Values(
    Row{"Known", RG_FAILED, R"({"category": "insufficient_vram", "billing": "free"})", insufficient_vram, Billing::free},
    Row{"UnknownCategory", RG_FAILED, R"({"category": "gremlins"})", unknown, maybe_billed, "unknown_category"},
    Row{"OursAlone", RG_FAILED, R"({"category": "internal"})", unknown, maybe_billed, "unknown_category"},
    Row{"NoCategory", RG_REJECTED, R"({"text": "too long"})", invalid_params, not_billed},
    Row{"PhaseDecidesBilling", RG_FAILED, R"({"category": "provider_error", "phase": "poll"})", provider_error, billed},
    Row{"BeforeTheSubmit", RG_FAILED, R"({"category": "network_error", "phase": "connect"})", network_error, not_billed},
    Row{"SubmitWithoutVerdict", RG_FAILED, R"({"category": "network_error", "phase": "submit"})", network_error, maybe_billed},
    Row{"SubmitRefused", RG_BUSY, R"({"category": "rate_limited", "phase": "submit"})", rate_limited, not_billed},
    Row{"DocumentedAsFree", RG_FAILED, R"({"phase": "run", "billing": "not_billed"})", unknown, not_billed},
    Row{"FreeProviderThatBills", RG_FAILED, R"({"billing": "billed"})", unknown, billed, "", Charge::free},
    Row{"FreeProvidersPhase", RG_FAILED, R"({"phase": "run"})", unknown, Billing::free, "", Charge::free},
    Row{"OwnCode", RG_FAILED, R"({"category": "unknown", "code": "host_memory"})", unknown, maybe_billed, "host_memory"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Contradictions, FailureRecords, testing::Values(
    Row{"AmbiguousOutranksTheCategory", RG_AMBIGUOUS, R"({"category": "provider_error", "billing": "free"})", submit_ambiguous, maybe_billed},
    Row{"AmbiguousCategoryOutranksRefusal", RG_REJECTED, R"({"category": "submit_ambiguous"})", submit_ambiguous, maybe_billed},
    Row{"AmbiguousMayBeWorse", RG_AMBIGUOUS, R"({"billing": "billed"})", submit_ambiguous, billed},
    Row{"AmbiguousButFree", RG_AMBIGUOUS, "{}", submit_ambiguous, Billing::free, "", Charge::free},
    Row{"CancelledOutranksTheCategory", RG_CANCELLED, R"({"category": "timeout", "billing": "not_billed"})", cancelled, not_billed},
    Row{"AmbiguousWithUnknownCategory", RG_AMBIGUOUS, R"({"category": "gremlins"})", submit_ambiguous, maybe_billed, "unknown_category"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Garbage, FailureRecords, testing::Values(
    Row{"NotJson", RG_FAILED, "Traceback (most recent call last)", unknown, maybe_billed, "bad_failure_record"},
    Row{"BusyToo", RG_BUSY, "<html>", unknown, maybe_billed, "bad_failure_record"},
    Row{"AmbiguousStays", RG_AMBIGUOUS, "<html>", submit_ambiguous, maybe_billed, "bad_failure_record"},
    Row{"Array", RG_FAILED, "[1]", unknown, maybe_billed, "bad_failure_record"},
    Row{"CutOff", RG_FAILED, R"({"category": "tim)", unknown, maybe_billed, "bad_failure_record"},
    Row{"NotUtf8", RG_FAILED, "{\"text\": \"\xff\"}", unknown, maybe_billed, "bad_failure_record"},
    Row{"WrongKind", RG_FAILED, R"({"category": "timeout", "text": 7})", timeout, billed, "bad_failure_record"},
    Row{"CategoryOfWrongKind", RG_BUSY, R"({"category": []})", provider_overloaded, not_billed, "bad_failure_record"},
    Row{"UnknownPhase", RG_FAILED, R"({"phase": "lunch"})", unknown, maybe_billed, "bad_failure_record"},
    Row{"NegativeWait", RG_BUSY, R"({"retry_after_s": -1})", provider_overloaded, not_billed, "bad_failure_record"},
    Row{"NullIsAbsent", RG_FAILED, R"({"category": "timeout", "text": null, "phase": null})", timeout, billed}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(FailureRecord, KeepsWhatWasSaid)
{
    const Error error =
        error_from(RG_BUSY,
                   R"({"category": "rate_limited", "phase": "submit", "scope": "provider",
                                       "billing": "free", "provider_code": "429", "retry_after_s": 1.2,
                                       "text": "slow down", "hint": "wait", "upstream_excerpt": "{}",
                                       "compute_stopped": true, "later_member": 1})",
                   Phase::run);
    EXPECT_EQ(error.category, rate_limited);
    EXPECT_EQ(error.phase, Phase::submit);
    EXPECT_EQ(error.scope, Scope::provider);
    EXPECT_EQ(error.billing, Billing::free);
    EXPECT_EQ(error.provider_code, "429");
    EXPECT_EQ(error.retry_after, std::chrono::seconds(2)); // never shorter than was asked
    EXPECT_EQ(error.text, "slow down");
    EXPECT_EQ(error.hint, "wait");
    EXPECT_EQ(error.upstream_excerpt, "{}");
    EXPECT_EQ(error.compute_stopped, true);
    EXPECT_EQ(error.code, "");
}

TEST(FailureRecord, KeepsTheWordOfAnUnknownCategory)
{
    EXPECT_EQ(error_from(RG_FAILED, R"({"category": "gremlins"})", Phase::run).provider_code,
              "gremlins");
}

TEST(FailureRecord, ShowsWhatItDidNotUnderstand)
{
    const Error error = error_from(RG_FAILED, "core dumped \xff", Phase::run);
    EXPECT_EQ(error.upstream_excerpt, "core dumped \xEF\xBF\xBD");
}

TEST(FailureRecord, CutsWhatIsTooLong)
{
    const std::string snowmen = [] {
        std::string text;
        for (int i = 0; i < 5000; ++i)
            text += "\xE2\x98\x83";
        return text;
    }();
    const Json record{
        {"text",          snowmen},
        {"hint",          snowmen},
        {"provider_code", snowmen}
    };
    const Error error = error_from(RG_FAILED, record.dump(), Phase::run);
    EXPECT_LE(error.text.size(), 2048U);
    EXPECT_GT(error.text.size(), 2000U);
    EXPECT_THAT(error.text, testing::EndsWith("\xE2\x98\x83..."));
    EXPECT_LE(error.hint.size(), 2048U);
    EXPECT_LE(error.provider_code.size(), 128U);

    const Error garbage = error_from(RG_FAILED, std::string(100'000, '\xff'), Phase::run);
    EXPECT_LE(garbage.upstream_excerpt.size(), 2048U);
}

TEST(FailureRecord, SurvivesDeepNesting)
{
    const Error error = error_from(RG_FAILED, std::string(500'000, '['), Phase::run);
    EXPECT_EQ(error.code, "bad_failure_record");
}

TEST(FailureRecord, ComesBackAsItWasWritten)
{
    Error error{.category = timeout, .text = "no progress \xE2\x98\x83", .code = "run_stalled"};
    error.phase = Phase::run;
    error.scope = Scope::model;
    error.billing = maybe_billed;
    error.hint = "look";
    error.provider_code = "x";
    error.upstream_excerpt = "y";
    error.retry_after = std::chrono::seconds(7);
    error.compute_stopped = false;

    const Error back = error_from(RG_FAILED, record_from(error), Phase::validate);
    EXPECT_EQ(back.category, error.category);
    EXPECT_EQ(back.text, error.text);
    EXPECT_EQ(back.code, error.code);
    EXPECT_EQ(back.phase, error.phase);
    EXPECT_EQ(back.scope, error.scope);
    EXPECT_EQ(back.billing, error.billing);
    EXPECT_EQ(back.hint, error.hint);
    EXPECT_EQ(back.provider_code, error.provider_code);
    EXPECT_EQ(back.upstream_excerpt, error.upstream_excerpt);
    EXPECT_EQ(back.retry_after, error.retry_after);
    EXPECT_EQ(back.compute_stopped, error.compute_stopped);
}

TEST(FailureRecord, IsJsonEvenFromBrokenText)
{
    EXPECT_TRUE(parse_json(record_from(Error{.text = "\xff\xfe"})));
}

TEST(BillingOrder, OnlyMovesTowardCaution)
{
    for (const Billing a : {Billing::free, not_billed, maybe_billed, billed})
        for (const Billing b : {Billing::free, not_billed, maybe_billed, billed}) {
            EXPECT_GE(more_careful(a, b), a);
            EXPECT_EQ(more_careful(a, b), more_careful(b, a));
        }
    for (int phase = 0; phase <= static_cast<int>(Phase::store); ++phase)
        EXPECT_EQ(default_billing(static_cast<Phase>(phase), Charge::free), Billing::free);
}

} // namespace
} // namespace reelgate
