// A worker that was spawned and cannot be watched is ended, taken and told of.
// What the kernel refuses here it refuses to a process of its own, by a filter
// on its system calls.
#include "host/plugin/child_process.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace reelgate {
namespace {

const char* const kProgram = "/bin/cat";

LaunchOrder order_of()
{
    LaunchOrder order;
    order.plugin_dir = "/";
    order.data_dir = "/";
    return order;
}

bool refuse(std::uint32_t call, std::uint32_t error)
{
    std::array<sock_filter, 4> program{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog filter{.len = program.size(), .filter = program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

bool has_no_children() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

enum Outcome : int { kNoFilter = 1, kNoError, kOtherError, kLeftBehind, kAsItShould };

class Deaf final : public ChildEvents {
public:
    void on_frame(const Json& /*frame*/) override {}
    void on_last_words(const Crash& /*crash*/) override {}
    void on_wire_broken(const Error& /*why*/) override {}
    void on_exit(const ExitFacts& /*facts*/) override {}
};

template <class Value>
Outcome judged(const Result<Value>& spawned, const std::string& text)
{
    if (spawned) return kNoError;
    const Error& why = spawned.error();
    if (why.category != Category::worker_unavailable) return kOtherError;
    if (why.text.find(text) == std::string::npos) return kOtherError;
    return has_no_children() ? kAsItShould : kLeftBehind;
}

Outcome without_pidfd()
{
    if (!refuse(SYS_pidfd_open, EMFILE)) return kNoFilter;
    return judged(spawn_worker(kProgram, order_of(), {}), "watching /bin/cat");
}

Outcome without_epoll()
{
    asio::io_context loop;
    WorkerOutput output;
    Deaf deaf;
    if (!refuse(SYS_epoll_ctl, ENOSPC)) return kNoFilter;
    return judged(ChildProcess::start(loop.get_executor(), kProgram, order_of(), {}, output, deaf),
                  "listening to /bin/cat");
}

int exit_status_of(Outcome (*play)())
{
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(play());
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Spawn, WithoutADescriptorForItsEndAWorkerIsEndedAndTaken)
{
    EXPECT_EQ(exit_status_of(without_pidfd), kAsItShould);
}

TEST(Spawn, WithoutRoomInTheLoopAWorkerIsEndedAndTaken)
{
    EXPECT_EQ(exit_status_of(without_epoll), kAsItShould);
}

} // namespace
} // namespace reelgate
