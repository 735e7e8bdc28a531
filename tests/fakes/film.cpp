#include "tests/fakes/film.hpp"

#include <dlfcn.h>

#include <stdexcept>

namespace reelgate::fakes {
namespace {

MakeFilm load(const std::filesystem::path& library)
{
    void* opened =
        ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL); // for ever: libav does not leave
    void* found = opened == nullptr ? nullptr : ::dlsym(opened, kMakeFilmSymbol);
    if (found == nullptr) throw std::runtime_error(::dlerror());
    return reinterpret_cast<MakeFilm>(found);
}

} // namespace

void make_film(const std::filesystem::path& beside,
               const Film& film,
               const std::filesystem::path& file,
               const std::function<void(std::uint32_t done, std::uint32_t frames)>& after_frame)
{
    static const MakeFilm kMake = load(beside / "film.so");
    kMake(film, file, after_frame);
}

} // namespace reelgate::fakes
