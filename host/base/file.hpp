// Small files, whole: read with a limit, replaced so that a reader sees the old one or the new one,
// appended to line by line. All of it may block for a disk: call it on the pool.
#pragma once

#include "host/base/result.hpp"

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace reelgate {

// The text of a plain file of at most `limit` bytes. Links are followed. Codes: file_missing,
// file_unreadable (also: not a plain file), file_too_large.
Result<std::string> read_file(const std::filesystem::path& file, std::size_t limit);

// Replaces `file`, or makes it: written beside it, flushed, renamed over it, the directory flushed.
// After a failure the old file is unchanged. The directories above are made where they are missing.
Result<Done>
replace_file(const std::filesystem::path& file, std::string_view text, mode_t mode = 0600);

// Adds one line in one write and flushes it; lines of several processes do not mix. `line` holds no
// newline.
Result<Done>
append_line(const std::filesystem::path& file, std::string_view line, mode_t mode = 0600);

} // namespace reelgate
