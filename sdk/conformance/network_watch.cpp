#include "sdk/conformance/network_watch.hpp"

#include "sdk/conformance/watched.hpp"

#include <arpa/inet.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace reelgate::conformance {
namespace {

constexpr std::uint16_t kNames = 53; // the port of name servers

std::string why_not(const char* what, int error)
{
    return std::string(what) + ": " + std::error_code(error, std::generic_category()).message();
}

// The process of a thread.
pid_t process_of(pid_t thread)
{
    std::ifstream status("/proc/" + std::to_string(thread) + "/status");
    for (std::string word; status >> word;)
        if (pid_t pid = 0; word == "Tgid:" && status >> pid) return pid;
    return thread;
}

template <class T>
bool read_theirs(pid_t pid, std::uint64_t address, T& into, std::size_t size = sizeof(T))
{
    const iovec here{.iov_base = &into, .iov_len = size};
    const iovec there{.iov_base = reinterpret_cast<void*>(address), .iov_len = size};
    return ::process_vm_readv(pid, &here, 1, &there, 1, 0) == static_cast<ssize_t>(size);
}

int option_of(const Fd& socket, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(socket.get(), SOL_SOCKET, option, &value, &size);
    return value;
}

// An address of the internet, or nothing that we could name.
struct Peer {
    sockaddr_storage address{};

    std::uint16_t port() const
    {
        // The port stands at the same place in both.
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        return ntohs(v4.sin_port);
    }
    std::string text() const
    {
        std::array<char, INET6_ADDRSTRLEN> host{};
        const bool v6 = address.ss_family == AF_INET6;
        const auto* bytes =
            reinterpret_cast<const char*>(&address) +
            (v6 ? offsetof(sockaddr_in6, sin6_addr) : offsetof(sockaddr_in, sin_addr));
        if (::inet_ntop(address.ss_family, bytes, host.data(), host.size()) == nullptr)
            return "an address unknown";
        return (v6 ? '[' + std::string(host.data()) + ']' : std::string(host.data())) + ':' +
               std::to_string(port());
    }
};

Peer named_by(pid_t pid, std::uint64_t address, std::uint64_t size)
{
    Peer peer;
    if (address != 0 && size >= sizeof(sa_family_t) && size <= sizeof peer.address)
        read_theirs(pid, address, peer.address, size);
    return peer;
}

Peer connected_to(const Fd& socket)
{
    Peer peer;
    socklen_t size = sizeof peer.address;
    ::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&peer.address), &size);
    return peer;
}

// The address of the first message, and where it names none, that of the connection.
Peer receiver_of(const seccomp_data& call, pid_t pid, const Fd& socket)
{
    Peer peer;
    if (call.nr == SYS_connect) return named_by(pid, call.args[1], call.args[2]);
    if (call.nr == SYS_sendto) peer = named_by(pid, call.args[4], call.args[5]);
    msghdr message{}; // sendmmsg's begins with one
    if (call.nr != SYS_sendto && read_theirs(pid, call.args[1], message))
        peer =
            named_by(pid, reinterpret_cast<std::uintptr_t>(message.msg_name), message.msg_namelen);
    return peer.address.ss_family == AF_UNSPEC ? connected_to(socket) : peer;
}

// The descriptor in a message of reelgate-watched, or the errno that it got instead.
Fd handed_in(int connection, int& error)
{
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec text{.iov_base = &error, .iov_len = sizeof error};
    msghdr message{};
    message.msg_iov = &text;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    error = ECONNRESET;
    if (::recvmsg(connection, &message, MSG_CMSG_CLOEXEC) != sizeof error) return {};
    const cmsghdr* head = CMSG_FIRSTHDR(&message);
    if (head == nullptr || head->cmsg_type != SCM_RIGHTS) return {};
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return Fd(fd);
}

} // namespace

// A call that waits for our word.
struct NetworkWatch::Call {
    int listener;
    seccomp_notif asked;
};

