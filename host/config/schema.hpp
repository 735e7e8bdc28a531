// The configuration as a JSON Schema (draft 2020-12), for editors and forms: made from the table of
// settings, so that it says what the daemon takes.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace reelgate {

nlohmann::ordered_json config_schema();

} // namespace reelgate
