// The test pattern, in words that do not meet the SDK's: host and SDK both have a
// reelgate::Category.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace reelgate::fakes {

struct Film {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint32_t frames = 0;
    double fps = 0;
    std::uint64_t seed = 0;
    bool audio = false;
};

// Makes the film; `after_frame` may throw to stop. Throws std::invalid_argument for a shape that
// cannot be made, std::runtime_error for what else goes wrong. Whoever stops it finds no file.
void make_film(const Film& film,
               const std::filesystem::path& file,
               const std::function<void(std::uint32_t done, std::uint32_t frames)>& after_frame);

} // namespace reelgate::fakes
