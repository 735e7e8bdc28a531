// What of a prompt may stand in a line of the log.
#pragma once

#include "host/base/log.hpp"

#include <string>
#include <string_view>

namespace reelgate {

// hash: "sha256:0a1b2c3d, 12 bytes", by which the same prompt is known again; none: nothing.
std::string prompt_note(PromptsInLog how, std::string_view prompt);

} // namespace reelgate
