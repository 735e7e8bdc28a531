#include "host/jail/privileges.hpp"

#include "host/base/fd.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace reelgate {
namespace {

JailMeasure measured(std::string what, bool applied, std::string detail)
{
    if (!applied) detail += ": " + std::error_code(errno, std::generic_category()).message();
    return {.what = std::move(what), .applied = applied, .detail = std::move(detail)};
}

} // namespace

JailMeasure no_new_privileges()
{
    return measured(
        "privileges", ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "none beyond its own");
}

JailMeasure no_capabilities()
{
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    return measured("capabilities", ::syscall(SYS_capset, &header, none.data()) == 0, "none");
}

JailMeasure die_first()
{
    constexpr std::string_view kScore = "500";
    const Fd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    const bool applied =
        file && ::write(file.get(), kScore.data(), kScore.size()) == ssize_t{kScore.size()};
    return measured("oom_score", applied, "500");
}

} // namespace reelgate
