#include "host/config/reload.hpp"

#include "host/config/merge.hpp"

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

bool has(const std::vector<std::string>& names, const std::string& name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Of the value, or where it was taken away, of what still stands around it.
Place place_of(const ConfigNode& tree, std::string key)
{
    while (true) {
        if (const ConfigNode* node = node_at(tree, key)) return node->place;
        const std::size_t cut = key.find_last_of(".[");
        if (cut == std::string::npos) return tree.place;
        key.resize(cut);
    }
}

} // namespace

std::vector<ConfigChange> ReloadPlan::with(Reload effect) const
{
    std::vector<ConfigChange> found;
    for (const ConfigChange& change : changes)
        if (change.effect == effect) found.push_back(change);
    return found;
}

ReloadPlan changes_between(const Settings& running, const Settings& next)
{
    ReloadPlan plan;
    plan.changes = diff(running, next);
    for (const ProviderConfig& provider : next.providers)
        if (running.provider(provider.id) == nullptr) plan.added.push_back(provider.id);
    for (const ProviderConfig& provider : running.providers)
        if (next.provider(provider.id) == nullptr) plan.removed.push_back(provider.id);
    for (const ConfigChange& change : plan.changes) {
        if (change.provider.empty() || change.effect != Reload::provider_restart) continue;
        if (has(plan.added, change.provider) || has(plan.removed, change.provider) ||
            has(plan.restarted, change.provider))
            continue;
        plan.restarted.push_back(change.provider);
    }
    return plan;
}

ReloadAnswer plan_reload(const Settings& running, Loaded next)
{
    ReloadAnswer answer{std::move(next), {}};
    if (!answer.next.ok()) return answer;
    answer.plan = changes_between(running, answer.next.settings);
    for (const ConfigChange& change : answer.plan.with(Reload::daemon_restart)) {
        Finding finding{Severity::error, place_of(answer.next.tree, change.key), "needs_restart"};
        finding.key = change.key;
        finding.message = "is " + (change.before.empty() ? "not set" : change.before) +
                          " as long as the daemon runs";
        finding.suggestion = "stop the daemon and start it again";
        answer.next.findings.add(std::move(finding));
    }
    return answer;
}

} // namespace reelgate
