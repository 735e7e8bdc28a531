#include "host/base/file.hpp"

#include "host/base/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

Error failed(std::string_view doing, const fs::path& file, int why)
{
    return system_error(Category::internal, std::string(doing) + " " + file.string(), why);
}

Result<Done> write_all(int fd, std::string_view text, const fs::path& file)
{
    while (!text.empty()) {
        const ssize_t put = ::write(fd, text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return failed("writing", file, errno);
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(fd) != 0) return failed("flushing", file, errno);
    return Done{};
}

Result<Done> make_directory_of(const fs::path& file)
{
    std::error_code why;
    fs::create_directories(file.parent_path(), why);
    if (why) return failed("making the directory of", file, why.value());
    return Done{};
}

// A rename is on disk once its directory is.
Result<Done> flush_directory(const fs::path& directory)
{
    const fs::path here = directory.empty() ? fs::path(".") : directory;
    const Fd fd(::open(here.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return failed("flushing", here, errno);
    return Done{};
}

} // namespace

Result<std::string> read_file(const std::filesystem::path& file, std::size_t limit)
{
    // O_NONBLOCK: a fifo of that name must not hold us up.
    const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!in) {
        const int why = errno;
        Error error = system_error(Category::not_found, "reading " + file.string(), why);
        error.code = why == ENOENT ? "file_missing" : "file_unreadable";
        return error;
    }
    struct stat facts {};
    if (::fstat(in.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
        return invalid(file.string() + ": is not a plain file", "file_unreadable");

    std::string text(limit + 1, '\0'); // one more, so that too long is seen as such
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(in.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("reading", file, errno);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > limit)
        return invalid(file.string() + ": is longer than " + std::to_string(limit) + " bytes",
                       "file_too_large");
    text.resize(size);
    return text;
}

Result<Done> replace_file(const std::filesystem::path& file, std::string_view text, mode_t mode)
{
    RG_CHECK(make_directory_of(file));
    std::string fresh = file.string() + ".XXXXXX";
    const Fd out(::mkostemp(fresh.data(), O_CLOEXEC));
    if (!out) return failed("making a file beside", file, errno);

    Result<Done> done = write_all(out.get(), text, file);
    if (done && ::fchmod(out.get(), mode) != 0) done = failed("setting the mode of", file, errno);
    if (done && ::rename(fresh.c_str(), file.c_str()) != 0) done = failed("replacing", file, errno);
    if (!done) {
        ::unlink(fresh.c_str());
        return done;
    }
    return flush_directory(file.parent_path());
}

Result<Done> append_line(const std::filesystem::path& file, std::string_view line, mode_t mode)
{
    RG_CHECK(make_directory_of(file));
    const Fd out(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, mode));
    if (!out) return failed("opening", file, errno);
    return write_all(out.get(), std::string(line) + "\n", file);
}

} // namespace reelgate
