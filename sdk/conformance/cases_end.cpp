// How it ends: by a bye, by a host that is gone; and what it does when something runs
// out.
#include "host/base/fd.hpp"
#include "sdk/conformance/cases.hpp"
#include "sdk/conformance/subject.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace reelgate::conformance {
namespace {

namespace fs = std::filesystem;

constexpr auto kByeLimit = supervise::Limits{}.bye;
constexpr auto kHangUpLimit = 2s;

Verdict failed_with(const Error& error) { return failed(error.sentence()); }

// The words of a trial in which the host itself loads the library.
std::vector<std::string> in_process_trial(const Subject& s, const fs::path& scratch)
{
    const Request request = s.smallest(*s.easiest());
    return {(s.options.programs / "reelgate").string(),
            "--quiet",
            "--data-dir",
            scratch.string(),
            "providers",
            "try",
            s.manifest->directory.string() + "/",
            "--in-process",
            "--prompt",
            request.prompt,
            "--model",
            request.model,
            "--size",
            to_string(request.size),
            "--frames",
            std::to_string(request.frames),
            "--config-json",
            s.options.config_json,
            "-o",
            (scratch / "film").string()};
}

// Does the process behind `pidfd` end before the limit?
bool ends_within(int pidfd, std::chrono::milliseconds limit)
{
    const auto deadline = std::chrono::steady_clock::now() + limit;
    pollfd ended{.fd = pidfd, .events = POLLIN, .revents = 0};
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left <= 0ms) return false;
        const int ready = ::poll(&ended, 1, static_cast<int>(left.count()));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

// How a program that was started here ended.
struct Ending {
    bool started = false;
    bool in_time = false;
    int status = 0; // as waitpid() tells it
};

// Runs a program that may hang: it is killed at the limit. What it prints goes to the file `said`.
Ending
run_program(std::vector<std::string> words, const fs::path& said, std::chrono::milliseconds limit)
{
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, said.c_str(), O_WRONLY | O_CREAT, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t pid = -1;
    const int spawned =
        ::posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (spawned != 0) return {};

    Ending ending{.started = true};
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    ending.in_time = process && ends_within(process.get(), limit);
    if (!ending.in_time) ::kill(pid, SIGKILL);
    while (::waitpid(pid, &ending.status, 0) < 0 && errno == EINTR) {
    }
    return ending;
}

std::string last_line_of(const fs::path& file)
{
    std::ifstream lines(file);
    std::string last;
    for (std::string line; std::getline(lines, line);)
        last = line;
    return last;
}

// A category that blames the world, as opposed to a crash.
Verdict judge_fault(const Result<Done>& verdict, const std::string& what)
{
    if (verdict) return passed(what + " did not matter");
    if (verdict.error().category != Category::plugin_crashed) return passed(verdict.error().text);
    return failed("with " + what + ": " + verdict.error().sentence());
}

} // namespace

Verdict manners_leaves_when_told(Subject& s)
{
    ProviderSettings settings = s.settings();
    settings.limits.bye = kByeLimit;
    Live live(s, std::move(settings));
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    if (!live.stop())
        return failed("it did not leave within " + std::to_string(kByeLimit / 1s) +
                      " s of `bye`: destroy() blocks");
    return passed();
}

// A daemon that is stopped says bye to whoever has said hello.
Verdict manners_leaves_before_it_is_created(Subject& s)
{
    RawWorker worker(s, s.settings());
    if (const auto ready = worker.await_hello(); !ready) return failed(ready.error().text);
    worker.send(Json{
        {"type", "bye"}
    });
    if (worker.gone_within(kByeLimit)) return passed();
    return failed("it was still there " + std::to_string(kByeLimit / 1s) +
                  " s after a `bye` that came before `create`");
}

Verdict manners_leaves_when_host_is_gone(Subject& s)
{
    RawWorker worker(s, s.settings());
    if (const auto opened = worker.open(); !opened) return failed(opened.error().text);
    worker.child->hang_up();
    if (worker.gone_within(kHangUpLimit)) return passed();
    return failed("it was still there " + std::to_string(kHangUpLimit / 1s) +
                  " s after the host hung up");
}

// A file size limit stands for the full disk: writes fail in the same place, on this machine alone.
Verdict faults_disk_full(Subject& s)
{
    ProviderSettings settings = s.settings();
    settings.jail.max_file_kb = 1;
    Live live(s, std::move(settings));
    if (const auto opened = live.open(); !opened) return judge_fault(opened, "a full disk");
    const RunRecord record = live.run(s.longest(*s.easiest()));
    if (record.verdict && !s.is_paid())
        return failed(
            "it said OK although no file could hold more than 1 KiB: look at what write() returns");
    return judge_fault(record.verdict, "a full disk");
}

Verdict faults_little_memory(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("a program has a runtime of its own, whose need nobody knows");
    if (s.description->resources.gpu != "none")
        return skipped("it uses a GPU, whose driver reserves memory");
    ProviderSettings settings = s.settings();
    settings.jail.memory_mb = s.description->resources.ram_mb / 4 + 32;
    Live live(s, std::move(settings));
    const auto opened = live.open();
    if (!opened && opened.error().code == "start_crashed") return failed_with(opened.error());
    if (!opened) return passed(opened.error().text);
    return judge_fault(live.run(s.longest(*s.easiest())).verdict, "little memory");
}

// In a process of its own, so that what goes wrong there stays there.
Verdict isolation_in_process(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("a program cannot be loaded");
    const fs::path scratch = s.new_dir("in-process");
    const fs::path said = scratch / "said";
    const Ending ending = run_program(in_process_trial(s, scratch), said, kCaseLimit);
    if (!ending.started) return failed("reelgate could not be started");
    if (!ending.in_time)
        return failed("a host that loads it was not done after " + std::to_string(kCaseLimit / 1s) +
                      " s and was killed: " +
                      (fs::exists(scratch / "film") ? "its film was made, destroy() does not return"
                                                    : "run() or create() does not return"));
    const bool ended_well = WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 0;
    const bool reported = last_line_of(said).find(" verified ") != std::string::npos;
    if (ended_well && reported) return passed();
    if (ended_well) return failed("it ended the host that had loaded it: it may not call exit()");
    if (WIFSIGNALED(ending.status))
        return failed("the process died of " + signal_name(WTERMSIG(ending.status)));
    return failed("the trial failed: " + last_line_of(said));
}

} // namespace reelgate::conformance
