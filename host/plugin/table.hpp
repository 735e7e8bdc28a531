// The only reader of rg_provider. What a plugin hands over is taken member by member under RG_HAS
// and checked as if it came from the network; what it answers becomes a Result. The worker and the
// in-process provider share this, so both ways of running a plugin see the same one.
#pragma once

#include "host/base/result.hpp"

#include <reelgate/abi/provider.h>
#include <reelgate/ext/cost.h>
#include <reelgate/ext/reconcile.h>
#include <reelgate/ext/resume.h>
#include <reelgate/ext/tool.h>
#include <reelgate/ext/warm.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace reelgate {

// What becomes of an exception that a plugin lets out of a C function. A worker dies of it, at the
// place where it was thrown, so that its last words show that place; in process it is contained.
enum class OnEscape : std::uint8_t { die, contain };

// A text longer than this is refused (`answer_too_long`): it could not travel in a frame.
inline constexpr std::size_t kMaxAnswer = 512 * 1024;

class Table {
public:
    // `who` names the plugin in refusals. Codes: `entry_missing` (no table), `table_too_small`,
    // `function_missing`, `host_too_old`.
    static Result<Table> adopt(const rg_provider* raw,
                               std::string_view who,
                               OnEscape on_escape,
                               std::uint32_t host_minor = RG_ABI_MINOR);

    Result<std::string> describe() const;

    // On success the caller owns `*self` and ends it with destroy().
    Result<void*> create(const rg_host& host, std::string_view config_json) const;
    void destroy(void* self) const;
    Result<std::string> probe(void* self) const;
    Result<Done> run(void* self, const rg_job& job) const;
    Result<Done> resume(void* self, const rg_job& job, std::string_view remote_json) const;
    Result<std::string> abandon(void* self, std::string_view remote_json) const;

    // A function of an extension by name: "reelgate.cost/1", "estimate". One argument, JSON or
    // text. `name` is only for tools. Code `no_extension` when the plugin lacks it.
    Result<std::string> call(void* self,
                             std::string_view extension,
                             std::string_view function,
                             std::string_view name,
                             std::string_view argument) const;

    bool can_resume() const { return resume_ != nullptr; }
    std::uint32_t plugin_minor() const { return raw_->abi_minor; }

private:
    Table(const rg_provider* raw, OnEscape on_escape) : raw_(raw), on_escape_(on_escape) {}
    void find_extensions();

    const rg_provider* raw_;
    OnEscape on_escape_;
    const rg_resume* resume_ = nullptr;
    const rg_cost* cost_ = nullptr;
    const rg_reconcile* reconcile_ = nullptr;
    const rg_warm* warm_ = nullptr;
    const rg_tool* tool_ = nullptr;
};

} // namespace reelgate
