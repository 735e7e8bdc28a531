#include "host/jail/seccomp.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <vector>

namespace reelgate {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kOurs = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kOurs = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kOurs = 0; // no filter for it
#endif

constexpr std::array kDangerous
{
    // other processes
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp,
        // what is mounted where
        SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_tree, SYS_move_mount,
        SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_setns,
        SYS_open_by_handle_at,
        // the kernel itself
        SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_bpf,
        SYS_perf_event_open, SYS_syslog,
#if defined(SYS_kexec_file_load)
        SYS_kexec_file_load,
#endif
        // keys
        SYS_keyctl, SYS_add_key, SYS_request_key,
        // the machine
        SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_settimeofday,
        SYS_clock_settime, SYS_sethostname, SYS_setdomainname,
#if defined(__x86_64__)
        SYS_iopl, SYS_ioperm,
#endif
};

constexpr std::uint32_t kX32 =
    0x40000000; // calls of the x32 ABI carry this bit and our architecture

using Program = std::vector<sock_filter>;

sock_filter load(std::size_t offset)
{
    return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

sock_filter answer(std::uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }

sock_filter fail_with(int error)
{
    return answer(SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(error) & SECCOMP_RET_DATA));
}

// Goes on with the next instruction if the value is `value`, else skips one.
sock_filter only_if(std::uint32_t value)
{
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
}
sock_filter only_unless(std::uint32_t value)
{
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
}

// What every filter begins with: numbers mean something in one architecture only.
Program of_our_architecture()
{
    Program program{load(offsetof(seccomp_data, arch)),
                    only_unless(kOurs),
                    fail_with(EPERM),
                    load(offsetof(seccomp_data, nr))};
#if defined(__x86_64__)
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32, 0, 1));
    program.push_back(fail_with(EPERM));
#endif
    return program;
}

JailMeasure install(std::string what, std::string detail, Program program)
{
    JailMeasure measure{.what = std::move(what), .applied = false, .detail = std::move(detail)};
    const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                            .filter = program.data()};
    measure.applied = ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
    if (!measure.applied)
        measure.detail = "off: " + std::error_code(errno, std::generic_category()).message();
    return measure;
}

} // namespace

JailMeasure refuse_dangerous_calls()
{
    constexpr std::string_view kWhat = "system_calls";
    if (kOurs == 0) return {std::string(kWhat), false, "off: no filter for this architecture"};
    if (kSanitized) return {std::string(kWhat), false, "off: the sanitizer traces its own process"};
    Program program = of_our_architecture();
    for (const int number : dangerous_calls()) {
        program.push_back(only_if(static_cast<std::uint32_t>(number)));
        program.push_back(fail_with(EPERM));
    }
    program.push_back(answer(SECCOMP_RET_ALLOW));
    return install(std::string(kWhat),
                   std::to_string(dangerous_calls().size()) + " refused",
                   std::move(program));
}

JailMeasure refuse_network()
{
    if (kOurs == 0) return {"network", false, "off: no filter for this architecture"};
    // The low half of the argument; the kernel looks at no more of it.
    constexpr std::size_t kDomain =
        offsetof(seccomp_data, args) + (std::endian::native == std::endian::big ? 4 : 0);
    Program program = of_our_architecture();
    program.push_back(only_if(SYS_io_uring_setup));
    program.push_back(fail_with(EPERM));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0));
    program.push_back(answer(SECCOMP_RET_ALLOW));
    program.push_back(load(kDomain));
    program.push_back(only_unless(AF_UNIX));
    program.push_back(fail_with(EACCES));
    program.push_back(answer(SECCOMP_RET_ALLOW));
    return install("network", "local sockets only", std::move(program));
}

JailMeasure allow_only(std::span<const int> numbers)
{
    constexpr std::string_view kWhat = "allowed_calls";
    if (kOurs == 0) return {std::string(kWhat), false, "off: no filter for this architecture"};
    if (kSanitized) return {std::string(kWhat), false, "off: the sanitizer has calls of its own"};
    constexpr std::size_t kFirst =
        offsetof(seccomp_data, args) + (std::endian::native == std::endian::big ? 4 : 0);
    Program program = of_our_architecture();
    for (const int number : numbers) {
        program.push_back(only_if(static_cast<std::uint32_t>(number)));
        program.push_back(answer(SECCOMP_RET_ALLOW));
    }
    // How a process ends itself, and nobody else.
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 3));
    program.push_back(load(kFirst));
    program.push_back(only_if(static_cast<std::uint32_t>(::getpid())));
    program.push_back(answer(SECCOMP_RET_ALLOW));
    program.push_back(fail_with(EPERM));
    return install(std::string(kWhat), std::to_string(numbers.size()), std::move(program));
}

std::span<const int> dangerous_calls() { return kDangerous; }

} // namespace reelgate
