// Files, by Landlock: what no grant names cannot be opened, made, moved or removed any more.
#pragma once

#include "host/plugin/jail_paths.hpp"
#include "host/plugin/worker_jail.hpp"

#include <vector>

namespace reelgate {

// The best the kernel has: 1 (Linux 5.13) upwards, 0 where it has none. From 3 on files cannot be
// truncated from outside, from 5 on devices not controlled, from 6 on nobody outside be signalled.
int landlock_version();

// Confines this thread and all that comes of it. Needs PR_SET_NO_NEW_PRIVS; there is no way back,
// and no grant can be added later. A path that must exist and does not is named in the detail.
JailMeasure restrict_files(const std::vector<Grant>& grants);

} // namespace reelgate
