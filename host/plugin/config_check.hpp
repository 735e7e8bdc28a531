// What must hold between opening a plugin and creating a provider of it: it is who its manifest
// says, its description makes sense, and the configuration fits the schema it gave. Both ways of
// running a plugin pass through here.
#pragma once

#include "host/base/result.hpp"
#include "host/plugin/description.hpp"
#include "host/plugin/manifest.hpp"

#include <string>
#include <string_view>

namespace reelgate {

// Codes: `bad_description`, `identity_mismatch`.
Result<Description> checked_description(std::string_view text, const Manifest& manifest);

// The configuration with its defaults filled in, and without `models` where the schema has no such
// member: that list is the host's too. Code `bad_config`, with the member that is wrong.
Result<std::string> checked_config(const Description& description, std::string_view config_json);

} // namespace reelgate
