#include "host/plugin/work_dir.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>

namespace reelgate {
namespace {

Error refused(std::string_view relative, std::string_view why, std::string code)
{
    return Error{.category = Category::output_invalid,
                 .text =
                     "artifact '" + std::string(relative.substr(0, 200)) + "' " + std::string(why),
                 .code = std::move(code),
                 .phase = Phase::verify};
}

Error open_failure(std::string_view relative, int error_number)
{
    switch (error_number) {
    case EXDEV:
    case ELOOP:
        return refused(relative, "leads out of the work directory", "path_escapes");
    case ENOENT:
    case ENOTDIR:
        return refused(relative, "does not exist", "path_missing");
    default:
        return refused(relative,
                       "cannot be opened: " +
                           system_error(Category::output_invalid, "", error_number).text,
                       "not_a_file");
    }
}

} // namespace

Result<Fd> open_in_work_dir(const std::filesystem::path& work_dir, const BoundedPath& wanted)
{
    const std::string relative(wanted.relative);
    if (relative.empty() || relative.front() == '/' || relative.find('\0') != std::string::npos)
        return refused(relative, "is not a relative path", "path_escapes");

    const Fd root(::open(work_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return system_error(Category::internal, "opening " + work_dir.string(), errno);

    // O_NONBLOCK: opening a pipe without a writer would wait for one.
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (wanted.directory ? O_DIRECTORY : 0);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const auto opened = ::syscall(SYS_openat2, root.get(), relative.c_str(), &how, sizeof how);
    if (opened < 0) return open_failure(relative, errno);
    Fd file(static_cast<int>(opened));

    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return open_failure(relative, errno);
    if (wanted.directory) return file;
    if (!S_ISREG(facts.st_mode)) return refused(relative, "is not a regular file", "not_a_file");
    if (facts.st_nlink != 1) return refused(relative, "has a second name elsewhere", "linked");
    if (static_cast<std::uint64_t>(facts.st_size) > wanted.max_bytes)
        return refused(relative,
                       "is " + std::to_string(facts.st_size) + " bytes, the limit is " +
                           std::to_string(wanted.max_bytes),
                       "too_large");
    return file;
}

} // namespace reelgate
