// Files, by Landlock: what no grant names cannot be opened, made, moved or removed any more.
#pragma once

#include "host/jail/measure.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace reelgate {

enum class Reach : std::uint8_t {
    list,      // names in a directory
    look,      // read
    read,      // read and start
    write,     // read and change
    write_run, // read, change and start
    device,    // read, write and control
};

struct Grant {
    std::filesystem::path path;
    Reach reach = Reach::read;
    bool must_exist = false; // false: part of the system, which need not have it
};

// The best the kernel has: 1 (Linux 5.13) upwards, 0 where it has none. From 3 on files cannot be
// truncated from outside, from 5 on devices not controlled, from 6 on nobody outside be signalled.
int landlock_version();

// Confines this thread and all that comes of it. Needs PR_SET_NO_NEW_PRIVS; there is no way back,
// and no grant can be added later. A path that must exist and does not is named in the detail.
JailMeasure restrict_files(const std::vector<Grant>& grants);

} // namespace reelgate
