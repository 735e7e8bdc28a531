#include "host/base/error.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace reelgate {
namespace {

using enum Category;

// clang-format off
constexpr std::array kCategories{
    //             category                name                     base                http  scope
    CategoryTraits{model_not_found,        "model_not_found",        model_not_found,    404, Scope::model},
    CategoryTraits{insufficient_vram,      "insufficient_vram",      insufficient_vram,  503, Scope::model},
    CategoryTraits{timeout,                "timeout",                timeout,            504, Scope::provider},
    CategoryTraits{network_error,          "network_error",          network_error,      502, Scope::provider},
    CategoryTraits{worker_unavailable,     "worker_unavailable",     worker_unavailable, 503, Scope::provider},
    CategoryTraits{invalid_params,         "invalid_params",         invalid_params,     400, Scope::request},
    CategoryTraits{unknown,                "unknown",                unknown,            500, Scope::provider},
    CategoryTraits{rate_limited,           "rate_limited",           worker_unavailable, 429, Scope::credential},
    CategoryTraits{provider_overloaded,    "provider_overloaded",    worker_unavailable, 503, Scope::provider},
    CategoryTraits{quota_exhausted,        "quota_exhausted",        worker_unavailable, 402, Scope::credential},
    CategoryTraits{budget_exceeded,        "budget_exceeded",        invalid_params,     402, Scope::request},
    CategoryTraits{auth_failed,            "auth_failed",            worker_unavailable, 502, Scope::credential},
    CategoryTraits{region_blocked,         "region_blocked",         worker_unavailable, 502, Scope::credential},
    CategoryTraits{content_rejected,       "content_rejected",       invalid_params,     400, Scope::request},
    CategoryTraits{unsupported_capability, "unsupported_capability", invalid_params,     400, Scope::request},
    CategoryTraits{provider_error,         "provider_error",         worker_unavailable, 502, Scope::provider},
    CategoryTraits{plugin_crashed,         "plugin_crashed",         worker_unavailable, 502, Scope::provider},
    CategoryTraits{output_invalid,         "output_invalid",         unknown,            502, Scope::provider},
    CategoryTraits{artifact_unavailable,   "artifact_unavailable",   network_error,      502, Scope::provider},
    CategoryTraits{submit_ambiguous,       "submit_ambiguous",       timeout,            504, Scope::provider},
    CategoryTraits{cancelled,              "cancelled",              unknown,            200, Scope::request},
    CategoryTraits{deadline_exceeded,      "deadline_exceeded",      timeout,            504, Scope::request},
    CategoryTraits{storage_full,           "storage_full",           unknown,            503, Scope::host},
    CategoryTraits{not_found,              "not_found",              invalid_params,     404, Scope::request},
    CategoryTraits{internal,               "internal",               unknown,            500, Scope::host},
};

constexpr std::array<std::string_view, 11> kPhases{
    "validate", "admit", "queue", "connect", "submit", "load",
    "run",      "poll",  "download", "verify", "store"};
constexpr std::array<std::string_view, 5> kScopes{"request", "model", "credential", "provider", "host"};
constexpr std::array<std::string_view, 4> kBillings{"free", "not_billed", "maybe_billed", "billed"};
// clang-format on

constexpr bool rows_follow_the_enum()
{
    for (std::size_t i = 0; i < kCategories.size(); ++i)
        if (static_cast<std::size_t>(kCategories[i].category) != i) return false;
    return static_cast<std::size_t>(internal) + 1 == kCategories.size();
}
static_assert(rows_follow_the_enum(), "one row for each Category, in its order");

template <class Enum, std::size_t N>
std::optional<Enum> find_name(const std::array<std::string_view, N>& names, std::string_view name)
{
    for (std::size_t i = 0; i < N; ++i)
        if (names[i] == name) return static_cast<Enum>(i);
    return std::nullopt;
}

} // namespace

std::span<const CategoryTraits> category_table() { return kCategories; }

const CategoryTraits& traits(Category category)
{
    return kCategories[static_cast<std::size_t>(category)];
}

std::string_view to_string(Category category) { return traits(category).name; }
std::string_view to_string(Phase phase) { return kPhases[static_cast<std::size_t>(phase)]; }
std::string_view to_string(Scope scope) { return kScopes[static_cast<std::size_t>(scope)]; }
std::string_view to_string(Billing billing) { return kBillings[static_cast<std::size_t>(billing)]; }

std::optional<Category> category_from(std::string_view name)
{
    for (const CategoryTraits& row : kCategories)
        if (row.name == name) return row.category;
    return std::nullopt;
}

std::optional<Phase> phase_from(std::string_view name) { return find_name<Phase>(kPhases, name); }
std::optional<Scope> scope_from(std::string_view name) { return find_name<Scope>(kScopes, name); }
std::optional<Billing> billing_from(std::string_view name)
{
    return find_name<Billing>(kBillings, name);
}

Error Error::while_doing(std::string_view doing) &&
{
    text = std::string(doing) + ": " + text;
    return std::move(*this);
}

Error Error::with_hint(std::string better_hint) &&
{
    hint = std::move(better_hint);
    return std::move(*this);
}

Error Error::in_phase(Phase when) &&
{
    phase = when;
    return std::move(*this);
}

std::string Error::sentence() const
{
    std::string out = text + " (" + std::string(to_string(category));
    if (!code.empty()) out += "/" + code;
    out += ")";
    if (!hint.empty()) out += "; " + hint;
    return out;
}

Error invalid(std::string text, std::string code)
{
    return Error{.category = invalid_params, .text = std::move(text), .code = std::move(code)};
}

Error internal_error(std::string text)
{
    return Error{.category = internal, .text = std::move(text)};
}

Error system_error(Category category, std::string_view doing, int error_number)
{
    const bool full = error_number == ENOSPC || error_number == EDQUOT;
    return Error{.category = full ? storage_full : category,
                 .text = std::string(doing) + ": " +
                         std::error_code(error_number, std::generic_category()).message()};
}

} // namespace reelgate
