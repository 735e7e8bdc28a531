// What the rest of the host knows about media files: ask, and reelgate-media (one process per file)
// opens it. libav is never in this process.
#pragma once

#include "host/base/result.hpp"
#include "host/media/conversion.hpp"
#include "host/media/probe.hpp"
#include "host/model/artifact.hpp"

#include <chrono>
#include <filesystem>

namespace reelgate {

struct MediaTool {
    std::filesystem::path program; // reelgate-media, beside the daemon
    int stop = -1; // a descriptor, borrowed: once it is readable, the child is killed at once
};

struct MediaLimits {
    ProbeLimits file = {};
    // 720p decodes at 500 frames a second on one core, so ProbeLimits' 36 000 frames of 1080p take
    // about two and a half minutes.
    std::chrono::milliseconds wall = std::chrono::minutes{5};
};

// Probes `file` in a child process, which is dead when this returns. BLOCKS for as long as decoding
// takes, at most `limits.wall`: call it on the pool, never on the loop. Any number may run at once.
//
// Besides the failures of probe() and Source::open(), whose codes pass through:
//   output_invalid/media_crashed     the child died of a signal
//   output_invalid/media_timeout     it was killed after `limits.wall`, or spent that much CPU time
//   output_invalid/media_bad_answer  it ended with something else than one answer
//   internal/media_unavailable       it could not be started
//   cancelled/media_stopped          the tool's `stop` said so, perhaps before it was started
Result<MediaFacts>
probe_media(const MediaTool& tool, const std::filesystem::path& file, const MediaLimits& limits);

// Pictures of a film of `frames` frames, as a new file at `output`; the answer is its type. With
// the promises and the failures of probe_media(), and making_failed when it could not be written:
// storage_full where there was no room on the disk, else internal. The thumbnail is the frame in
// the middle, at most 640 pixels wide or high, as WebP. The sheet is a JPEG of up to 25 frames at
// equal distances, five in a row, each at most 192 pixels wide or high.
Result<std::string> make_thumbnail(const MediaTool& tool,
                                   const std::filesystem::path& film,
                                   std::uint64_t frames,
                                   const std::filesystem::path& output,
                                   const MediaLimits& limits);
Result<std::string> make_spritesheet(const MediaTool& tool,
                                     const std::filesystem::path& film,
                                     std::uint64_t frames,
                                     const std::filesystem::path& output,
                                     const MediaLimits& limits);

Error media_stopped();

// An MP4 that browsers play, of a film or of a directory of pictures. Whoever keeps it probes it:
// this child has read what a stranger wrote.
Result<Done> convert_media(const MediaTool& tool,
                           const std::filesystem::path& film,
                           const Conversion& how,
                           const std::filesystem::path& output,
                           const MediaLimits& limits);

} // namespace reelgate
