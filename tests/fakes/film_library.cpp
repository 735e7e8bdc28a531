// The one symbol of film.so. C++ types and exceptions pass it: both sides are built together and
// share one runtime.
#include "tests/fakes/film.hpp"
#include "tests/fakes/test_pattern.hpp"

#include <stdexcept>

namespace reelgate::fakes {
namespace {

PatternSpec spec_of(const Film& film)
{
    return {.width = film.width,
            .height = film.height,
            .frames = film.frames,
            .fps = film.fps,
            .seed = film.seed,
            .audio = film.audio};
}

void throw_unless(const Result<Done>& made)
{
    if (made) return;
    if (made.error().category == Category::invalid_params)
        throw std::invalid_argument(made.error().text);
    throw std::runtime_error(made.error().sentence());
}

void film_of(const Film& film,
             const std::filesystem::path& file,
             const std::function<void(std::uint32_t done, std::uint32_t frames)>& after_frame)
{
    throw_unless(write_pattern(spec_of(film), file, [&](auto done, auto frames) {
        if (after_frame) after_frame(done, frames);
        return true;
    }));
}

void still_of(const Film& film, std::uint32_t frame, const std::filesystem::path& file)
{
    throw_unless(write_still(spec_of(film), frame, file));
}

} // namespace

extern "C" __attribute__((visibility("default"), used))
const FilmLibrary reelgate_scripted_films{film_of, still_of};

} // namespace reelgate::fakes
