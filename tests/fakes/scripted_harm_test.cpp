// What the scripted provider does to its process, and the films that are none. Deaths happen in a
// child.
#include "tests/fakes/scripted_fixture.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

// The deaths below are the plugin's own; a sanitizer that explains them would change how they end.
extern "C" const char* __asan_default_options()
{
    return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0:"
           "use_sigaltstack=0:allocator_may_return_null=1:detect_leaks=0";
}
extern "C" const char* __tsan_default_options()
{
    return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0:"
           "use_sigaltstack=0";
}

namespace reelgate::fakes {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct DeathRow {
    const char* name;
    const char* crash;
    int signal; // 0: an exit
    int code;
};

// One run in a child; the directories are the parent's, so that they go away.
class ScriptedDeathTest : public ScriptedTest {
protected:
    void live(const std::string& script, const rg_provider* plugin = scripted())
    {
        run_once(script, job_, plugin);
        ::_exit(99); // it lived
    }

    TableJob job_{small_request()};
};

class Deaths : public ScriptedDeathTest, public testing::WithParamInterface<DeathRow> {};

TEST_P(Deaths, EndTheProcessAsTheScriptSays)
{
    const std::string script =
        std::string(R"({"run": ["accept", {"crash": )") + GetParam().crash + "}]}";
    if (GetParam().signal != 0)
        EXPECT_EXIT(live(script), testing::KilledBySignal(GetParam().signal), "");
    else
        EXPECT_EXIT(live(script), testing::ExitedWithCode(GetParam().code), "");
    EXPECT_EQ(count(ledger(), "submit"), 1U) << "the ledger outlives the process";
}

INSTANTIATE_TEST_SUITE_P(
    EachWay,
    Deaths,
    testing::Values(DeathRow{"Segv", R"("segv")", SIGSEGV, 0},
                    DeathRow{"SegvOnAThread", R"({"by": "segv", "thread": true})", SIGSEGV, 0},
                    DeathRow{"Bus", R"("bus")", SIGBUS, 0},
                    DeathRow{"Fpe", R"("fpe")", SIGFPE, 0},
                    DeathRow{"Ill", R"("ill")", SIGILL, 0},
                    DeathRow{"Abort", R"("abort")", SIGABRT, 0},
                    DeathRow{"AbortOnAThread", R"({"by": "abort", "thread": true})", SIGABRT, 0},
                    DeathRow{"Terminate", R"("terminate")", SIGABRT, 0},
                    DeathRow{"StackOverflow", R"("stack")", SIGSEGV, 0},
                    DeathRow{"Kill", R"("kill")", SIGKILL, 0},
                    DeathRow{"ExitZero", R"({"by": "exit", "code": 0})", 0, 0},
                    DeathRow{"Exit", R"({"by": "exit", "code": 7})", 0, 7},
                    DeathRow{"ExitAtOnce", R"({"by": "_exit", "code": 8})", 0, 8}),
    [](const auto& row) { return row.param.name; });

TEST_F(ScriptedDeathTest, AcceptedWorkIsFoundAgainAfterKill)
{
    const std::string script = R"({"run": [{"accept": {"steps": 3}}, {"crash": "kill"}]})";
    EXPECT_EXIT(live(script, scripted_paid()), testing::KilledBySignal(SIGKILL), "");
    Life life(scripted_paid(), config_of(script), dir_.path());
    const Answer done = life.resume(job_,
                                    {
                                        {"id", "r-1"}
    });
    EXPECT_EQ(done.status, RG_OK) << done.text;
    EXPECT_EQ(job_.artifacts().size(), 1U);
    EXPECT_EQ(count(ledger(), "submit"), 1U);
    EXPECT_EQ(charged_micros(ledger()), 400'000);
}

TEST_F(ScriptedDeathTest, ACrashInTheFirstRunLeavesTheSecondAlone)
{
    const std::string script = R"({"run": [[{"crash": "abort"}], ["deliver"]]})";
    EXPECT_EXIT(live(script), testing::KilledBySignal(SIGABRT), "");
    EXPECT_EQ(run_once(script, job_).status, RG_OK);
}

// The alarm ends the child: still in its call, though the job is cancelled.
TEST_F(ScriptedDeathTest, HangAndStallCanBeDeaf)
{
    job_.cancel();
    const auto live_until_alarm = [this](const std::string& step) {
        const itimerval soon{
            {0, 0     },
            {0, 50'000}
        };
        ::setitimer(ITIMER_REAL, &soon, nullptr);
        live(R"({"run": [)" + step + "]}");
    };
    EXPECT_EXIT(live_until_alarm(R"("hang")"), testing::KilledBySignal(SIGALRM), "");
    EXPECT_EXIT(live_until_alarm(R"({"stall": {"ignore_cancel": true}})"),
                testing::KilledBySignal(SIGALRM),
                "");
}

TEST_F(ScriptedDeathTest, FreezesTheWholeProcess)
{
    const pid_t child = ::fork();
    if (child == 0) live(R"({"run": ["freeze"]})");
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
    EXPECT_TRUE(WIFSTOPPED(status));
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
}

TEST_F(ScriptedDeathTest, FloodsWhatItIsToldTo)
{
    const auto live_into = [this](const fs::path& log, const std::string& to) {
        std::FILE* stream = to == "stdout" ? stdout : stderr;
        if (std::freopen(log.c_str(), "w", stream) == nullptr) ::_exit(98);
        live(R"({"run": [{"flood": {"bytes": 100003, "to": ")" + to + R"("}}]})");
    };
    for (const std::string to : {"stdout", "stderr"}) {
        EXPECT_EXIT(live_into(dir_ / to, to), testing::ExitedWithCode(99), "");
        EXPECT_EQ(fs::file_size(dir_ / to), 100'003U);
    }
}

TEST_F(ScriptedTest, TakesMemoryForReal)
{
    const auto resident_kb = [] {
        std::ifstream status("/proc/self/status");
        std::string word;
        while (status >> word && word != "VmRSS:") {
        }
        long kb = 0;
        status >> kb;
        return kb;
    };
    Life life(
        scripted(), config_of(R"({"run": [{"allocate": {"mb": 64, "keep": true}}]})"), dir_.path());
    const long before = resident_kb();
    TableJob job(small_request());
    EXPECT_EQ(life.run(job).status, RG_OK);
    EXPECT_GT(resident_kb() - before, 60 * 1024);
}

TEST_F(ScriptedTest, StartsAGrandchildThatOutlivesTheCall)
{
    TableJob job(small_request());
    EXPECT_EQ(run_once(R"({"run": [{"grandchild": {"leave": true}}]})", job).status, RG_OK);
    pid_t child = 0;
    for (const json& entry : ledger())
        child = entry.value("child", child);
    ASSERT_GT(child, 0);
    EXPECT_EQ(::kill(child, 0), 0);
    EXPECT_EQ(::getpgid(child), child) << "in a group of its own";
    ::kill(child, SIGKILL);
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST_F(ScriptedTest, WritesWhereItShouldNot)
{
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    TableJob job(small_request());
    const std::string step =
        R"({"scribble": {"text": "boo", "fd": )" + std::to_string(ends[1]) + "}}";
    EXPECT_EQ(run_once(R"({"run": [)" + step + "]}", job).status, RG_OK);
    char text[4] = {};
    EXPECT_EQ(::read(ends[0], text, 3), 3);
    EXPECT_STREQ(text, "boo");
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(ScriptedTest, WaitsUntilATestLetsItGo)
{
    const fs::path gate = dir_ / "gate";
    const json script = {
        {"run", {{{"mark", "waiting"}}, {{"wait_for", gate.string()}}}}
    };
    Life life(scripted(),
              {
                  {"script", script}
    },
              dir_.path());
    TableJob job(small_request());
    Answer answer{RG_FAILED, ""};
    std::thread runs([&] { answer = life.run(job); });
    while (count(ledger(), "mark") == 0)
        std::this_thread::yield();
    std::ofstream(gate) << "open";
    runs.join();
    EXPECT_EQ(answer.status, RG_OK) << answer.text;
}

struct LieRow {
    const char* kind;
    const char* path;                    // what is handed in
    bool (*holds)(const fs::path& file); // about that path in the work directory
};

class Lies : public ScriptedTest, public testing::WithParamInterface<LieRow> {};

TEST_P(Lies, AreHandedInWithAStraightFace)
{
    TableJob job(small_request());
    const std::string script =
        std::string(R"({"run": ["accept", {"lie": ")") + GetParam().kind + R"("}]})";
    const Answer done = run_once(script, job);
    EXPECT_EQ(done.status, RG_OK) << done.text;
    ASSERT_EQ(job.artifacts().size(), 1U);
    const fs::path handed_in = job.artifacts()[0].path;
    EXPECT_EQ(handed_in, GetParam().path == nullptr ? handed_in : fs::path(GetParam().path));
    EXPECT_TRUE(GetParam().holds(job.work_dir() / handed_in)) << handed_in;
    fs::remove(job.work_dir() / "../escaped.mp4");
}

std::string start_of(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    std::string text(64, '\0');
    in.read(text.data(), 64);
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

bool is_mp4(const fs::path& file) { return start_of(file).find("ftyp") == 4; }

INSTANTIATE_TEST_SUITE_P(
    EachLie,
    Lies,
    testing::Values(
        LieRow{"missing", "film.mp4", [](auto& file) { return !fs::exists(file); }},
        LieRow{"parent", "../escaped.mp4", is_mp4},
        LieRow{"absolute", nullptr, [](auto& file) { return file.is_absolute() && is_mp4(file); }},
        LieRow{"outside", "/etc/hostname", [](auto&) { return true; }},
        LieRow{
            "symlink", "link.mp4", [](auto& file) { return fs::is_symlink(file) && is_mp4(file); }},
        LieRow{"symlink_out",
               "link.mp4",
               [](auto& file) { return fs::read_symlink(file) == "/etc/hostname"; }},
        LieRow{"hard_link", "again.mp4", [](auto& file) { return fs::hard_link_count(file) == 2; }},
        LieRow{"directory", "film.mp4", [](auto& file) { return fs::is_directory(file); }},
        LieRow{"fifo", "film.mp4", [](auto& file) { return fs::is_fifo(file); }},
        LieRow{"long_name",
               nullptr,
               [](auto& file) { return file.filename().string().size() == 5000; }},
        LieRow{"nul_in_name",
               nullptr,
               [](auto& file) { return file.string().find('\0') != std::string::npos; }},
        LieRow{"truncated", "film.mp4", is_mp4},
        LieRow{"html",
               "film.mp4",
               [](auto& file) { return start_of(file).starts_with("<!doctype html>"); }},
        LieRow{"json",
               "film.mp4",
               [](auto& file) { return start_of(file).starts_with(R"({"error")"); }},
        LieRow{"noise",
               "film.mp4",
               [](auto& file) { return fs::file_size(file) == 100'000 && !is_mp4(file); }},
        LieRow{"empty", "film.mp4", [](auto& file) { return fs::file_size(file) == 0; }},
        LieRow{
            "sparse", "film.mp4", [](auto& file) { return fs::file_size(file) == 64ULL << 30U; }},
        LieRow{"smaller", "film.mp4", is_mp4},
        LieRow{"fewer_frames", "film.mp4", is_mp4},
        LieRow{"slower", "film.mp4", is_mp4},
        LieRow{"other_sound",
               "film.mp4",
               [](auto& file) { return is_mp4(file) && fs::file_size(file) > 0; }}),
    [](const auto& row) { return row.param.kind; });

} // namespace
} // namespace reelgate::fakes
