#include "host/media/media.hpp"

#include "host/base/fd.hpp"
#include "host/media/answer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cmath>
#include <csignal>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace reelgate {
namespace {

using SteadyClock = std::chrono::steady_clock;

// An answer has some 400 bytes.
constexpr std::size_t kMaxAnswer = std::size_t{64} << 10;

Error media_error(Category category, std::string text, std::string code)
{
    return {.category = category,
            .text = std::move(text),
            .code = std::move(code),
            .phase = Phase::verify};
}

Error unavailable(const MediaTool& tool, std::string_view doing, int error_number)
{
    Error error = system_error(
        Category::internal, std::string(doing) + " " + tool.program.string(), error_number);
    error.code = "media_unavailable";
    error.hint = "reelgate-media is installed beside reelgate; is it there and executable?";
    return std::move(error).in_phase(Phase::verify);
}

Error timed_out(std::chrono::milliseconds wall)
{
    return media_error(Category::output_invalid,
                       "reelgate-media was not done with the file after " +
                           std::to_string(wall.count()) + " ms",
                       "media_timeout");
}

// A running child. Whoever drops it has it killed and reaped, so none is left behind on any path.
class Child {
public:
    static Result<Child> start(const MediaTool& tool, std::vector<std::string> words);

    Child(Child&& other) noexcept
        : id_(std::exchange(other.id_, -1)), process_(std::move(other.process_)),
          output_(std::move(other.output_))
    {
    }
    Child& operator=(Child&&) = delete;
    ~Child()
    {
        if (id_ < 0) return;
        ::kill(id_, SIGKILL);
        int ignored = 0;
        wait_for(ignored);
    }

    int process() const { return process_.get(); } // a pidfd: readable when the child has ended
    int output() const { return output_.get(); }

    // How it ended, in the words of waitpid(). Waits.
    int reap()
    {
        int status = 0;
        wait_for(status);
        id_ = -1;
        return status;
    }

private:
    Child(pid_t id, Fd output) : id_(id), output_(std::move(output)) {}

    void wait_for(int& status) const
    {
        while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
        }
    }

    pid_t id_;
    Fd process_;
    Fd output_;
};

using Words = std::vector<std::string>;

// `operation` and what belongs to it, between the program and the limits.
Words arguments(const MediaTool& tool, Words operation, const MediaLimits& limits)
{
    // Time on the CPU never exceeds time on the wall in a program of one thread; the limit is for a
    // child whose daemon is gone.
    const auto cpu = std::chrono::ceil<std::chrono::seconds>(limits.wall).count() + 1;
    const std::array<std::pair<const char*, std::uint64_t>, 5> options{
        {{"--max-pixels", limits.file.max_pixels},
         {"--max-frames", limits.file.max_frames},
         {"--max-bytes", limits.file.max_bytes},
         {"--max-seconds", limits.file.max_seconds},
         {"--cpu-seconds", static_cast<std::uint64_t>(cpu)}}
    };
    Words words{tool.program.string(), std::move(operation.front())};
    for (const auto& [name, value] : options) {
        words.emplace_back(name);
        words.push_back(std::to_string(value));
    }
    words.insert(words.end(),
                 std::make_move_iterator(operation.begin() + 1),
                 std::make_move_iterator(operation.end()));
    return words;
}

// What the child gets instead of what the daemon has: no input, no environment (keys may stand
// there), no descriptor but the pipe, no blocked signal.
class SpawnPlan {
public:
    explicit SpawnPlan(int output)
    {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);

        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_init(&attributes_);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    ~SpawnPlan()
    {
        posix_spawnattr_destroy(&attributes_);
        posix_spawn_file_actions_destroy(&actions_);
    }

    const posix_spawn_file_actions_t* actions() const { return &actions_; }
    const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

Result<Child> Child::start(const MediaTool& tool, Words words)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return unavailable(tool, "making a pipe for", errno);
    Fd ours(ends[0]);
    const Fd theirs(ends[1]);

    const SpawnPlan plan(theirs.get());
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    std::array<char*, 1> no_environment{nullptr};
    pid_t id = -1;
    if (const int status = ::posix_spawn(&id,
                                         tool.program.c_str(),
                                         plan.actions(),
                                         plan.attributes(),
                                         argv.data(),
                                         no_environment.data());
        status != 0)
        return unavailable(tool, "starting", status);

    Child child(id, std::move(ours));
    child.process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, id, 0)));
    if (!child.process_) return unavailable(tool, "watching", errno);
    return child;
}