NetworkWatch::NetworkWatch(const std::filesystem::path& dir)
    : path_(dir / "watch"), door_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      ending_(::eventfd(0, EFD_CLOEXEC))
{
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path_.string().copy(name.sun_path, sizeof name.sun_path - 1);
    errno = ENAMETOOLONG;
    const bool bound =
        path_.string().size() < sizeof name.sun_path &&
        ::bind(door_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 &&
        ::listen(door_.get(), 4) == 0;
    if (!bound) {
        go_blind(why_not("a socket for it", errno));
        door_.reset();
    }
    thread_ = std::thread([this] { serve(); });
}

NetworkWatch::~NetworkWatch()
{
    const std::uint64_t one = 1;
    if (::write(ending_.get(), &one, sizeof one) == sizeof one) thread_.join();
}

std::filesystem::path NetworkWatch::program(const std::filesystem::path& programs)
{
    return programs / "reelgate-watched";
}

Environment NetworkWatch::environment() const
{
    return {
        {kWatchVariable, path_.string()}
    };
}

void NetworkWatch::allow() { allowed_ = true; }

std::vector<std::string> NetworkWatch::noted() const
{
    const std::lock_guard lock(mutex_);
    return noted_;
}

std::optional<std::string> NetworkWatch::blind() const
{
    const std::lock_guard lock(mutex_);
    return blind_;
}

void NetworkWatch::go_blind(const std::string& why)
{
    const std::lock_guard lock(mutex_);
    if (!blind_) blind_ = why;
}

void NetworkWatch::serve()
{
    std::vector<Fd> listeners;
    while (true) {
        std::vector<pollfd> waiting{
            {.fd = ending_.get(), .events = POLLIN, .revents = 0},
            {.fd = door_.get(),   .events = POLLIN, .revents = 0}
        };
        for (const Fd& listener : listeners)
            waiting.push_back({.fd = listener.get(), .events = POLLIN, .revents = 0});
        if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR)
            return go_blind(why_not("waiting for its calls", errno));
        if ((waiting[0].revents & POLLIN) != 0) return;
        for (std::size_t i = listeners.size(); i-- > 0;) {
            const short happened = waiting[i + 2].revents;
            if ((happened & POLLIN) != 0)
                answer(listeners[i].get());
            else if (happened != 0) // all that it was about has ended
                listeners.erase(listeners.begin() + static_cast<std::ptrdiff_t>(i));
        }
        if ((waiting[1].revents & POLLIN) != 0) take_in_worker(listeners);
    }
}

void NetworkWatch::take_in_worker(std::vector<Fd>& listeners)
{
    const Fd connection(::accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    int error = 0;
    Fd listener = handed_in(connection.get(), error);
    if (!listener)
        return go_blind(why_not("the kernel refuses seccomp's user notification", error));
    listeners.push_back(std::move(listener));
}

void NetworkWatch::answer(int listener)
{
    Call call{.listener = listener, .asked = {}};
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call.asked) != 0) return; // it was killed
    seccomp_notif_resp word{};
    word.id = call.asked.id;
    word.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (!allowed_) {
        if (auto left = departure(call)) {
            word.flags = 0;
            word.error = -ENETUNREACH;
            const std::lock_guard lock(mutex_);
            noted_.push_back(*std::move(left));
        }
    }
    ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &word); // in vain where a signal came between
}

std::optional<std::string> NetworkWatch::departure(const Call& call)
{
    const seccomp_data& asked = call.asked.data;
    const pid_t pid = process_of(static_cast<pid_t>(call.asked.pid));
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const Fd socket(static_cast<int>(
        ::syscall(SYS_pidfd_getfd, process.get(), static_cast<int>(asked.args[0]), 0)));
    const int error = errno;
    // It may have ended meanwhile, and what we looked at belong to somebody else.
    if (::ioctl(call.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call.asked.id) != 0)
        return std::nullopt;
    if (!socket) {
        if (error != EBADF) go_blind(why_not("its sockets cannot be looked at", error));
        return std::nullopt;
    }
    const int domain = option_of(socket, SO_DOMAIN);
    const bool datagrams = option_of(socket, SO_TYPE) == SOCK_DGRAM;
    if (domain < 0 || domain == AF_UNIX || domain == AF_NETLINK) return std::nullopt;
    if (asked.nr == SYS_connect && datagrams) return std::nullopt; // only remembers the address
    const Peer peer = receiver_of(asked, pid, socket);
    if (peer.port() == kNames) return std::nullopt;
    return (asked.nr == SYS_connect ? "a connection to " : "bytes to ") + peer.text();
}

} // namespace reelgate::conformance
