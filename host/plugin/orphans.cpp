#include "host/plugin/orphans.hpp"

#include "host/plugin/spawn.hpp"

#include <boost/asio/steady_timer.hpp>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace reelgate {
namespace {

// The environment that we make is short; one that a plugin made longer is searched this far.
constexpr std::size_t kEnvironment = 128 * 1024;

// Something that forks while it is ended may need another round; more than this is an attack.
constexpr int kRounds = 8;

using Closer = int (*)(DIR*);

// The number of a process, or nothing for the other names in /proc.
std::optional<pid_t> pid_from(const char* name)
{
    const std::string_view digits(name);
    pid_t pid = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
    if (failed != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return pid;
}

// /proc, and one buffer for all that is read there.
class Processes {
public:
    Processes() : proc_(::opendir("/proc"), ::closedir), buffer_(kEnvironment, '\0') {}

    // Calls `look` with each number; the numbers are stale the moment they are seen.
    template <class Look>
    void each(Look look)
    {
        if (!proc_) return;
        ::rewinddir(proc_.get());
        // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this object's own
        while (const dirent* entry = ::readdir(proc_.get()))
            if (const auto pid = pid_from(entry->d_name)) look(*pid);
    }

    // "a=1\0b=2\0", valid until the next call; empty for a kernel thread, a dead one and one of
    // somebody else's.
    std::string_view environment(pid_t pid) { return read(pid, "environ"); }

    struct Facts {
        char state = '?';
        pid_t parent = -1;
        pid_t group = -1;
        pid_t session = -1;
        std::uint64_t started = 0; // in ticks since boot
    };
    std::optional<Facts> facts(pid_t pid);

private:
    std::string_view read(pid_t pid, const char* what)
    {
        if (!proc_) return {};
        std::array<char, 40> path{};
        char* end = std::to_chars(path.data(), path.data() + 16, pid).ptr;
        *end++ = '/';
        std::string_view(what).copy(end, 16);
        const Fd file(::openat(::dirfd(proc_.get()), path.data(), O_RDONLY | O_CLOEXEC));
        if (!file) return {};
        // These files come whole in one read, as far as the buffer goes.
        const ssize_t got = ::read(file.get(), buffer_.data(), buffer_.size());
        return {buffer_.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    }

    std::unique_ptr<DIR, Closer> proc_;
    std::string buffer_;
};

std::vector<std::string_view> words_of(std::string_view text)
{
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

template <class Number>
Number number_in(std::string_view digits)
{
    Number number{};
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

// proc(5): after the name, which may hold anything, come the state and the numbers from field 4 on.
std::optional<Processes::Facts> Processes::facts(pid_t pid)
{
    const std::string_view text = read(pid, "stat");
    const std::size_t name_ends = text.rfind(')');
    if (name_ends == std::string_view::npos) return std::nullopt;
    const auto words = words_of(text.substr(std::min(name_ends + 2, text.size())));
    constexpr std::size_t kStarted = 19;
    if (words.size() <= kStarted || words[0].empty()) return std::nullopt;
    return Facts{.state = words[0][0],
                 .parent = number_in<pid_t>(words[1]),
                 .group = number_in<pid_t>(words[2]),
                 .session = number_in<pid_t>(words[3]),
                 .started = number_in<std::uint64_t>(words[kStarted])};
}

std::optional<std::string_view> variable(std::string_view environment, std::string_view name)
{
    while (!environment.empty()) {
        const std::string_view line = environment.substr(0, environment.find('\0'));
        if (line.size() > name.size() && line[name.size()] == '=' && line.starts_with(name))
            return line.substr(name.size() + 1);
        environment.remove_prefix(std::min(line.size() + 1, environment.size()));
    }
    return std::nullopt;
}

// Dead children of ours that we did not start: our own have our session, and are in our process
// group or lead one. One that leads a group in our session cannot be told from a worker and stays
// for init.
void reap_inherited(Processes& processes, pid_t pid)
{
    // Answers at once for what is no child of ours, which nearly all are.
    siginfo_t dead{};
    if (::waitid(P_PID, static_cast<id_t>(pid), &dead, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        dead.si_pid != pid)
        return;
    const auto facts = processes.facts(pid);
    if (!facts) return;
    const bool ours =
        facts->session == ::getsid(0) && (facts->group == pid || facts->group == ::getpgrp());
    if (!ours) ::waitpid(pid, nullptr, WNOHANG);
}

// `belongs` judges an environment. Between the two looks the number cannot change hands unnoticed:
// the pidfd is of the first holder, and a signal to it after its death reaches nobody.
template <class Belongs>
std::vector<Ended> kill_all(Processes& processes, Belongs belongs)
{
    std::vector<Ended> ended;
    processes.each([&](pid_t pid) {
        const std::string_view environment = processes.environment(pid);
        if (environment.empty()) return reap_inherited(processes, pid);
        if (pid == ::getpid() || !belongs(pid, environment)) return;
        Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        if (!pidfd || !belongs(pid, processes.environment(pid))) return;
        if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) == 0)
            ended.push_back({pid, std::move(pidfd)});
    });
    return ended;
}

// A daemon that is gone may have left its number to somebody who started later than its workers.
bool parent_lives(Processes& processes, pid_t parent, pid_t child)
{
    const auto theirs = processes.facts(parent);
    const auto own = processes.facts(child);
    return theirs && own && theirs->state != 'Z' && theirs->started <= own->started;
}

void reap(const Ended& ended)
{
    siginfo_t ignored{};
    // Not our child: whoever is its parent reaps it.
    ::waitid(P_PIDFD, static_cast<id_t>(ended.pidfd.get()), &ignored, WEXITED | WNOHANG);
}

} // namespace

bool adopt_orphans() { return ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0; }

std::string new_worker_mark(const std::string& provider)
{
    static std::atomic<unsigned> number{0};
    return provider + '/' + std::to_string(++number);
}

std::vector<Ended> kill_marked(const std::string& mark)
{
    Processes processes;
    const std::string parent = std::to_string(::getpid());
    return kill_all(processes, [&](pid_t, std::string_view environment) {
        return variable(environment, kWorkerMark) == mark &&
               variable(environment, kParentMark) == parent;
    });
}

std::vector<Ended> kill_leftovers(const std::filesystem::path& data_dir)
{
    Processes processes;
    Processes parents; // a buffer of its own
    std::string within = std::filesystem::absolute(data_dir).lexically_normal().string();
    if (!within.ends_with('/')) within += '/';
    return kill_all(processes, [&](pid_t pid, std::string_view environment) {
        const auto data = variable(environment, kDataMark);
        const auto parent = variable(environment, kParentMark);
        if (!data || !parent || !(std::string(*data) + '/').starts_with(within)) return false;
        return !parent_lives(parents, number_in<pid_t>(*parent), pid);
    });
}

std::size_t await_end(const std::vector<Ended>& ended, std::chrono::milliseconds patience)
{
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::size_t there = 0;
    for (const Ended& one : ended) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd wait{.fd = one.pidfd.get(), .events = POLLIN, .revents = 0};
        const int most = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
        int seen = ::poll(&wait, 1, most);
        while (seen < 0 && errno == EINTR)
            seen = ::poll(&wait, 1, most);
        if (seen > 0)
            reap(one);
        else
            ++there;
    }
    return there;
}

asio::awaitable<std::size_t> end_orphans(std::string mark, std::chrono::milliseconds patience)
{
    constexpr auto kStep = std::chrono::milliseconds(2);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    asio::steady_timer pause(co_await asio::this_coro::executor);
    std::size_t count = 0;
    for (int round = 0; round < kRounds; ++round) {
        const std::vector<Ended> ended = kill_marked(mark);
        if (ended.empty()) break;
        count += ended.size();
        while (await_end(ended, std::chrono::milliseconds(0)) > 0) {
            if (std::chrono::steady_clock::now() >= deadline) co_return count;
            pause.expires_after(kStep);
            co_await pause.async_wait(asio::use_awaitable);
        }
    }
    co_return count;
}

} // namespace reelgate
