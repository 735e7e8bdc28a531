#include "tests/fakes/film.hpp"

#include <dlfcn.h>

#include <stdexcept>

namespace reelgate::fakes {
namespace {

const FilmLibrary& library(const std::filesystem::path& beside)
{
    static const FilmLibrary& opened = [&]() -> const FilmLibrary& {
        const std::filesystem::path file = beside / "film.so";
        void* handle =
            ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL); // for ever: libav does not leave
        const void* found = handle == nullptr ? nullptr : ::dlsym(handle, kFilmLibrarySymbol);
        if (found == nullptr) throw std::runtime_error(::dlerror());
        return *static_cast<const FilmLibrary*>(found);
    }();
    return opened;
}

} // namespace

void make_film(const std::filesystem::path& beside,
               const Film& film,
               const std::filesystem::path& file,
               const std::function<void(std::uint32_t done, std::uint32_t frames)>& after_frame)
{
    library(beside).film(film, file, after_frame);
}

void make_still(const std::filesystem::path& beside,
                const Film& film,
                std::uint32_t frame,
                const std::filesystem::path& file)
{
    library(beside).still(film, frame, file);
}

} // namespace reelgate::fakes
