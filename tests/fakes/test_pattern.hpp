// Makes a real film without a model: an MP4 that browsers play (H.264, or MPEG-4 part 2 where
// libx264 is missing; yuv420p, BT.709, index before the data), of exactly the size, frame count and
// rate asked for. The same spec gives the same bytes.
#pragma once

#include "host/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

namespace reelgate {

struct PatternSpec {
    std::uint32_t width = 640;
    std::uint32_t height = 368;
    std::uint32_t frames = 49;
    double fps = 24;
    std::uint64_t seed = 0;
    bool audio = false; // a silent AAC track as long as the picture
};

// Refuses what cannot be made, or not in reasonable time: odd sides (yuv420p has none), sides
// outside 16..8192, more than 36 megapixels, 1..36000 frames, 1..240 fps, and all of these at once
// too large.
Result<Done> check(const PatternSpec& spec);

// One film, a frame at a time. Whoever stops before finish() leaves no file behind.
class PatternWriter {
public:
    static Result<PatternWriter> open(const PatternSpec& spec, const std::filesystem::path& file);

    PatternWriter(PatternWriter&&) noexcept;
    PatternWriter& operator=(PatternWriter&&) noexcept;
    ~PatternWriter();

    // Paints and encodes the next frame. Not more often than spec.frames times.
    Result<Done> add_frame();
    std::uint32_t frames_done() const;

    // Ends the file; nothing may follow.
    Result<Done> finish();

private:
    struct State;
    explicit PatternWriter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// One frame of the film as a JPEG, for previews and input images.
Result<Done>
write_still(const PatternSpec& spec, std::uint32_t frame, const std::filesystem::path& file);

// After each frame; false stops, and write_pattern fails as `cancelled`.
using PatternProgress = std::function<bool(std::uint32_t done, std::uint32_t frames)>;

Result<Done> write_pattern(const PatternSpec& spec,
                           const std::filesystem::path& file,
                           const PatternProgress& progress = {});

} // namespace reelgate
