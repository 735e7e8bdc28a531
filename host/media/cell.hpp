// What reelgate-media takes away from itself before it reads the first byte that a stranger wrote:
// every file but its own two, every socket, every other process.
#pragma once

#include "host/jail/measure.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace reelgate {

struct Cell {
    std::filesystem::path input; // a file or a directory of files: to be read
    std::optional<std::filesystem::path> output =
        {}; // a file that is there: to be read and written
};

// There is no way back, and what the process becomes must be one thread. A measure that this
// machine does not have is left out; each says whether it was.
std::vector<JailMeasure> enter_cell(const Cell& cell);

} // namespace reelgate
