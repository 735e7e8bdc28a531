#include "host/jail/landlock.hpp"

#include "host/base/fd.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace reelgate {
namespace {

using Rights = std::uint64_t;

// Newer than the headers of Debian 12; the numbers are the kernel's for good.
constexpr Rights kTruncate = 1U << 14U;
constexpr Rights kControlDevice = 1U << 15U;
constexpr std::uint64_t kScopeAbstractSocket = 1U << 0U;
constexpr std::uint64_t kScopeSignal = 1U << 1U;

// The kernel takes a longer one than it knows as long as the rest is zero.
struct Ruleset {
    Rights files = 0;
    std::uint64_t network = 0;
    std::uint64_t scoped = 0;
};

constexpr Rights kList = LANDLOCK_ACCESS_FS_READ_DIR;
constexpr Rights kReadFile = kList | LANDLOCK_ACCESS_FS_READ_FILE;
constexpr Rights kRun = LANDLOCK_ACCESS_FS_EXECUTE;
constexpr Rights kChange = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                           LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                           LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                           LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |
                           LANDLOCK_ACCESS_FS_REFER | kTruncate;
constexpr Rights kNobody = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;

// The only ones that mean something for what is no directory; the kernel refuses the others there.
constexpr Rights kOfAFile = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                            LANDLOCK_ACCESS_FS_READ_FILE | kTruncate | kControlDevice;

Rights rights_of(Reach reach)
{
    switch (reach) {
    case Reach::list:
        return kList;
    case Reach::look:
        return kReadFile;
    case Reach::read:
        return kReadFile | kRun;
    case Reach::write:
        return kReadFile | kChange;
    case Reach::write_run:
        return kReadFile | kChange | kRun;
    case Reach::device:
        return kReadFile | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kControlDevice;
    }
    return 0;
}

Ruleset ruleset_for(int version)
{
    Ruleset ruleset{.files = kReadFile | kRun | kChange | kNobody | kControlDevice};
    if (version < 5) ruleset.files &= ~kControlDevice;
    if (version < 3) ruleset.files &= ~kTruncate;
    if (version < 2) ruleset.files &= ~Rights{LANDLOCK_ACCESS_FS_REFER};
    if (version >= 6) ruleset.scoped = kScopeAbstractSocket | kScopeSignal;
    return ruleset;
}

// False when there is no such path, or the kernel takes no rule for it.
bool allow(const Fd& ruleset, Rights handled, const Grant& grant)
{
    const Fd place(::open(grant.path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!place || ::fstat(place.get(), &status) != 0) return false;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = rights_of(grant.reach) & handled;
    if (!S_ISDIR(status.st_mode)) rule.allowed_access &= kOfAFile;
    rule.parent_fd = place.get();
    return ::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ==
           0;
}

JailMeasure off(std::string detail)
{
    return {.what = "landlock", .applied = false, .detail = std::move(detail)};
}

std::string last_error() { return std::error_code(errno, std::generic_category()).message(); }

} // namespace

int landlock_version()
{
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : static_cast<int>(version);
}

JailMeasure restrict_files(const std::vector<Grant>& grants)
{
    const int version = landlock_version();
    if (version == 0) return off("off: this kernel has no Landlock: " + last_error());
    const Ruleset wanted = ruleset_for(version);
    const Fd ruleset(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &wanted, sizeof wanted, 0)));
    if (!ruleset) return off("off: no ruleset: " + last_error());
    std::string missing;
    for (const Grant& grant : grants)
        if (!allow(ruleset, wanted.files, grant) && grant.must_exist)
            missing += (missing.empty() ? ", not there: " : " ") + grant.path.string();
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
        return off("off: refused: " + last_error());
    return {.what = "landlock",
            .applied = true,
            .detail = "version " + std::to_string(version) + missing};
}

} // namespace reelgate
