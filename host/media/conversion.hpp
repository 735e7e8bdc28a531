// What is to be done to a film so that every browser plays it.
#pragma once

#include "host/model/artifact.hpp"

#include <optional>

namespace reelgate {

struct Conversion {
    bool copy_pictures = false; // as they are, into another file
    bool copy_sound = false;
    double fps = 24; // where they are encoded
};

// What a film can be written with, in frames a second.
inline constexpr double kSlowestRate = 0.01;
inline constexpr double kFastestRate = 1000;

// The nearest to it; of what is no rate at all, that of Conversion.
double writable_rate(double fps);

// Nothing where it plays as it is: an MP4 with its index first, H.264 in yuv420p, and AAC, MP3 or
// silence. `fps` counts where the file names no rate (a picture, numbered pictures).
std::optional<Conversion> conversion_for(const MediaFacts& facts, double fps);

} // namespace reelgate
