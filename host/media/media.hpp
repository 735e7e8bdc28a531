// What the rest of the host knows about media files: ask, and reelgate-media (one process per file)
// opens it. libav is never in this process.
#pragma once

#include "host/base/result.hpp"
#include "host/media/probe.hpp"
#include "host/model/artifact.hpp"

#include <chrono>
#include <filesystem>

namespace reelgate {

struct MediaTool {
    std::filesystem::path program; // reelgate-media, beside the daemon
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
Result<MediaFacts>
probe_media(const MediaTool& tool, const std::filesystem::path& file, const MediaLimits& limits);

} // namespace reelgate
