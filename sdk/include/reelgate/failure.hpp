// How a provider says that something went wrong: throw a Failure. The face turns it into the status
// and the failure record of the C table; nothing else a provider throws says as much.
#pragma once

#include <reelgate/abi/types.h>

#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace reelgate {
inline namespace sdk_v1 {

using Json = nlohmann::json;

// What went wrong. The host's policy (who is asked next, what is retried, what the caller is told)
// follows from this word and from nothing in the text.
enum class Category {
    model_not_found,
    insufficient_vram,
    timeout,
    network_error,
    worker_unavailable,
    invalid_params,
    unknown,
    rate_limited,
    provider_overloaded,
    quota_exhausted,
    auth_failed,
    region_blocked,
    content_rejected,
    unsupported_capability,
    provider_error,
    output_invalid,
    artifact_unavailable,
    submit_ambiguous,
    cancelled,
    storage_full,
    not_found,
};

enum class Phase {
    validate,
    admit,
    queue,
    connect,
    submit,
    load,
    run,
    poll,
    download,
    verify,
    store
};

// Whose fault it was.
enum class Scope { request, model, credential, provider, host };

// Ordered by caution. The host may move a failure to the right, never to the left.
enum class Billing { free, not_billed, maybe_billed, billed };

namespace detail {

// clang-format off
inline constexpr std::array<std::string_view, 21> kCategories{
    "model_not_found", "insufficient_vram", "timeout", "network_error", "worker_unavailable",
    "invalid_params", "unknown", "rate_limited", "provider_overloaded", "quota_exhausted",
    "auth_failed", "region_blocked", "content_rejected", "unsupported_capability", "provider_error",
    "output_invalid", "artifact_unavailable", "submit_ambiguous", "cancelled", "storage_full",
    "not_found"};
inline constexpr std::array<std::string_view, 11> kPhases{
    "validate", "admit", "queue", "connect", "submit", "load", "run", "poll", "download", "verify",
    "store"};
inline constexpr std::array<std::string_view, 5> kScopes{"request", "model", "credential", "provider", "host"};
inline constexpr std::array<std::string_view, 4> kBillings{"free", "not_billed", "maybe_billed", "billed"};
// clang-format on

static_assert(kCategories.size() == static_cast<std::size_t>(Category::not_found) + 1);
static_assert(kPhases.size() == static_cast<std::size_t>(Phase::store) + 1);
static_assert(kScopes.size() == static_cast<std::size_t>(Scope::host) + 1);
static_assert(kBillings.size() == static_cast<std::size_t>(Billing::billed) + 1);

// Text that is no UTF-8 (an upstream's answer, a file name) must not stop a report: it is replaced.
inline std::string dump(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace detail

constexpr std::string_view to_string(Category word)
{
    return detail::kCategories[static_cast<std::size_t>(word)];
}
constexpr std::string_view to_string(Phase word)
{
    return detail::kPhases[static_cast<std::size_t>(word)];
}
constexpr std::string_view to_string(Scope word)
{
    return detail::kScopes[static_cast<std::size_t>(word)];
}
constexpr std::string_view to_string(Billing word)
{
    return detail::kBillings[static_cast<std::size_t>(word)];
}

// throw failed(Category::network_error, "the host closed the connection").phase(Phase::download);
// What is left out is filled by the host from category and phase.
class Failure : public std::exception {
public:
    Failure(rg_status status, Category category, std::string text)
        : status_(status), text_(std::move(text)),
          record_({
              {"category", to_string(category)},
              {"text",     text_              }
    })
    {
    }

    Failure& phase(Phase when) { return set("phase", to_string(when)); }
    Failure& scope(Scope whose) { return set("scope", to_string(whose)); }
    Failure& billing(Billing state) { return set("billing", to_string(state)); }
    // Finer than the category and as stable: "no_such_checkpoint". Ours, never the other side's.
    Failure& code(std::string_view word) { return set("code", word); }
    // The other side's own word or number, as it came.
    Failure& provider_code(std::string_view word) { return set("provider_code", word); }
    // What to do next, for a person.
    Failure& hint(std::string_view sentence) { return set("hint", sentence); }
    // The part of the other side's answer that shows it. Never put a credential here.
    Failure& upstream_excerpt(std::string_view text) { return set("upstream_excerpt", text); }
    Failure& retry_after(std::chrono::seconds delay) { return set("retry_after_s", delay.count()); }
    // Of cancelled work: did the machine that computed really stop?
    Failure& compute_stopped(bool stopped) { return set("compute_stopped", stopped); }
    // A category by its word, for tables that are read from data.
    Failure& category(std::string_view word) { return set("category", word); }

    rg_status status() const noexcept { return status_; }
    const Json& record() const noexcept { return record_; }
    const char* what() const noexcept override { return text_.c_str(); }

private:
    Failure& set(const char* member, Json value)
    {
        record_[member] = std::move(value);
        return *this;
    }

    rg_status status_;
    std::string text_;
    Json record_;
};

// The request itself is at fault: no other provider is asked.
inline Failure rejected(std::string text, Category category = Category::invalid_params)
{
    return {RG_REJECTED, category, std::move(text)};
}

// Not now: later here, or at once elsewhere.
inline Failure busy(std::string text, Category category = Category::provider_overloaded)
{
    return {RG_BUSY, category, std::move(text)};
}

// This attempt failed; another provider may try.
inline Failure failed(Category category, std::string text)
{
    return {RG_FAILED, category, std::move(text)};
}

// It left and no verdict came: work may exist and money may be spent.
inline Failure ambiguous(std::string text)
{
    return Failure(RG_AMBIGUOUS, Category::submit_ambiguous, std::move(text)).phase(Phase::submit);
}

// What progress(), wait() and the others throw once the job is cancelled. A provider whose remote
// side goes on computing catches it and throws this again with compute_stopped(false).
inline Failure cancelled(std::string text = "cancelled")
{
    return {RG_CANCELLED, Category::cancelled, std::move(text)};
}

} // namespace sdk_v1
} // namespace reelgate
