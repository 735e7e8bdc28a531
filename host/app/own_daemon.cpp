#include "host/app/own_daemon.hpp"

#include "host/app/daemon_address.hpp"
#include "host/base/fd.hpp"
#include "host/base/file.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

extern char** environ;

namespace reelgate {
namespace {

namespace fs = std::filesystem;

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kLookEvery = std::chrono::milliseconds(10);
constexpr std::size_t kLastWords = 2000;

std::vector<std::string>
words_for(const Globals& globals, const fs::path& data_dir, const std::optional<fs::path>& config)
{
    std::vector<std::string> words{globals.program("reelgate").string(),
                                   "serve",
                                   "--listen",
                                   "127.0.0.1:0",
                                   "--data-dir",
                                   data_dir.string(),
                                   "--log-format",
                                   "text",
                                   "--drain",
                                   "0",
                                   "--end-with-stdin",
                                   "--trusted-keys",
                                   globals.trusted_keys.string()};
    if (config) {
        words.emplace_back("--config");
        words.push_back(config->string());
    }
    for (const fs::path& dir : globals.plugin_dirs) {
        words.emplace_back("--plugins-dir");
        words.push_back(dir.string());
    }
    if (globals.trust != TrustPolicy::pinned) {
        words.emplace_back("--trust");
        words.emplace_back(to_string(globals.trust));
    }
    return words;
}

Result<pid_t> spawn(std::vector<std::string> words, const Fd& in, const fs::path& log)
{
    std::error_code ignored; // opening it says why
    fs::create_directories(log.parent_path(), ignored);
    const Fd out(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!out) return system_error(Category::internal, "opening " + log.string(), errno);
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, in.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, out.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, out.get(), STDERR_FILENO);
    // A group of its own: Ctrl-C is for the command, which then asks the daemon to cancel.
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    pid_t pid = -1;
    const int failed =
        ::posix_spawn(&pid, words[0].c_str(), &files, &attributes, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
    if (failed != 0) return system_error(Category::internal, "starting " + words[0], failed);
    return pid;
}

Error ended(const fs::path& log)
{
    const auto text = read_file(log, std::size_t{64} << 20U);
    std::string last = text ? *text : "";
    if (last.size() > kLastWords) last = last.substr(last.size() - kLastWords);
    return {.category = Category::worker_unavailable,
            .text = "the daemon did not start: " + last,
            .code = "daemon_ended"};
}

} // namespace

Result<OwnDaemon> OwnDaemon::start(const Globals& globals,
                                   const fs::path& data_dir,
                                   const std::optional<fs::path>& config)
{
    const fs::path log = data_dir / "logs" / "daemon.log";
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(Category::internal, "a pipe", errno);
    const Fd in(ends[0]);
    Fd holds(ends[1]);
    RG_TRY(const pid_t pid, spawn(words_for(globals, data_dir, config), in, log));
    OwnDaemon daemon(pid, std::move(holds));
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto address = left_address(data_dir);
        if (address && address->pid == pid) return daemon;
        if (::waitpid(pid, nullptr, WNOHANG) == pid) {
            daemon.pid_ = -1;
            return ended(log);
        }
        std::this_thread::sleep_for(kLookEvery);
    }
    return ended(log);
}

OwnDaemon::OwnDaemon(OwnDaemon&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), holds_(std::move(other.holds_))
{
}

OwnDaemon::~OwnDaemon()
{
    if (pid_ < 0) return;
    ::kill(pid_, SIGTERM);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

} // namespace reelgate
