// reelgate-watched: becomes reelgate-worker, after it has made the kernel ask `reelgate plugin
// check` about every call that connects or sends. Started by NetworkWatch and by nobody else.
#include "host/base/fd.hpp"
#include "sdk/conformance/watched.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <future>
#include <iostream>
#include <string>
#include <thread>

namespace {

using reelgate::Fd;

constexpr int kBadStart = 64; // EX_USAGE

#if defined(__x86_64__)
constexpr std::uint32_t kOurs = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kOurs = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kOurs = 0; // refuses every call: nobody is watched by mistake
#endif

constexpr std::uint32_t load(std::size_t offset) { return static_cast<std::uint32_t>(offset); }

// What is not of our architecture, and io_uring, would go past the filter: both are refused.
constexpr std::array kFilter{
    sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, load(offsetof(seccomp_data, arch))),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kOurs, 1, 0),
    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, load(offsetof(seccomp_data, nr))),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 6, 0), // the x32 ABI
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 5, 0),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 5, 0),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 4, 0),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 3, 0),
    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmmsg, 2, 0),
    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
};

Fd door_at(const std::string& path)
{
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    Fd door(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(door.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
        door.reset();
    return door;
}

// Hands over `listener`, or why there is none.
bool hand_in(const Fd& door, const Fd& listener, int error)
{
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec text{.iov_base = &error, .iov_len = sizeof error};
    msghdr message{};
    message.msg_iov = &text;
    message.msg_iovlen = 1;
    if (listener) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        const int fd = listener.get();
        std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    return ::sendmsg(door.get(), &message, MSG_NOSIGNAL) == sizeof error;
}

// The filter holds for the thread that asks for it. So that the listener can be sent at all, a
// thread from before sends it: our own sendmsg() would wait for who has not got it yet.
bool be_watched(const Fd& door)
{
    struct Outcome {
        Fd listener;
        int error = 0;
    };
    std::promise<Outcome> known;
    bool sent = false;
    std::thread messenger([&door, &sent, outcome = known.get_future()]() mutable {
        const Outcome given = outcome.get();
        sent = hand_in(door, given.listener, given.error);
    });
    const sock_fprog program{.len = kFilter.size(),
                             .filter = const_cast<sock_filter*>(kFilter.data())};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    Fd listener(static_cast<int>(::syscall(
        SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program)));
    const int error = listener ? 0 : errno;
    known.set_value({std::move(listener), error});
    messenger.join();
    return sent;
}

} // namespace

int main(int /*argc*/, char** argv)
{
    const char* path =
        std::getenv(reelgate::conformance::kWatchVariable); // NOLINT(concurrency-mt-unsafe)
    const Fd door = path == nullptr ? Fd() : door_at(path);
    if (!door || !be_watched(door)) {
        std::cerr << "reelgate-watched is started by reelgate plugin check, not by hand.\n";
        return kBadStart;
    }
    ::unsetenv(reelgate::conformance::kWatchVariable); // NOLINT(concurrency-mt-unsafe)
    const std::filesystem::path worker =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "reelgate-worker";
    ::execv(worker.c_str(), argv);
    std::cerr << "cannot start " << worker << ": "
              << std::strerror(errno) // NOLINT(concurrency-mt-unsafe)
              << '\n';
    return kBadStart;
}
