// Trees on top of each other.
#pragma once

#include "host/config/node.hpp"

#include <string_view>

namespace reelgate {

// Maps are merged, everything else is replaced. A map with nothing in it changes nothing. A
// reference to a secret is one value, though it is written as a map.
void merge_into(ConfigNode& below, ConfigNode above);

// The node at "auth.keys[2].secret"; null where nothing is written.
const ConfigNode* node_at(const ConfigNode& tree, std::string_view key);

// Puts `value` at "server.listen"; makes the maps above it.
void put_at(ConfigNode& tree, std::string_view key, ConfigNode value);

} // namespace reelgate
