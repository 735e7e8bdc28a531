// What the other rooms get of the settings: each its part, in its own words.
#pragma once

#include "host/config/settings.hpp"

#include "host/base/result.hpp"
#include "host/model/capability.hpp"
#include "host/router/budget.hpp"
#include "host/router/chain.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

// A provider as the engine needs it. What its plugin is told is config_for_plugin().
struct ProviderView {
    std::string id;
    std::string plugin;
    std::string pool = {}; // the one it belongs to, or empty
    bool enabled = true;
    bool in_process = false;
    std::string misconfigured = {}; // why nothing of it can work, else empty
    std::optional<Egress> egress = {};
    std::optional<std::uint32_t> slots = {}; // no more than these, where it is said
    std::optional<std::uint32_t> gpu = {};
    std::optional<std::uint64_t> vram_budget_mb = {}; // of its card, where it is said
    std::vector<std::string> models = {};             // only these; empty: all
    std::map<std::string, Money> usd_per_second = {}; // by model, instead of the plugin's
};

ProviderView provider_view(const Settings& settings, const ProviderConfig& provider);
std::vector<ProviderView> provider_views(const Settings& settings); // in the order of the file

// A model as the plugin declared it, with no more than the operator lets it do. Fails where nothing
// would be left of it (unsupported_capability, code `narrowed_away`).
Result<ModelCapability> narrowed(ModelCapability declared, const ModelSettings& by);

// The same by the provider's list; a model that does not stand in it stays as it is declared.
Result<ModelCapability> narrowed(ModelCapability declared, const ProviderConfig& by);

// The key's purse for today, when this was spent and reserved with it.
Purse purse_of(const KeySettings& key, Money spent, Money reserved);
KeyView key_view(const KeySettings& key, const Purse& purse);

// The key that `secret` belongs to; null where it is none's. Takes as long for a near miss as for a
// wild guess.
const KeySettings* key_with(const Settings& settings, std::string_view secret);

} // namespace reelgate
