// What is wrong though each value by itself is lawful: names that nobody has, chains that lead
// nowhere, two that want the same.
#pragma once

#include "host/config/node.hpp"
#include "host/config/settings.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

// By the settings and the file system alone. `tree` says where things stand.
void check_settings(const Settings& settings, const ConfigNode& tree, Findings& findings);

// What is known of a plugin without running it, or more where it has been run.
struct PluginFact {
    bool installed = false;
    std::string why_not = {};             // not usable, though installed
    std::optional<Egress> egress = {};    // what the plugin states
    std::optional<Charge> charge = {};    // open: not known
    std::vector<std::string> priced = {}; // models with a price of their own
};
using PluginFacts = std::function<PluginFact(std::string_view plugin)>;

// What can be said only by who knows the plugins: one that is not installed, egress that is
// lowered, a chain that stays local but has a cloud in it, a paid provider without a price, a chain
// that nobody can serve.
void check_plugins(const Settings& settings,
                   const ConfigNode& tree,
                   const PluginFacts& facts,
                   Findings& findings);

} // namespace reelgate
