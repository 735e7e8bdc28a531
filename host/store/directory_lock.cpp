#include "host/store/directory_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

namespace reelgate::store {
namespace {

namespace fs = std::filesystem;

Error unwritable(std::string_view doing, const fs::path& file, int why)
{
    Error error = system_error(Category::internal, std::string(doing) + " " + file.string(), why);
    error.code = "store_unwritable";
    error.hint = "check the owner and the mode of the data directory";
    error.phase = Phase::store;
    return error;
}

Result<Done> make_directory(const fs::path& directory)
{
    std::error_code why;
    if (fs::create_directories(directory, why) && !why)
        fs::permissions(directory, fs::perms::owner_all, why);
    if (why) return unwritable("making", directory, why.value());
    if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0)
        return unwritable("writing to", directory, errno);
    return Done{};
}

// Who has the lock wrote his number into the file; nothing there yet: he has only just come.
std::string holder(int fd)
{
    std::array<char, 16> digits{};
    const ssize_t got = ::pread(fd, digits.data(), digits.size(), 0);
    std::string number;
    for (ssize_t i = 0; i < got && digits[static_cast<std::size_t>(i)] >= '0' &&
                        digits[static_cast<std::size_t>(i)] <= '9';
         ++i)
        number += digits[static_cast<std::size_t>(i)];
    return number.empty() ? "another process" : "process " + number;
}

// A full disk must not keep anybody from starting: the number is a courtesy.
void sign(int fd)
{
    const std::string number = std::to_string(::getpid()) + "\n";
    const bool written = ::ftruncate(fd, 0) == 0 &&
                         ::pwrite(fd, number.data(), number.size(), 0) == ssize_t(number.size());
    (void)written;
}

} // namespace

Result<Fd> take_directory(const fs::path& directory)
{
    RG_CHECK(make_directory(directory));
    const fs::path file = directory / "jobs.lock";
    Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return unwritable("opening", file, errno);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return unwritable("locking", file, errno);
        return Error{.category = Category::internal,
                     .text =
                         "the jobs in " + directory.string() + " belong to " + holder(lock.get()),
                     .code = "store_in_use",
                     .hint = "stop that daemon, or give this one another data directory",
                     .phase = Phase::store};
    }
    sign(lock.get());
    return lock;
}

} // namespace reelgate::store
