// A change of the overlay, made or not made: nothing is left behind that could not be loaded.
#pragma once

#include "host/config/overlay.hpp"
#include "host/config/reload.hpp"

#include <vector>

namespace reelgate {

// Judges `changes` as if they were given last of all, then writes the overlay and loads anew. The
// answer that is not accepted says why, and the overlay is as it was. `running`, where there is a
// daemon: what can only change with its next start is refused, whoever wrote it.
// Fails as write_overlay() does. Blocks for a disk; callers take turns.
Result<ReloadAnswer> change_overlay(const ConfigSources& sources,
                                    const std::vector<OverlayChange>& changes,
                                    const Settings* running);

} // namespace reelgate
