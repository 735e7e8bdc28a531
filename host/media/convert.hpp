// The MP4 from what is none, in reelgate-media. Everybody else asks convert_media() of
// host/media/media.hpp.
#pragma once

#include "host/media/conversion.hpp"
#include "host/media/probe.hpp"

#include <filesystem>

namespace reelgate {

// Number of frames, their times and the sound's beginning stay; a side that is odd gets one pixel
// more, the last once again. What `output` held is gone. Fails as probe() does, with
// output_invalid/bad_rate where no film can have the rate, or with making_failed.
Result<Done> convert(const Source& film,
                     const ProbeLimits& limits,
                     const Conversion& how,
                     const std::filesystem::path& output);

// Pictures, a file each, in the order of their names. Their sizes must be the same:
// output_invalid/mixed_sizes.
Result<Done> convert_numbered(const std::filesystem::path& directory,
                              const ProbeLimits& limits,
                              const Conversion& how,
                              const std::filesystem::path& output);

} // namespace reelgate
