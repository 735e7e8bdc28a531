#include "host/router/failure_policy.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace reelgate {
namespace {

using enum Category;
using M = MoveOn;
using U = CoolUnit;
using W = When;
using A = Again;
using S = std::chrono::seconds;

constexpr S kNone{0};
constexpr unsigned kEver = kUntilDeadline;

// Rows of a category stand together; the first whose `when` fits is the one, and its last row fits
// always. Where money is concerned a plugin that crashed, a worker that is gone and a wire that
// broke are one case: before the submit left nothing is lost, during it nobody knows, and after it
// the work goes on elsewhere and is followed, not sent again.
//
// clang-format off
constexpr std::array kPolicy{
    //                                                     same        back-off             move on
    //        category                when           again         free   paid   first   most      free              paid                 cools                        ambiguous restart back
    PolicyRow{model_not_found,        W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::always,           U::pair_misconfigured},
    PolicyRow{insufficient_vram,      W::any,        A::submit,    1,     0,     kNone,  kNone,    M::always,        M::resubmit_allowed, U::pair_size,                false,    true},
    PolicyRow{timeout,                W::not_sent,   A::submit,    1,     1,     S(1),   S(2),     M::always,        M::always,           U::counts_provider},
    PolicyRow{timeout,                W::sent,       A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::never,            U::counts_provider,          true},
    PolicyRow{timeout,                W::queued,     A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::if_stopped,       U::none},
    PolicyRow{timeout,                W::loading,    A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::resubmit_allowed, U::pair},
    PolicyRow{timeout,                W::stalled,    A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::if_stopped,       U::counts_pair},
    PolicyRow{timeout,                W::deadline,   A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::if_stopped,       U::none},
    PolicyRow{timeout,                W::any,        A::read,      kEver, kEver, S(2),   S(60),    M::never,         M::never,            U::none},
    PolicyRow{network_error,          W::misnamed,   A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::always,           U::provider_misconfigured},
    PolicyRow{network_error,          W::not_sent,   A::submit,    1,     1,     S(1),   S(2),     M::always,        M::always,           U::counts_provider},
    PolicyRow{network_error,          W::sent,       A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::never,            U::counts_provider,          true},
    PolicyRow{network_error,          W::any,        A::read,      kEver, kEver, S(2),   S(60),    M::never,         M::never,            U::none},
    PolicyRow{worker_unavailable,     W::not_sent,   A::submit,    0,     0,     S(1),   S(60),    M::always,        M::always,           U::provider_open,            false,    true,   true},
    PolicyRow{worker_unavailable,     W::sent,       A::nothing,   0,     0,     S(1),   S(60),    M::always,        M::never,            U::provider_open,            true,     true,   true},
    PolicyRow{worker_unavailable,     W::any,        A::nothing,   0,     0,     S(1),   S(60),    M::always,        M::never,            U::provider_open,            false,    true,   true},
    PolicyRow{invalid_params,         W::not_sent,   A::nothing,   0,     0,     kNone,  kNone,    M::never,         M::never,            U::none},
    PolicyRow{invalid_params,         W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::once,          M::once,             U::none},
    PolicyRow{unknown,                W::any,        A::submit,    1,     0,     S(5),   S(5),     M::if_free,       M::if_free,          U::counts_pair},
    PolicyRow{rate_limited,           W::any,        A::submit,    kEver, kEver, S(2),   S(120),   M::always,        M::always,           U::credential},
    PolicyRow{provider_overloaded,    W::any,        A::submit,    2,     2,     S(5),   S(120),   M::always,        M::resubmit_allowed, U::counts_provider},
    PolicyRow{quota_exhausted,        W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::always,           U::credential},
    PolicyRow{budget_exceeded,        W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::always,           U::none},
    PolicyRow{auth_failed,            W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::always,           U::credential_misconfigured},
    PolicyRow{region_blocked,         W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::always,           U::pair_misconfigured},
    PolicyRow{content_rejected,       W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::if_chain_says, M::if_chain_says,    U::none},
    PolicyRow{unsupported_capability, W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::always,        M::always,           U::none},
    PolicyRow{provider_error,         W::any,        A::submit,    1,     0,     S(5),   S(5),     M::always,        M::resubmit_allowed, U::counts_pair},
    PolicyRow{plugin_crashed,         W::not_sent,   A::submit,    1,     1,     S(1),   S(60),    M::always,        M::always,           U::counts_provider,          false,    true},
    PolicyRow{plugin_crashed,         W::sent,       A::submit,    1,     0,     S(1),   S(60),    M::always,        M::never,            U::counts_provider,          true,     true},
    PolicyRow{plugin_crashed,         W::any,        A::submit,    1,     0,     S(1),   S(60),    M::always,        M::never,            U::counts_provider,          false,    true},
    PolicyRow{output_invalid,         W::any,        A::submit,    1,     0,     kNone,  kNone,    M::always,        M::resubmit_allowed, U::counts_pair},
    PolicyRow{artifact_unavailable,   W::any,        A::read,      kEver, kEver, S(2),   S(60),    M::always,        M::resubmit_allowed, U::none},
    PolicyRow{submit_ambiguous,       W::written_off, A::submit,   1,     1,     kNone,  kNone,    M::always,        M::resubmit_allowed, U::none},
    PolicyRow{submit_ambiguous,       W::any,        A::reconcile, kEver, kEver, S(10),  S(600),   M::always,        M::never,            U::counts_provider,          true},
    PolicyRow{cancelled,              W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::never,         M::never,            U::none},
    PolicyRow{deadline_exceeded,      W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::never,         M::never,            U::none},
    PolicyRow{storage_full,           W::any,        A::store,     kEver, kEver, S(30),  S(30),    M::never,         M::never,            U::host},
    PolicyRow{not_found,              W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::never,         M::never,            U::none},
    PolicyRow{internal,               W::any,        A::nothing,   0,     0,     kNone,  kNone,    M::never,         M::never,            U::none},
};

constexpr std::array<std::string_view, 7> kMoves{
    "never", "always", "once", "if_free", "if_chain_says", "resubmit_allowed", "if_stopped"};
constexpr std::array<std::string_view, 11> kUnits{
    "none", "counts_provider", "counts_pair", "pair", "pair_size", "pair_misconfigured",
    "provider_open", "provider_misconfigured", "credential", "credential_misconfigured", "host"};
constexpr std::array<std::string_view, 10> kWhens{
    "any", "not_sent", "sent", "reading", "queued", "loading", "stalled", "deadline", "misnamed",
    "written_off"};
constexpr std::array<std::string_view, 5> kAgains{"nothing", "submit", "read", "reconcile", "store"};
// clang-format on

constexpr bool each_category_ends_in_any()
{
    std::size_t next = 0;
    for (std::size_t i = 0; i < kPolicy.size(); ++i) {
        if (static_cast<std::size_t>(kPolicy[i].category) != next) return false;
        const bool is_last =
            i + 1 == kPolicy.size() || kPolicy[i + 1].category != kPolicy[i].category;
        if (is_last != (kPolicy[i].when == W::any)) return false;
        if (is_last) ++next;
    }
    return next == static_cast<std::size_t>(internal) + 1;
}
static_assert(each_category_ends_in_any(), "rows in the order of Category, `any` last in each");

// Where the submit stands by the phase alone.
When when_of(Phase phase)
{
    constexpr std::array<When, 11> kByPhase{W::not_sent, // validate
                                            W::not_sent, // admit
                                            W::queued,
                                            W::not_sent, // connect
                                            W::sent,     // submit
                                            W::loading,
                                            W::stalled,  // run
                                            W::reading,  // poll
                                            W::reading,  // download
                                            W::reading,  // verify
                                            W::reading}; // store
    return kByPhase[static_cast<std::size_t>(phase)];
}

When when_of(const Error& error)
{
    if (error.code == "tls_name") return W::misnamed;
    if (error.code == "written_off") return W::written_off;
    if (error.code == "run_deadline") return W::deadline;
    if (error.code == "run_stalled") return W::stalled;
    return when_of(error.phase);
}

const PolicyRow& row_of(Category category, When when)
{
    const auto* const row = std::find_if(kPolicy.begin(), kPolicy.end(), [&](const PolicyRow& r) {
        return r.category == category && (r.when == when || r.when == W::any);
    });
    return *row;
}

struct HintRow {
    Category category;
    std::string_view text;
};

constexpr std::array kHints{
    HintRow{model_not_found,        "name a model that the provider has, or install this one"       },
    HintRow{insufficient_vram,      "ask for a smaller size or fewer frames, or free the device"    },
    HintRow{timeout,                "see whether the provider still works, or give it more time"    },
    HintRow{network_error,          "check the address of the provider and the way to it"           },
    HintRow{worker_unavailable,     "see `reelgate providers` for why it does not run"              },
    HintRow{invalid_params,         "change the field that is named"                                },
    HintRow{unknown,                "look up the provider's own code; if it is not known, report it"},
    HintRow{rate_limited,           "wait, or send less at a time"                                  },
    HintRow{provider_overloaded,    "try again later, or add a provider to the chain"               },
    HintRow{quota_exhausted,        "top up the account at the provider"                            },
    HintRow{budget_exceeded,        "raise the cap, or ask for something cheaper"                   },
    HintRow{auth_failed,            "check the secret that the configuration refers to"             },
    HintRow{region_blocked,         "the provider does not offer this to your account; use another" },
    HintRow{content_rejected,       "change the prompt or the inputs"                               },
    HintRow{unsupported_capability, "ask for something that one of the providers can do"            },
    HintRow{provider_error,         "try again; the provider's request id helps its support"        },
    HintRow{plugin_crashed,         "see `reelgate plugin logs`"                                    },
    HintRow{output_invalid,         "try again, or accept deviations"                               },
    HintRow{artifact_unavailable,   "fetch results before the provider's time for them is over"     },
    HintRow{submit_ambiguous,       "wait, assume that it is lost, or mark it as charged"           },
    HintRow{cancelled,              ""                                                              },
    HintRow{deadline_exceeded,      "raise the deadline of the job"                                 },
    HintRow{storage_full,           "free space on the disk of the data directory"                  },
    HintRow{not_found,              ""                                                              },
    HintRow{internal,               "report this"                                                   },
};

constexpr bool hints_follow_the_enum()
{
    for (std::size_t i = 0; i < kHints.size(); ++i)
        if (static_cast<std::size_t>(kHints[i].category) != i) return false;
    return kHints.size() == static_cast<std::size_t>(internal) + 1;
}
static_assert(hints_follow_the_enum(), "one row for each Category, in its order");

} // namespace

