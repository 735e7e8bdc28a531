// What a plugin leaves in its work directory, opened so that nothing outside can be reached: no
// "..", no absolute path, no link on the way, one regular file with one name, within the size
// limit. The worker asks first, to tell the plugin at once; the host asks again, because it does
// not believe the worker.
#pragma once

#include "host/base/fd.hpp"
#include "host/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace reelgate {

// A film of ten minutes at 50 Mbit/s; what is longer needs a setting of its own first.
inline constexpr std::uint64_t kMaxArtifactBytes = std::uint64_t{4} << 30U;

struct BoundedPath {
    std::string_view relative;
    std::uint64_t max_bytes = kMaxArtifactBytes;
    bool directory = false; // numbered pictures come as a directory
};

// `work_dir` itself must be no link either: a plugin may write beside it.
// Codes: `path_escapes`, `path_missing`, `not_a_file`, `linked`, `too_large`; category
// output_invalid.
Result<Fd> open_in_work_dir(const std::filesystem::path& work_dir, const BoundedPath& wanted);

// The file, opened as above, becomes `copy`: made anew (with its directory) in a place of the
// host's own. The plugin may still run, and may exchange or change what it offered for as long as
// it likes; what is looked at and kept is the copy. Blocks for as long as the disk takes. Codes: as
// above.
Result<Done> copy_from_work_dir(const std::filesystem::path& work_dir,
                                const BoundedPath& wanted,
                                const std::filesystem::path& copy);

// Numbered pictures: each file of the directory `relative` becomes a file of the new directory
// `copy`, named so that the order of names is that of the last numbers in what they were called.
// At most `max_files`, of 4 GiB in all; what begins with a dot is passed over. Codes: as above, and
// `too_many`.
Result<Done> copy_pictures_from_work_dir(const std::filesystem::path& work_dir,
                                         std::string_view relative,
                                         const std::filesystem::path& copy,
                                         std::size_t max_files);

} // namespace reelgate
