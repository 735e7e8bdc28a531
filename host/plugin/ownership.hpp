// Who could change a plugin. A library is opened by its path, because $ORIGIN would break
// otherwise; between the check of its hash and the opening only ownership keeps others out.
#pragma once

#include "host/base/result.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace reelgate {

// Those who may own a plugin and the directories above it: root, the user of this process, and the
// owner of this program, who could change what it does anyway. Groups likewise, for files that a
// group may write.
struct Owners {
    std::vector<uid_t> users;
    std::vector<gid_t> groups;
};
Owners owners_beside(const std::filesystem::path& exe_dir);

struct FileOwner {
    enum class Place : std::uint8_t { above, inside }; // the plugin's directory itself is inside

    std::string path;
    uid_t user = 0;
    gid_t group = 0;
    mode_t mode = 0;
    Place place = Place::inside;
};

// Pure. Codes: unsafe_owner, unsafe_writable. A sticky directory above, such as /tmp, may be
// writable: what lies in it can be renamed by its owner only.
Result<Done> is_owned_safely(const FileOwner& file, const Owners& owners);

// `directory`, everything in it and every directory above it, with links resolved.
Result<Done> is_owned_safely(const std::filesystem::path& directory, const Owners& owners);

} // namespace reelgate
