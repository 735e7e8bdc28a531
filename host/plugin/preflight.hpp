// Everything about a plugin that can be refused before one of its instructions runs.
#pragma once

#include "host/plugin/manifest.hpp"

namespace reelgate {

// The manifest against this host, then the file it names: the library's ELF header and tables, or
// that the program is there and may be run. Codes: those of both fits_this_host() and of
// read_elf(), plugin_outside (a link that leaves the plugin's directory) and not_executable. May
// block for a disk: call it on the pool.
Result<Done> preflight(const Manifest& manifest);

} // namespace reelgate
