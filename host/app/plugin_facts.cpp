#include "host/app/plugin_facts.hpp"

#include "host/app/plugins.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace reelgate {

PluginFacts facts_of_installed(const Globals& globals, const Settings& settings)
{
    Globals places = globals;
    for (const std::string& dir : settings.plugins.dirs)
        places.plugin_dirs.emplace_back(dir);
    auto facts = std::make_shared<std::map<std::string, PluginFact, std::less<>>>();
    for (const PluginEntry& entry : found_plugins(places)) {
        if (entry.shadowed_by) continue;
        PluginFact fact;
        fact.installed = !entry.broken.has_value();
        if (entry.broken) fact.why_not = entry.broken->text;
        if (fact.installed) fact.egress = egress_from(to_string(entry.manifest.egress));
        facts->emplace(entry.manifest.id, std::move(fact));
    }
    return [facts](std::string_view plugin) {
        const auto known = facts->find(plugin);
        return known == facts->end() ? PluginFact() : known->second;
    };
}

} // namespace reelgate
