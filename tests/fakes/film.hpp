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

// One frame of it as a JPEG; throws as above.
void make_still(const std::filesystem::path& beside,
                const Film& film,
                std::uint32_t frame,
                const std::filesystem::path& file);

// What film.so exports.
struct FilmLibrary {
    void (*film)(const Film& film,
                 const std::filesystem::path& file,
                 const std::function<void(std::uint32_t, std::uint32_t)>& after_frame);
    void (*still)(const Film& film, std::uint32_t frame, const std::filesystem::path& file);
};
inline constexpr const char* kFilmLibrarySymbol = "reelgate_scripted_films";

} // namespace reelgate::fakes
