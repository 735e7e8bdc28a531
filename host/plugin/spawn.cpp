#include "host/plugin/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace reelgate {
namespace {

constexpr int kWire = 3;
constexpr int kLastWords = 4;

// File actions run in order, and a dup2 onto 3 would destroy whatever of ours is 3: every end that
// the child shall have is first moved above all targets.
constexpr int kAboveTargets = 64;

// What a worker may know of our environment; secrets travel in frames only.
constexpr std::array kPassedOn{
    "PATH", "LANG", "LC_ALL", "TZ", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH"};

struct Ends {
    Fd ours;
    Fd theirs;
};

Result<Fd> moved_up(Fd low)
{
    Fd high(::fcntl(low.get(), F_DUPFD_CLOEXEC, kAboveTargets));
    if (!high) return system_error(Category::internal, "moving a descriptor", errno);
    return high;
}

Result<Ends> socket_pair()
{
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return system_error(Category::internal, "making a socket pair", errno);
    Fd ours(ends[0]);
    RG_TRY(Fd theirs, moved_up(Fd(ends[1])));
    return Ends{std::move(ours), std::move(theirs)};
}

Result<Ends> output_pipe()
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return system_error(Category::internal, "making a pipe", errno);
    Fd ours(ends[0]);
    RG_TRY(Fd theirs, moved_up(Fd(ends[1])));
    return Ends{std::move(ours), std::move(theirs)};
}

// posix_spawn's two objects, freed with their scope.
class SpawnSetup {
public:
    SpawnSetup()
    {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
    }
    ~SpawnSetup()
    {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;

    // Default signals, nothing blocked, a process group of its own.
    void clean_slate()
    {
        sigset_t all;
        ::sigfillset(&all);
        ::posix_spawnattr_setsigdefault(&attributes, &all);
        sigset_t none;
        ::sigemptyset(&none);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setpgroup(&attributes, 0);
        ::posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    }

    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
};

std::vector<std::string> environment_of(const LaunchOrder& order, const Environment& extra)
{
    std::vector<std::string> lines;
    for (const char* name : kPassedOn)
        if (const char* value = std::getenv(name)) // NOLINT(concurrency-mt-unsafe): nobody sets one
            lines.push_back(std::string(name) + '=' + value);
    lines.push_back("HOME=" + order.data_dir);
    // A compiled file beside its source would change what the plugin's directory hashes to.
    lines.emplace_back("PYTHONDONTWRITEBYTECODE=1");
    lines.push_back("REELGATE_FD=" + std::to_string(kWire));
    lines.push_back(std::string(kParentMark) + '=' + std::to_string(::getpid()));
    for (const auto& [name, value] : extra)
        lines.push_back(name + '=' + value);
    return lines;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts)
{
    std::vector<char*> pointers;
    for (std::string& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace

void kill_and_reap(pid_t pid)
{
    ::kill(-pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Result<SpawnedWorker> spawn_worker(const std::filesystem::path& program,
                                   const LaunchOrder& order,
                                   const Environment& extra)
{
    RG_TRY(Ends wire, socket_pair());
    RG_TRY(Ends words, socket_pair());
    RG_TRY(Ends output, output_pipe());

    SpawnSetup setup;
    setup.clean_slate();
    auto* actions = &setup.actions;
    ::posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(actions, output.theirs.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(actions, output.theirs.get(), STDERR_FILENO);
    ::posix_spawn_file_actions_adddup2(actions, wire.theirs.get(), kWire);
    ::posix_spawn_file_actions_adddup2(actions, words.theirs.get(), kLastWords);
    ::posix_spawn_file_actions_addclosefrom_np(actions, kLastWords + 1);

    std::vector<std::string> words_of_command{program.string(), to_text(order)};
    std::vector<std::string> environment = environment_of(order, extra);
    std::vector<char*> arguments = pointers_to(words_of_command);
    std::vector<char*> variables = pointers_to(environment);

    SpawnedWorker spawned;
    const int failed = ::posix_spawn(&spawned.pid,
                                     program.c_str(),
                                     actions,
                                     &setup.attributes,
                                     arguments.data(),
                                     variables.data());
    if (failed != 0)
        return system_error(Category::worker_unavailable, "starting " + program.string(), failed);
    spawned.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, spawned.pid, 0)));
    if (!spawned.pidfd) {
        const int error = errno;
        kill_and_reap(spawned.pid);
        return system_error(Category::worker_unavailable, "watching " + program.string(), error);
    }
    spawned.wire = std::move(wire.ours);
    spawned.last_words = std::move(words.ours);
    spawned.output = std::move(output.ours);
    return spawned;
}

} // namespace reelgate
