// From the configuration to the parts of the daemon: a slot and a worker for each provider, and
// what the engine is told.
#pragma once

#include "host/app/command.hpp"
#include "host/config/load.hpp"
#include "host/engine/engine.hpp"
#include "host/plugin/registry.hpp"

#include <memory>
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

// One that cannot work says why in its slot; nothing stops the others. May hash files of plugins.
std::vector<WiredProvider> wire_providers(const WiringTools& tools, const Settings& settings);

EngineSettings engine_settings(const Loaded& loaded);

} // namespace reelgate
