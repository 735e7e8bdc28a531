#include "host/media/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace reelgate {
namespace {

Error refused(Category category, std::string text, std::string code)
{
    return {.category = category,
            .text = std::move(text),
            .code = std::move(code),
            .phase = Phase::verify};
}

Error cannot_open(int error_number)
{
    switch (error_number) {
    case ENOENT:
    case ENOTDIR:
        return refused(Category::artifact_unavailable, "there is no such file", "file_missing");
    case ELOOP:
        return refused(Category::output_invalid, "the path is a symbolic link", "not_a_file");
    case ENXIO: // a socket
        return refused(Category::output_invalid, "the path is not a regular file", "not_a_file");
    default:
        Error error =
            system_error(Category::artifact_unavailable, "opening the file", error_number);
        error.code = "unreadable";
        return std::move(error).in_phase(Phase::verify);
    }
}

} // namespace

Result<Source> Source::open(const std::filesystem::path& file)
{
    constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    Source source;
    source.file_.reset(::open(file.c_str(), kFlags));
    if (!source.file_) return cannot_open(errno);
    struct stat about {};
    if (::fstat(source.file_.get(), &about) != 0) return cannot_open(errno);
    if (!S_ISREG(about.st_mode))
        return refused(Category::output_invalid, "the path is not a regular file", "not_a_file");
    source.size_ = static_cast<std::uint64_t>(about.st_size);
    return source;
}

Source Source::over(std::span<const std::uint8_t> bytes)
{
    Source source;
    source.memory_ = bytes;
    source.size_ = bytes.size();
    return source;
}

std::size_t Source::read_at(std::uint64_t at, std::span<std::uint8_t> into) const
{
    if (at >= size_) return 0;
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - at));
    if (!file_) {
        std::memcpy(into.data(), memory_.data() + at, wanted);
        return wanted;
    }
    std::size_t done = 0;
    while (done < wanted) {
        const ssize_t got =
            ::pread(file_.get(), into.data() + done, wanted - done, static_cast<off_t>(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

} // namespace reelgate
