#include "host/router/reasons.hpp"

#include "host/router/rules.hpp"

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

// They say what the request or the chain has chosen, and nothing that the owner does not know.
bool is_choice(const Reason& reason)
{
    constexpr std::array<std::string_view, 4> kChoices{
        "not_in_chain", "not_named", "excluded", "fallback_not_allowed"};
    return std::find(kChoices.begin(), kChoices.end(), reason.code) != kChoices.end();
}

const std::vector<Reason>& reasons_of(const Candidate& c)
{
    return c.rejected.empty() ? c.skipped : c.rejected;
}

std::string name_of(const Candidate& c)
{
    if (c.provider == nullptr) return c.step->chain.use;
    return c.pair == nullptr ? c.provider->id : c.provider->id + "/" + c.pair->model.id;
}

// The candidate's own way out: whoever is excluded for a choice is not asked for more.
const Reason* main_reason(const Candidate& c)
{
    const std::vector<Reason>& all = reasons_of(c);
    if (all.empty()) return nullptr;
    const auto choice = std::find_if(all.begin(), all.end(), is_choice);
    return choice != all.end() ? &*choice : &all.front();
}

bool is_better(const Reason& a, const Reason& b)
{
    if (is_choice(a) != is_choice(b)) return is_choice(b);
    return usefulness(a.category) < usefulness(b.category);
}

struct Gathered {
    const Reason* best = nullptr;
    std::string text;   // of all that say something
    bool is_one = true; // they all say the same
};

Gathered gather(const std::vector<Candidate>& candidates)
{
    Gathered out;
    for (const Candidate& c : candidates) {
        const Reason* const reason = main_reason(c);
        if (reason == nullptr) continue;
        if (out.best != nullptr && reason->text != out.best->text) out.is_one = false;
        if (out.best == nullptr || is_better(*reason, *out.best)) out.best = reason;
        if (is_choice(*reason)) continue;
        out.text += (out.text.empty() ? "" : "; ") + name_of(c) + ": " + reason->text;
    }
    return out;
}

bool has_no_choice_but(const std::vector<Candidate>& candidates)
{
    return std::all_of(candidates.begin(), candidates.end(), [](const Candidate& c) {
        const Reason* const reason = main_reason(c);
        return reason == nullptr || is_choice(*reason);
    });
}

} // namespace

Error refusal_of(const RouteInput& in, const std::vector<Candidate>& candidates)
{
    const Gathered found = gather(candidates);
    Error error{.category = Category::worker_unavailable,
                .text = "no provider is configured for the chain " + in.chain.id,
                .code = "no_provider",
                .hint = "configure a provider, and name it in a step of the chain",
                .phase = Phase::admit,
                .billing = Billing::not_billed};
    if (found.best == nullptr) return error;
    error.category = found.best->category;
    error.code = found.best->code;
    error.hint.clear();
    if (has_no_choice_but(candidates))
        error.text = found.best->text;
    else
        error.text = found.is_one && error.category == Category::invalid_params
                         ? found.best->text
                         : "no provider can take it: " + found.text;
    error.hint = hint_for(error);
    return error;
}

Error sum_up(const RouteInput& in, const std::vector<Candidate>& candidates)
{
    const Error* const failure = most_useful_failure(in);
    if (failure == nullptr) {
        Error error = refusal_of(in, candidates);
        error.phase = Phase::queue;
        return error;
    }
    Error error = *failure;
    std::string others;
    for (const Candidate& c : candidates) {
        const Reason* const reason = main_reason(c);
        if (reason == nullptr || is_choice(*reason) || reason->code == "already_tried") continue;
        others += (others.empty() ? "" : "; ") + name_of(c) + ": " + reason->code;
    }
    if (!others.empty()) error.text += " (" + others + ")";
    error.hint = hint_for(error);
    return error;
}

} // namespace reelgate
