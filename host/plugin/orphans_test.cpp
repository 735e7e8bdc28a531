// Real processes that outlive their worker, or their daemon.
#include "host/base/log.hpp"
#include "host/plugin/orphans.hpp"
#include "host/plugin/spawn.hpp"
#include "host/plugin/supervised.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <ostream>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Long enough for any machine; what is awaited comes within milliseconds.
constexpr auto kPatience = 20s;

pid_t number_in(std::string_view text)
{
    pid_t number = -1;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

Fd hold(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool gone_within(const Fd& pidfd, std::chrono::milliseconds patience)
{
    pollfd wait{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&wait, 1, static_cast<int>(patience.count())) == 1;
}

std::string line_from(int fd)
{
    std::string line;
    for (char c = 0; ::read(fd, &c, 1) == 1 && c != '\n';)
        line += c;
    return line;
}

bool names(const std::vector<Ended>& ended, pid_t pid)
{
    for (const Ended& one : ended)
        if (one.pid == pid) return true;
    return false;
}

// A worker whose plugin has started a process with a session of its own.
Result<SpawnedWorker> worker_that_leaves_one(const fs::path& dir, const std::string& mark)
{
    LaunchOrder order;
    order.exec = true;
    order.plugin_dir = (fs::path(REELGATE_BINARY_DIR) / "tests/jail").string();
    order.command = {"./jail_probe", "leave"};
    order.data_dir = dir.string();
    return spawn_worker(fs::path(REELGATE_BINARY_DIR) / "bin/reelgate-worker",
                        order,
                        {
                            {kWorkerMark, mark        },
                            {kDataMark,   dir.string()}
    });
}

class Orphans : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(adopt_orphans()); }
    const ScratchDir dir_;
};

TEST_F(Orphans, WhatLeftTheGroupIsEndedByItsMark)
{
    const std::string mark = new_worker_mark("one");
    auto worker = worker_that_leaves_one(dir_.path(), mark);
    ASSERT_TRUE(worker) << worker.error().sentence();
    const pid_t left = number_in(line_from(worker->output.get()));
    const Fd left_one = hold(left);
    ASSERT_TRUE(left_one);
    ::kill(-worker->pid, SIGKILL);
    ::waitpid(worker->pid, nullptr, 0);
    EXPECT_FALSE(gone_within(left_one, 0ms)) << "the kill of the group was enough";

    EXPECT_TRUE(kill_marked(new_worker_mark("one")).empty()) << "that is another worker's mark";
    const auto ended = kill_marked(mark);
    EXPECT_TRUE(names(ended, left));
    EXPECT_EQ(ended.size(), 1U);
    EXPECT_EQ(await_end(ended, kPatience), 0U);
    EXPECT_EQ(::kill(left, 0), -1) << "dead, but not reaped";
}

TEST_F(Orphans, DeadOnesThatWereInheritedAreReaped)
{
    const std::string mark = new_worker_mark("one");
    auto worker = worker_that_leaves_one(dir_.path(), mark);
    ASSERT_TRUE(worker);
    const pid_t left = number_in(line_from(worker->output.get()));
    const Fd left_one = hold(left);
    ::kill(worker->pid, SIGKILL);
    ::waitpid(worker->pid, nullptr, 0);
    ::kill(left, SIGKILL);
    ASSERT_TRUE(gone_within(left_one, kPatience));
    EXPECT_EQ(::kill(left, 0), 0) << "somebody else has reaped it";
    EXPECT_TRUE(kill_marked(mark).empty());
    EXPECT_EQ(::kill(left, 0), -1);
}

// A daemon of its own process: starts a worker, says the numbers and waits to be killed.
[[noreturn]] void be_a_daemon(const fs::path& dir, int say)
{
    const auto worker = worker_that_leaves_one(dir, "daemon/1");
    if (!worker) ::_exit(1);
    const std::string line =
        std::to_string(worker->pid) + '\n' + line_from(worker->output.get()) + '\n';
    if (::write(say, line.data(), line.size()) < 0) ::_exit(1);
    while (true)
        ::pause();
}

TEST_F(Orphans, WorkersEndWithTheirDaemonAndTheNextOneEndsTheRest)
{
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const Fd hear(ends[0]);
    Fd say(ends[1]);
    const pid_t daemon = ::fork();
    if (daemon == 0) be_a_daemon(dir_.path(), say.get());
    say.reset();
    const pid_t worker = number_in(line_from(hear.get()));
    const pid_t left = number_in(line_from(hear.get()));
    const Fd worker_one = hold(worker);
    const Fd left_one = hold(left);
    ASSERT_TRUE(worker_one && left_one);
    EXPECT_TRUE(kill_leftovers(dir_.path()).empty()) << "its daemon lives";

    ::kill(daemon, SIGKILL);
    ::waitpid(daemon, nullptr, 0);
    EXPECT_TRUE(gone_within(worker_one, kPatience));
    EXPECT_FALSE(gone_within(left_one, 0ms));
    EXPECT_TRUE(kill_leftovers(dir_ / "other").empty());
    const auto ended = kill_leftovers(dir_.path().parent_path() / "." / dir_.path().filename());
    EXPECT_TRUE(names(ended, left));
    EXPECT_EQ(await_end(ended, kPatience), 0U);
    EXPECT_TRUE(gone_within(left_one, 0ms));
    ::waitpid(worker, nullptr, 0); // ours by inheritance
}

