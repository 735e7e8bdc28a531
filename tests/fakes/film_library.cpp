// The one function of film.so.
#include "tests/fakes/film.hpp"
#include "tests/fakes/test_pattern.hpp"

#include <stdexcept>

// It passes C++ types, and exceptions pass it: both sides are built together and share one runtime.
extern "C" __attribute__((visibility("default"), used)) void reelgate_scripted_make_film(
    const reelgate::fakes::Film& film,
    const std::filesystem::path& file,
    const std::function<void(std::uint32_t done, std::uint32_t frames)>& after_frame)
{
    using namespace reelgate;
    const PatternSpec spec{.width = film.width,
                           .height = film.height,
                           .frames = film.frames,
                           .fps = film.fps,
                           .seed = film.seed,
                           .audio = film.audio};
    const Result<Done> made = write_pattern(spec, file, [&](auto done, auto frames) {
        if (after_frame) after_frame(done, frames);
        return true;
    });
    if (made) return;
    if (made.error().category == Category::invalid_params)
        throw std::invalid_argument(made.error().text);
    throw std::runtime_error(made.error().sentence());
}