std::span<const PolicyRow> policy_table() { return kPolicy; }

const PolicyRow& policy_for(const Error& error, Charge /*charge*/)
{
    return row_of(error.category, when_of(error));
}

const PolicyRow& policy_for(const Attempt& failed)
{
    static const Error kNothingSaid{.category = unknown, .text = {}, .phase = Phase::run};
    const Error& error = failed.error ? *failed.error : kNothingSaid;
    const When by_error = when_of(error);
    const bool is_named = by_error == W::misnamed || by_error == W::written_off;
    // A request that the host's own check refuses is told apart from one that a provider refuses.
    if (!is_named && failed.verdict == Verdict::not_sent)
        return row_of(error.category, W::not_sent);
    return row_of(error.category, by_error);
}

MoveOn move_on(const PolicyRow& row, Charge charge)
{
    return charge == Charge::free ? row.free_move : row.paid_move;
}

unsigned same_again(const PolicyRow& row, Charge charge)
{
    return charge == Charge::free ? row.same_free : row.same_paid;
}

std::chrono::milliseconds back_off(const PolicyRow& row,
                                   unsigned again,
                                   double chance,
                                   std::optional<std::chrono::seconds> retry_after)
{
    const double first = static_cast<double>(row.back_off_first.count());
    const double most = static_cast<double>(row.back_off_most.count());
    const double doubled =
        std::min(std::ldexp(first, static_cast<int>(std::min(again, 31U)) - 1), most);
    const auto spread = std::chrono::milliseconds(std::llround(doubled * 1000 * chance));
    return std::max(spread, std::chrono::milliseconds(retry_after.value_or(kNone)));
}

