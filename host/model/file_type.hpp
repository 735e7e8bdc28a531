// Types of files and what their names end in: one table for all who write, send or are given files.
#pragma once

#include <string_view>

namespace reelgate {

// ".mp4" of "video/mp4"; ".bin" of what is not in the table.
std::string_view extension_of(std::string_view type);

// "image/jpeg" of ".jpeg"; "application/octet-stream" of what is not in the table.
std::string_view type_of_extension(std::string_view extension);

} // namespace reelgate
