// Failures as values. An Error says what went wrong (category), when (phase), whose fault it was
// (scope) and whether money may be gone (billing). The category is chosen where the fact is known
// and never changed on the way up; callers may only add what they were doing. Everything that
// follows from a category (HTTP status, default scope, the name old clients know) is in one table.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace reelgate {

enum class Category : std::uint8_t {
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
    budget_exceeded,
    auth_failed,
    region_blocked,
    content_rejected,
    unsupported_capability,
    provider_error,
    plugin_crashed,
    output_invalid,
    artifact_unavailable,
    submit_ambiguous,
    cancelled,
    deadline_exceeded,
    storage_full,
    not_found,
    internal,
};

enum class Phase : std::uint8_t {
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
enum class Scope : std::uint8_t { request, model, credential, provider, host };

// Ordered by caution: the daemon may only move a failure to the right.
enum class Billing : std::uint8_t { free, not_billed, maybe_billed, billed };

struct CategoryTraits {
    Category category;
    std::string_view name;
    Category base; // what clients that know only the seven base categories are told
    int http;
    Scope scope;
};

std::span<const CategoryTraits> category_table();
const CategoryTraits& traits(Category category);

std::string_view to_string(Category category);
std::string_view to_string(Phase phase);
std::string_view to_string(Scope scope);
std::string_view to_string(Billing billing);

std::optional<Category> category_from(std::string_view name);
std::optional<Phase> phase_from(std::string_view name);
std::optional<Scope> scope_from(std::string_view name);
std::optional<Billing> billing_from(std::string_view name);

struct Error {
    Category category = Category::internal;
    std::string text;      // one sentence: what happened, with both sides of any mismatch
    std::string code = {}; // finer than the category and as stable: "abi_too_new"
    std::string hint = {}; // what to do next
    Phase phase = Phase::validate;
    std::optional<Scope> scope = {};     // the category's own when absent
    std::optional<Billing> billing = {}; // the phase's default when absent
    std::string provider_code = {};
    std::string upstream_excerpt = {};
    std::optional<std::chrono::seconds> retry_after = {};
    std::optional<bool> compute_stopped = {}; // cancelled work: did the machine really stop?

    // "<doing>: <text>". The category stays what it was.
    [[nodiscard]] Error while_doing(std::string_view doing) &&;
    [[nodiscard]] Error with_hint(std::string better_hint) &&;
    [[nodiscard]] Error in_phase(Phase when) &&;

    // For people: "text (category/code); hint".
    [[nodiscard]] std::string sentence() const;

    friend bool operator==(const Error&, const Error&) = default;
};

// The two Errors that are made most often, with the code that names the exact reason.
Error invalid(std::string text, std::string code = {});
Error internal_error(std::string text);

// errno as an Error: storage_full where the disk is, else `category`.
Error system_error(Category category, std::string_view doing, int error_number);

} // namespace reelgate
