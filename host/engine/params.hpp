// What a request says to one plugin in particular: {"<plugin id>": {...}}, held against the schema
// that the plugin declares.
#pragma once

#include "host/model/job.hpp"
#include "host/plugin/provider.hpp"

#include <string>

namespace reelgate {

// The plugin's own part, whole: defaults of the schema filled in. "{}" where the order says nothing
// and the schema asks for nothing. invalid_params (code bad_params) where it does not fit.
Result<std::string>
params_for(const JobOrder& order, const std::string& plugin, const Description& description);

} // namespace reelgate
