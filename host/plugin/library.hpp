// Opens a plugin library through Boost.DLL and finds its table. Handles stay open for ever: closing
// a library under a running thread is a crash, and some (libtorch) never leave anyway.
#pragma once

#include "host/plugin/table.hpp"

#include <filesystem>
#include <string_view>

namespace reelgate {

// `file` is absolute. Runs the library's static initialisers, so it belongs in a worker, or in the
// daemon only for a plugin that may run in process. Codes: `load_failed`, `entry_missing`, and
// those of Table::adopt.
Result<Table> open_library(const std::filesystem::path& file,
                           std::string_view who,
                           OnEscape on_escape,
                           std::uint32_t host_minor = RG_ABI_MINOR);

} // namespace reelgate