class Nobody final : public AttemptListener {
    void on_progress(const ProgressNote&) override {}
    void on_preview(const std::string&) override {}
    void on_artifact(const ArtifactOffer&) override {}
    void on_intend(const std::string&, Ack ack) override { ack(RG_OK); }
    void on_accepted(const std::string&, Ack ack) override { ack(RG_OK); }
};

class Confined : public Orphans {
protected:
    struct Outcome {
        Result<Done> verdict = Done{};
        supervise::Life life = supervise::Life::stopped; // right after the attempt
        std::vector<JailReport> jail;
    };

    Outcome run(const Json& steps, const JailOrder& jail = {})
    {
        auto manifest = read_manifest(fs::path(REELGATE_BINARY_DIR) / "plugins/scripted");
        if (!manifest) return {.verdict = manifest.error(), .jail = {}};
        ProviderSettings settings;
        settings.id = "confined";
        settings.data_dir = dir_ / "data";
        settings.cache_dir = dir_ / "data/cache";
        settings.work_root = dir_ / "work";
        settings.jail = jail;
        settings.config_json = Json{
            {"script",
             {{"run", steps}}}
        }.dump();
        fs::create_directories(settings.cache_dir);
        fs::create_directories(settings.work_root / "a/inputs");
        SupervisedProvider provider(loop_.get_executor(),
                                    log_,
                                    clock_,
                                    fs::path(REELGATE_BINARY_DIR) / "bin/reelgate-worker",
                                    *std::move(manifest),
                                    std::move(settings));
        Outcome outcome;
        asio::co_spawn(loop_, whole(provider, outcome), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
        loop_.restart();
        loop_.run();
        return outcome;
    }

    // The number that the plugin wrote down in its ledger.
    pid_t grandchild() const
    {
        std::ifstream ledger(dir_ / "data/ledger.jsonl");
        for (std::string line; std::getline(ledger, line);)
            if (const Json entry = Json::parse(line); entry.value("event", "") == "grandchild")
                return entry.at("child");
        return -1;
    }

private:
    asio::awaitable<void> whole(SupervisedProvider& provider, Outcome& outcome)
    {
        outcome.verdict = co_await provider.open(kPatience);
        if (outcome.verdict) {
            outcome.jail = provider.jail();
            const std::string request = R"({"model": "lattice", "task": "t2v", "prompt": "x",
                "width": 64, "height": 64, "frames": 9, "fps": 24, "seed": 1, "audio": false})";
            AttemptOrder order{"a", request, dir_ / "work/a", std::nullopt};
            outcome.verdict = co_await provider.run(std::move(order), nobody_);
            outcome.life = provider.life();
        }
        co_await provider.stop();
    }

    asio::io_context loop_{1};
    const Log log_{STDERR_FILENO, LogFormat::text, Level::error};
    SystemClock clock_;
    Nobody nobody_;
};

TEST_F(Confined, AProviderEndsWhatItsWorkerLeaves)
{
    const Outcome outcome = run({{{"grandchild", {{"leave", true}}}}, {{"crash", "segv"}}});
    ASSERT_FALSE(outcome.verdict);
    EXPECT_EQ(outcome.verdict.error().category, Category::plugin_crashed)
        << outcome.verdict.error().sentence();
    ASSERT_GT(grandchild(), 0);
    EXPECT_EQ(::kill(grandchild(), 0), -1);
    EXPECT_EQ(errno, ESRCH);
}

TEST_F(Confined, TooMuchMemoryIsAFailureAndNoCrash)
{
    JailOrder jail;
    jail.memory_mb = 256;
    const Outcome outcome = run({{{"allocate", 1024}}}, jail);
    for (const JailReport& measure : outcome.jail)
        if (measure.what == "memory" && !measure.applied) GTEST_SKIP() << measure.detail;
    ASSERT_FALSE(outcome.verdict);
    EXPECT_EQ(outcome.verdict.error().code, "host_memory") << outcome.verdict.error().sentence();
    EXPECT_EQ(outcome.life, supervise::Life::ready);
}

TEST_F(Confined, EveryMeasureIsReported)
{
    std::string measures;
    for (const JailReport& measure : run({"fail"}).jail)
        measures += measure.what + ' ';
    EXPECT_EQ(measures,
              "core_dump privileges oom_score open_files file_size landlock capabilities "
              "system_calls network ");
}

} // namespace
} // namespace reelgate