std::string hint_for(const Error& error)
{
    if (!error.hint.empty()) return error.hint;
    return std::string(kHints[static_cast<std::size_t>(error.category)].text);
}

bool is_of_all_models(CoolUnit unit)
{
    return unit == CoolUnit::provider_open || unit == CoolUnit::provider_misconfigured ||
           unit == CoolUnit::credential || unit == CoolUnit::credential_misconfigured;
}

bool rests(CoolUnit unit)
{
    return unit == CoolUnit::counts_pair || unit == CoolUnit::counts_provider ||
           unit == CoolUnit::pair || unit == CoolUnit::provider_open ||
           unit == CoolUnit::credential;
}

bool misconfigures(CoolUnit unit)
{
    return unit == CoolUnit::pair_misconfigured || unit == CoolUnit::provider_misconfigured ||
           unit == CoolUnit::credential_misconfigured;
}

std::string_view to_string(MoveOn move) { return kMoves[static_cast<std::size_t>(move)]; }
std::string_view to_string(CoolUnit unit) { return kUnits[static_cast<std::size_t>(unit)]; }
std::string_view to_string(When when) { return kWhens[static_cast<std::size_t>(when)]; }
std::string_view to_string(Again again) { return kAgains[static_cast<std::size_t>(again)]; }

} // namespace reelgate
