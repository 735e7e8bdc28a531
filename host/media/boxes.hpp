// The outermost structure of MP4 and Matroska files, read without believing it: enough to say
// whether the file is whole and where an MP4's index stands.
#pragma once

#include "host/media/source.hpp"

#include <optional>
#include <string>

namespace reelgate {

// "moov" before "mdat": a browser can start before the file is here.
bool index_stands_first(const Source& source);

// What is missing from a file that was cut, as a sentence; nothing if it is whole.
std::optional<std::string> missing_in_mp4(const Source& source);
std::optional<std::string> missing_in_matroska(const Source& source);

} // namespace reelgate
