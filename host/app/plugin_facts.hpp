// What `config check` may know of the plugins that are installed.
#pragma once

#include "host/app/command.hpp"
#include "host/config/checks.hpp"

namespace reelgate {

// From the manifests alone: no library is opened. Also those of `plugins.dirs`. Blocks for a disk.
PluginFacts facts_of_installed(const Globals& globals, const Settings& settings);

} // namespace reelgate
