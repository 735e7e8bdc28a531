// One daemon a directory.
#pragma once

#include "host/base/fd.hpp"
#include "host/base/result.hpp"

#include <filesystem>

namespace reelgate::store {

// Makes `directory` when it is missing (0700) and takes it until the descriptor is closed, also by
// a crash. `store_unwritable`; `store_in_use`, which names the process that has it.
Result<Fd> take_directory(const std::filesystem::path& directory);

} // namespace reelgate::store
