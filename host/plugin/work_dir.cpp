#include "host/plugin/work_dir.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

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

Error cannot_keep(const std::filesystem::path& copy, int error_number)
{
    return system_error(Category::storage_full, "writing " + copy.string(), error_number)
        .in_phase(Phase::store);
}

// At most `size` bytes: who wrote the file may still append to it. Some file systems share the
// bytes instead of copying them; between others the kernel does not copy at all.
Result<Done> copy_bytes(int from, int into, std::uint64_t size, const std::filesystem::path& copy)
{
    constexpr std::uint64_t kAtOnce = std::uint64_t{1} << 30U;
    std::vector<char> block; // empty: the kernel copies
    off_t at = 0;
    while (static_cast<std::uint64_t>(at) < size) {
        const std::uint64_t left = size - static_cast<std::uint64_t>(at);
        off_t read_at = at;
        off_t write_at = at;
        ssize_t got = 0;
        if (block.empty()) {
            got = ::copy_file_range(from, &read_at, into, &write_at, std::min(left, kAtOnce), 0);
            if (got < 0 && errno != EINTR) block.resize(std::size_t{1} << 18U);
        } else {
            got = ::pread(from, block.data(), std::min<std::uint64_t>(left, block.size()), at);
            if (got > 0) got = ::pwrite(into, block.data(), static_cast<std::size_t>(got), at);
            if (got < 0 && errno != EINTR) return cannot_keep(copy, errno);
        }
        if (got == 0) return Done{}; // it has become shorter
        if (got > 0) at += got;
    }
    return Done{};
}

struct CloseDirectory {
    void operator()(DIR* it) const { ::closedir(it); }
};

// "frame_0012.png" and "frame_12.png" are the twelfth, whatever else is in the name. Digits as
// text, without zeros in front: as many as the name holds.
std::string number_in(const std::string& name)
{
    const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
    const std::string stem = std::filesystem::path(name).stem().string();
    const auto last = std::find_if(stem.rbegin(), stem.rend(), is_digit);
    const auto first = std::find_if_not(last, stem.rend(), is_digit);
    std::string digits(first.base(), last.base());
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    return digits;
}

bool comes_before(const std::string& one, const std::string& other)
{
    const std::string a = number_in(one);
    const std::string b = number_in(other);
    if (a.size() != b.size()) return a.size() < b.size();
    return a != b ? a < b : one < other;
}

Result<std::vector<std::string>>
names_in(Fd directory, std::string_view relative, std::size_t max_files)
{
    const std::unique_ptr<DIR, CloseDirectory> open(::fdopendir(directory.get()));
    if (!open) return open_failure(relative, errno);
    static_cast<void>(directory.release()); // closed with `open`
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(open.get())) {
        if (entry->d_name[0] == '.') continue;
        if (names.size() == max_files)
            return refused(
                relative, "holds more than " + std::to_string(max_files) + " files", "too_many");
        names.emplace_back(entry->d_name);
    }
    std::sort(names.begin(), names.end(), comes_before);
    return names;
}

} // namespace

Result<Fd> open_in_work_dir(const std::filesystem::path& work_dir, const BoundedPath& wanted)
{
    const std::string relative(wanted.relative);
    if (relative.empty() || relative.front() == '/' || relative.find('\0') != std::string::npos)
        return refused(relative, "is not a relative path", "path_escapes");

    const Fd root(::open(work_dir.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!root && errno == ENOTDIR) return open_failure(relative, ELOOP); // a link stands there
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

Result<Done> copy_from_work_dir(const std::filesystem::path& work_dir,
                                const BoundedPath& wanted,
                                const std::filesystem::path& copy)
{
    RG_TRY(const Fd file, open_in_work_dir(work_dir, wanted));
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return open_failure(wanted.relative, errno);
    std::error_code failed;
    std::filesystem::create_directories(copy.parent_path(), failed);
    if (failed) return cannot_keep(copy, failed.value());
    ::unlink(copy.c_str()); // of an attempt that was cut short
    const Fd into(::open(copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!into) return cannot_keep(copy, errno);
    return copy_bytes(file.get(), into.get(), static_cast<std::uint64_t>(facts.st_size), copy);
}

Result<Done> copy_pictures_from_work_dir(const std::filesystem::path& work_dir,
                                         std::string_view relative,
                                         const std::filesystem::path& copy,
                                         std::size_t max_files)
{
    RG_TRY(Fd directory, open_in_work_dir(work_dir, {.relative = relative, .directory = true}));
    RG_TRY(const std::vector<std::string> names,
           names_in(std::move(directory), relative, max_files));
    std::error_code failed;
    std::filesystem::remove_all(copy, failed); // of an attempt that was cut short
    constexpr std::size_t kNumberLength = 8;
    std::uint64_t left = kMaxArtifactBytes;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string from = std::string(relative) + '/' + names[i];
        std::string number = std::to_string(i);
        number.insert(0, kNumberLength - std::min(kNumberLength, number.size()), '0');
        RG_CHECK(
            copy_from_work_dir(work_dir, {.relative = from, .max_bytes = left}, copy / number));
        left -= std::min<std::uint64_t>(left, std::filesystem::file_size(copy / number, failed));
    }
    if (names.empty()) return refused(relative, "holds no picture", "path_missing");
    return Done{};
}

} // namespace reelgate
