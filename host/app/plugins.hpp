// The plugins a command line sees, through its options.
#pragma once

#include "host/app/command.hpp"
#include "host/plugin/registry.hpp"
#include "host/plugin/trust.hpp"

#include <string_view>
#include <vector>

namespace reelgate {

std::vector<PluginEntry> found_plugins(const Globals& globals);

// By id, or by directory if `id_or_directory` has a '/': then as a plugin of the user's, wherever
// it lies. A broken one is an error here.
Result<PluginEntry> named_plugin(const Globals& globals, std::string_view id_or_directory);

TrustPlaces trust_places(const Globals& globals);

// A plugin that may be started: found, not broken, fit for this host (preflight) and allowed by
// `globals.trust`. Says on stderr when the policy lets anything run. May hash files: takes as long
// as the disk does.
Result<PluginEntry> runnable_plugin(const Globals& globals, std::string_view id_or_directory);

} // namespace reelgate