int milliseconds_until(SteadyClock::time_point end)
{
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - SteadyClock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

// What a call is about besides the child: until when, and who may end it before.
struct Patience {
    SteadyClock::time_point end;
    std::chrono::milliseconds wall;
    int stop;
};

enum class Readable : std::uint8_t { yes, interrupted, expired, stopped };

Readable wait_readable(int fd, const Patience& patience)
{
    std::array<pollfd, 2> entries{
        {{patience.stop, POLLIN, 0}, {fd, POLLIN, 0}}
    };
    const int ready = ::poll(entries.data(), entries.size(), milliseconds_until(patience.end));
    if (ready > 0) return entries[0].revents != 0 ? Readable::stopped : Readable::yes;
    if (ready < 0 || SteadyClock::now() < patience.end) return Readable::interrupted;
    return Readable::expired;
}

// Waits until there is something to read.
Result<Done> until_readable(int fd, const Patience& patience)
{
    for (;;) {
        switch (wait_readable(fd, patience)) {
        case Readable::yes:
            return Done{};
        case Readable::interrupted:
            break;
        case Readable::expired:
            return timed_out(patience.wall);
        case Readable::stopped:
            return media_stopped();
        }
    }
}

bool is_stopped(const MediaTool& tool)
{
    pollfd entry{tool.stop, POLLIN, 0};
    return ::poll(&entry, 1, 0) > 0;
}

// All that the child writes until it closes its end.
Result<std::string> read_answer(const Child& child, const Patience& patience)
{
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        RG_CHECK(until_readable(child.output(), patience));
        const ssize_t got = ::read(child.output(), part.data(), part.size());
        if (got == 0) return text;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error(Category::internal, "reading from reelgate-media", errno);
        text.append(part.data(), static_cast<std::size_t>(got));
        if (text.size() > kMaxAnswer)
            return media_error(Category::output_invalid,
                               "reelgate-media answered more than " + std::to_string(kMaxAnswer) +
                                   " bytes",
                               "media_bad_answer");
    }
}

// A child may close its output and stay; then it is killed like any other that takes too long.
Result<int> ending(Child& child, const Patience& patience)
{
    RG_CHECK(until_readable(child.process(), patience));
    return child.reap();
}

// What the child answers, if it ended well.
Result<std::string> ask(const MediaTool& tool, Words operation, const MediaLimits& limits)
{
    const Patience patience{SteadyClock::now() + limits.wall, limits.wall, tool.stop};
    if (is_stopped(tool)) return media_stopped();
    RG_TRY(Child child, Child::start(tool, arguments(tool, std::move(operation), limits)));
    RG_TRY(std::string text, read_answer(child, patience));
    RG_TRY(const int status, ending(child, patience));

    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) return timed_out(limits.wall);
    if (WIFSIGNALED(status))
        return media_error(Category::output_invalid,
                           "reelgate-media died of signal " + std::to_string(WTERMSIG(status)) +
                               " while it read the file",
                           "media_crashed");
    if (WEXITSTATUS(status) != 0)
        return media_error(Category::output_invalid,
                           "reelgate-media ended with status " +
                               std::to_string(WEXITSTATUS(status)),
                           "media_bad_answer");
    return text;
}

// As ask(), for what makes a file; `output` is there when it succeeds, and only then.
Result<std::string> make(const MediaTool& tool,
                         Words operation,
                         const MediaLimits& limits,
                         const std::filesystem::path& output)
{
    std::error_code ignored;
    std::filesystem::remove(output, ignored); // of an attempt that was cut short
    operation.push_back(output.string());
    Result<std::string> made = ask(tool, std::move(operation), limits);
    if (made) made = made_from(*made);
    if (!made) std::filesystem::remove(output, ignored);
    return made;
}

} // namespace

Error media_stopped()
{
    return media_error(Category::cancelled, "nobody wants the film any more", "media_stopped");
}

Result<MediaFacts>
probe_media(const MediaTool& tool, const std::filesystem::path& file, const MediaLimits& limits)
{
    RG_TRY(const std::string text, ask(tool, {"probe", "--", file.string()}, limits));
    return answer_from(text);
}

Result<std::string> make_thumbnail(const MediaTool& tool,
                                   const std::filesystem::path& film,
                                   std::uint64_t frames,
                                   const std::filesystem::path& output,
                                   const MediaLimits& limits)
{
    Words words{"thumbnail", "--frames", std::to_string(frames), "--", film.string()};
    return make(tool, std::move(words), limits, output);
}

Result<std::string> make_spritesheet(const MediaTool& tool,
                                     const std::filesystem::path& film,
                                     std::uint64_t frames,
                                     const std::filesystem::path& output,
                                     const MediaLimits& limits)
{
    Words words{"spritesheet", "--frames", std::to_string(frames), "--", film.string()};
    return make(tool, std::move(words), limits, output);
}

Result<Done> convert_media(const MediaTool& tool,
                           const std::filesystem::path& film,
                           const Conversion& how,
                           const std::filesystem::path& output,
                           const MediaLimits& limits)
{
    const auto nano = static_cast<std::uint64_t>(std::llround(how.fps * 1e9));
    Words words{"convert",
                "--copy-pictures",
                how.copy_pictures ? "1" : "0",
                "--copy-sound",
                how.copy_sound ? "1" : "0",
                "--fps-nano",
                std::to_string(nano),
                "--",
                film.string()};
    RG_TRY(const std::string type, make(tool, std::move(words), limits, output));
    if (type == "video/mp4") return Done{};
    return media_error(
        Category::output_invalid, "reelgate-media made '" + type + "'", "media_bad_answer");
}

} // namespace reelgate
