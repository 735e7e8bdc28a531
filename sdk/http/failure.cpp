#include <reelgate/http/failure.hpp>

#include <array>

namespace reelgate::http {
namespace {

struct Row {
    FailureKind kind;
    std::string_view name;
    std::string_view category;
};

// clang-format off
constexpr std::array kRows{
    Row{FailureKind::bad_request,     "bad_request",     "invalid_params"},
    Row{FailureKind::dns,             "dns",             "network_error"},
    Row{FailureKind::connect,         "connect",         "network_error"},
    Row{FailureKind::address,         "address",         "network_error"},
    Row{FailureKind::tls,             "tls",             "network_error"},
    Row{FailureKind::tls_name,        "tls_name",        "network_error"},
    Row{FailureKind::timeout_connect, "timeout_connect", "timeout"},
    Row{FailureKind::send,            "send",            "network_error"},
    Row{FailureKind::no_verdict,      "no_verdict",      "network_error"},
    Row{FailureKind::truncated,       "truncated",       "network_error"},
    Row{FailureKind::stalled,         "stalled",         "timeout"},
    Row{FailureKind::timeout_total,   "timeout_total",   "timeout"},
    Row{FailureKind::too_large,       "too_large",       "network_error"},
    Row{FailureKind::bad_redirect,    "bad_redirect",    "network_error"},
    Row{FailureKind::protocol,        "protocol",        "network_error"},
    Row{FailureKind::cancelled,       "cancelled",       "cancelled"},
    Row{FailureKind::local_file,      "local_file",      "storage_full"},
};
// clang-format on

constexpr bool rows_follow_the_enum()
{
    for (std::size_t i = 0; i < kRows.size(); ++i)
        if (static_cast<std::size_t>(kRows[i].kind) != i) return false;
    return true;
}
static_assert(rows_follow_the_enum(), "one row for each FailureKind, in its order");

const Row& row(FailureKind kind) { return kRows.at(static_cast<std::size_t>(kind)); }

std::string_view phase_of(const Failure& failure, Purpose purpose)
{
    if (failure.kind == FailureKind::bad_request) return "validate";
    if (failure.kind == FailureKind::local_file &&
        !(failure.request_left && purpose == Purpose::submit))
        return "store";
    if (!failure.request_left) return "connect";
    switch (purpose) {
    case Purpose::submit:
        return "submit";
    case Purpose::poll:
        return "poll";
    case Purpose::download:
        break;
    }
    return "download";
}

} // namespace

std::string_view to_string(FailureKind kind) { return row(kind).name; }

Words words(const Failure& failure, Purpose purpose)
{
    const Row& known = row(failure.kind);
    Words out{known.category, phase_of(failure, purpose), {}};
    if (purpose == Purpose::submit) {
        out.billing = failure.request_left ? "maybe_billed" : "not_billed";
        // A cancel stays a cancel: the person asked for it, and billing says the rest.
        if (failure.request_left && failure.kind != FailureKind::cancelled)
            out.category = "submit_ambiguous";
    }
    // Asking again would bring the same too large film.
    if (purpose == Purpose::download && failure.kind == FailureKind::too_large)
        out.category = "output_invalid";
    return out;
}

} // namespace reelgate::http
