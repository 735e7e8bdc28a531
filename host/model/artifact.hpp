// What a finished file was promised to be, what the probe found, and how the two differ.
#pragma once

#include "host/model/request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reelgate {

// What host/media found by decoding the file in reelgate-media.
struct MediaFacts {
    std::string container; // "mp4", "yuv4mpegpipe", "png", ...
    std::string video_codec;
    std::string pixel_format;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    double fps = 0;           // 0: the container names none (a picture)
    std::uint64_t frames = 0; // decoded, not believed from the header
    double seconds = 0;
    bool faststart = false; // an MP4 whose index stands before its data
    std::optional<std::string> audio_codec;
    double audio_seconds = 0;
    std::uint64_t bytes = 0;

    friend bool operator==(const MediaFacts&, const MediaFacts&) = default;
};

// A member that is zero was not promised, and is not compared.
struct Promise {
    FrameSize size;
    std::uint32_t frames = 0;
    double fps = 0;
    bool audio = false;
};

Promise promise_of(const Request& request);

struct Deviation {
    std::string what; // "width", "frames", ...
    std::string expected;
    std::string found;

    friend bool operator==(const Deviation&, const Deviation&) = default;
};

// Empty when the file is what was promised. Frame counts may differ by none, frame rates by 1 %,
// because containers round their time base. A picture has no rate to compare; a sound track that
// nobody asked for is no deviation.
std::vector<Deviation> deviations(const Promise& promise, const MediaFacts& found);

} // namespace reelgate
