// What a file really is: opened, demuxed and decoded from the first frame to the last, because
// headers lie. Only reelgate-media, its tests and its fuzzer link this; everybody else asks
// probe_media().
//
// Every failure has Category::output_invalid and one of these codes:
//   empty                  no bytes
//   not_media              no signature of a container that is opened here
//   unsupported_container  media, but of a kind that is not opened here; playlists too
//   unsupported_codec      a known container around a codec that is not decoded here
//   truncated              the file ends before it says it does
//   too_large              over one of the limits below, or over the process's memory limit
//   no_video               no picture in it
//   decode_failed          it cannot be demuxed or decoded to the end
#pragma once

#include "host/base/result.hpp"
#include "host/media/source.hpp"
#include "host/model/artifact.hpp"

#include <cstdint>

namespace reelgate {

struct ProbeLimits {
    // A minute of 720p as Y4M is 2 GB, and no provider is known to send that much.
    std::uint64_t max_bytes = std::uint64_t{4} << 30;
    // 4096 x 4096. With 17 pictures of 1.5 bytes a pixel, H.264's most, a decoder holds 430 MB.
    std::uint64_t max_pixels = std::uint64_t{1} << 24;
    // Ten minutes at 60 frames a second.
    std::uint64_t max_frames = 36'000;
    // Few frames may claim to last for years, and a few kilobytes hold hours of silence.
    std::uint64_t max_seconds = 7200;
};

// Blocks for as long as decoding takes. Reads from `source` and nothing else: whatever the bytes
// name, no other file, no network and no device is opened.
Result<MediaFacts> probe(const Source& source, const ProbeLimits& limits);

} // namespace reelgate
