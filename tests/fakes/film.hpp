// The test pattern, in words that do not meet the SDK's: host and SDK both have a Category. It is
// in a library of its own beside the plugin, opened with the first film: libav brings a hundred
// others, and a plugin that linked it took 115 ms to load instead of 1, in every worker of every
// test.
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
// `beside` is the directory that film.so is in.
void make_film(const std::filesystem::path& beside,
               const Film& film,
               const std::filesystem::path& file,
               const std::function<void(std::uint32_t done, std::uint32_t frames)>& after_frame);

using MakeFilm = void (*)(const Film& film,
                          const std::filesystem::path& file,
                          const std::function<void(std::uint32_t, std::uint32_t)>& after_frame);
inline constexpr const char* kMakeFilmSymbol = "reelgate_scripted_make_film";

} // namespace reelgate::fakes
