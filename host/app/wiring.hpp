// From the configuration to the parts of the daemon: a slot and a worker for each provider, and
// what the engine is told.
#pragma once

#include "host/api/api.hpp"
#include "host/app/command.hpp"
#include "host/config/load.hpp"
#include "host/engine/engine.hpp"
#include "host/plugin/registry.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace reelgate {

struct WiredProvider {
    SlotConfig config;
    std::unique_ptr<Provider> provider; // none where it cannot work as it is configured
};

struct WiringTools {
    asio::io_context& loop;
    const Log& log;
    const Clock& clock;
    const Globals& globals;
    std::filesystem::path data_dir; // absolute
};

// The plugins that providers name, or why one may not run.
using FoundPlugins = std::map<std::string, Result<Manifest>>;

// Of all enabled providers but those in `not_needed`. Hashes files: for a thread that may block.
FoundPlugins find_plugins(const Globals& globals,
                          const Settings& settings,
                          const std::set<std::string>& not_needed = {});

// A slot, and a worker where it can work; else the slot says why not.
WiredProvider wire_provider(const WiringTools& tools,
                            const Settings& settings,
                            const ProviderConfig& configured,
                            const FoundPlugins& plugins);

// The slot of one whose worker goes on.
SlotConfig slot_of(const Settings& settings, const ProviderConfig& configured);

EngineSettings engine_settings(const Loaded& loaded);
std::vector<api::ApiKey> api_keys(const Settings& settings);

} // namespace reelgate
