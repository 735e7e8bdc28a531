#include "host/media/conversion.hpp"

#include <algorithm>
#include <cmath>

namespace reelgate {

double writable_rate(double fps)
{
    if (!std::isfinite(fps) || fps <= 0) return Conversion{}.fps;
    return std::clamp(fps, kSlowestRate, kFastestRate);
}

std::optional<Conversion> conversion_for(const MediaFacts& facts, double fps)
{
    const bool is_mp4 = facts.container == "mp4";
    // Other containers do not always say in which order packets are to be decoded.
    const bool in_boxes = is_mp4 || facts.container == "mov";
    const bool plain = facts.video_codec == "h264" && facts.pixel_format == "yuv420p" &&
                       facts.width % 2 == 0 && facts.height % 2 == 0;
    const bool audible =
        !facts.audio_codec || *facts.audio_codec == "aac" || *facts.audio_codec == "mp3";
    if (is_mp4 && facts.faststart && plain && audible) return std::nullopt;
    const double rate = facts.fps > 0 ? facts.fps : fps;
    return Conversion{.copy_pictures = in_boxes && plain,
                      .copy_sound = in_boxes && audible,
                      .fps = writable_rate(rate)};
}

} // namespace reelgate
