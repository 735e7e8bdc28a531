// The files of a plugin's directory and their SHA-256: what was promised (SHA256SUMS, as
// `sha256sum` writes it), what is there, and the one hash that stands for all of them.
#pragma once

#include "host/base/result.hpp"
#include "host/plugin/hash_cache.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

struct FileSum {
    std::string path; // relative to the directory, normal
    std::string sha256;

    bool operator==(const FileSum&) const = default;
};
using FileSums = std::vector<FileSum>; // by path, each path once

// Pure. Lines of 64 hexadecimal digits, two spaces (or a space and '*') and a path that stays
// inside. `file` is for the sentences. Code: sums_malformed, with the line.
Result<FileSums> parse_sums(std::string_view text, const std::filesystem::path& file);

// Pure. Names every file that differs, the first of each kind if there are many. Codes, the gravest
// first: sums_changed, sums_missing (promised and not there), sums_extra (there and not promised).
Result<Done> compare_sums(const FileSums& promised,
                          const FileSums& found,
                          const std::filesystem::path& directory);

// Hashes every file below `directory`. A link counts as the file it leads to, which must be in the
// directory; anything but files, directories and such links has code odd_file. Also too_many_files.
// Reads all the cache does not know.
Result<FileSums> sum_directory(const std::filesystem::path& directory, HashCache& cache);

// One hash for the whole: that of the sums in `sha256sum`'s form. Of all files, the sums file and
// its signature among them: what were left out here could hold anything.
std::string identity_of(const FileSums& sums);

} // namespace reelgate
