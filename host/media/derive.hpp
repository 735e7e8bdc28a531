// Pictures made from a film, in reelgate-media. Everybody else asks make_thumbnail() and
// make_spritesheet() of host/media/media.hpp, which say what comes out.
#pragma once

#include "host/media/probe.hpp"

#include <filesystem>
#include <string>

namespace reelgate {

// Longest sides, in pixels. Nothing is ever made larger than it is.
inline constexpr std::uint32_t kThumbnailSide = 640;
inline constexpr std::uint32_t kTileSide = 192;
inline constexpr std::uint32_t kSheetColumns = 5;
inline constexpr std::uint32_t kMostTiles = 25;

// What a picture is made of: `frames` is how many the film has.
struct Derivation {
    ProbeLimits limits;
    std::uint64_t frames = 1;
    std::filesystem::path output;
};

// Both answer with the type of what they wrote, and fail as probe() does, or with
// making_failed.
Result<std::string> derive_thumbnail(const Source& film, const Derivation& order);
Result<std::string> derive_spritesheet(const Source& film, const Derivation& order);

} // namespace reelgate
