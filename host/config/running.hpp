// What the daemon runs with, left in its data directory so that `reelgate config diff` can compare
// without asking it. No secret is in it, only where each comes from and its short hash.
#pragma once

#include "host/base/result.hpp"
#include "host/config/load.hpp"
#include "host/config/show.hpp"

#include <filesystem>
#include <vector>

namespace reelgate {

std::filesystem::path running_file(const std::filesystem::path& data_dir);

// After each load that was accepted. Blocks for a disk.
Result<Done> record_running(const Loaded& loaded);

struct RunningConfig {
    std::uint64_t revision = 0;
    std::vector<FlatSetting> values;
};

// Codes: file_missing (no daemon has run here), running_broken.
Result<RunningConfig> recorded_running(const std::filesystem::path& data_dir);

} // namespace reelgate
