#include "host/media/cell.hpp"

#include "host/jail/landlock.hpp"
#include "host/jail/privileges.hpp"
#include "host/jail/seccomp.hpp"

#include <sys/syscall.h>

#include <array>
#include <system_error>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// All that reading a file, making another, and answering take; memory and the end of a process.
constexpr std::array kCalls
{
    // files: which of them is Landlock's to say
    SYS_openat, SYS_close, SYS_read, SYS_readv, SYS_pread64, SYS_write, SYS_writev, SYS_pwrite64,
        SYS_lseek, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_getdents64, SYS_fcntl, SYS_ftruncate,
#if defined(SYS_open)
        SYS_open, SYS_stat, SYS_lstat, SYS_access,
#endif
        // memory
        SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_futex,
        SYS_getrandom,
        // the time, and itself
        SYS_clock_gettime, SYS_gettimeofday, SYS_sched_getaffinity, SYS_sched_yield, SYS_getpid,
        SYS_gettid, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall,
        SYS_exit, SYS_exit_group,
};

std::vector<Grant> grants_for(const Cell& cell)
{
    std::vector<Grant> grants;
    std::error_code unknown; // then opening it says why
    // What a link leads to is granted to nobody: it is not opened either.
    if (!fs::is_symlink(cell.input, unknown)) grants.push_back({cell.input, Reach::look});
    if (cell.output) grants.push_back({*cell.output, Reach::write, true});
    if (kSanitized) grants.push_back({"/", Reach::look}); // reports look up names and maps
    return grants;
}

} // namespace

std::vector<JailMeasure> enter_cell(const Cell& cell)
{
    std::vector<JailMeasure> measures;
    measures.push_back(no_new_privileges());
    measures.push_back(die_first());
    measures.push_back(restrict_files(grants_for(cell)));
    measures.push_back(no_capabilities());
    measures.push_back(refuse_network());
    measures.push_back(allow_only(kCalls));
    return measures;
}

} // namespace reelgate
