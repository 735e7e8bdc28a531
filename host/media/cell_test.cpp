// Each thing that a child which was taken over would like to do, tried from inside by a process of
// the test's own.
#include "host/jail/landlock.hpp"
#include "host/media/cell.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

enum class By : std::uint8_t {
    nobody,
    landlock,
    calls, // the list of those that are allowed, or the network's
};

struct Row {
    const char* name;
    By refused;
    int error;
    std::function<bool(const fs::path& dir)> attempt; // errno says why not
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

bool opens(const fs::path& file, int flags)
{
    const int fd = ::open(file.c_str(), flags | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
    return fd >= 0;
}

bool has_socket(int domain) { return ::socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0; }

bool starts(const char* program)
{
    std::array<char*, 1> nothing{nullptr};
    return ::execve(program, nothing.data(), nothing.data()) == 0;
}

bool forks()
{
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    return child > 0;
}

class FromInside : public testing::TestWithParam<Row> {
protected:
    FromInside()
    {
        for (const char* name : {"input", "output", "secret"})
            std::ofstream(dir_ / name) << name;
        fs::create_directory(dir_ / "neighbour");
    }

    // The error that it meets, or 0.
    int tried(bool confined) const
    {
        const pid_t child = ::fork();
        if (child == 0) {
            if (confined) enter_cell({dir_ / "input", dir_ / "output"});
            errno = 0;
            ::_exit(GetParam().attempt(dir_.path()) ? 0 : errno);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

    const ScratchDir dir_;
};

TEST_P(FromInside, IsAsItShouldBe)
{
    const Row& row = GetParam();
    if (row.refused == By::landlock && (landlock_version() == 0 || kSanitized))
        GTEST_SKIP() << "files are not confined here";
    if (row.refused == By::calls && kSanitized) GTEST_SKIP() << "a sanitizer has calls of its own";
    EXPECT_EQ(tried(true), row.error);
}

// It is the cell that refuses, not this machine.
TEST_P(FromInside, IsPossibleOutside) { EXPECT_EQ(tried(false), 0); }

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachThing, FromInside, testing::Values(
    Row{"ReadsItsInput",      By::nobody,   0,      [](const fs::path& dir) { return opens(dir / "input", O_RDONLY); }},
    Row{"WritesItsOutput",    By::nobody,   0,      [](const fs::path& dir) { return opens(dir / "output", O_RDWR | O_TRUNC); }},
    Row{"WritesItsInput",     By::landlock, EACCES, [](const fs::path& dir) { return opens(dir / "input", O_WRONLY); }},
    Row{"ReadsAnother",       By::landlock, EACCES, [](const fs::path& dir) { return opens(dir / "secret", O_RDONLY); }},
    Row{"ReadsTheSystem",     By::landlock, EACCES, [](const fs::path&) { return opens("/etc/passwd", O_RDONLY); }},
    Row{"ReadsOfItself",      By::landlock, EACCES, [](const fs::path&) { return opens("/proc/self/environ", O_RDONLY); }},
    Row{"MakesAFile",         By::landlock, EACCES, [](const fs::path& dir) { return opens(dir / "new", O_WRONLY | O_CREAT); }},
    Row{"ListsADirectory",    By::landlock, EACCES, [](const fs::path& dir) { return opens(dir, O_RDONLY | O_DIRECTORY); }},
    Row{"RemovesItsInput",    By::calls,    EPERM,  [](const fs::path& dir) { return ::unlink((dir / "input").c_str()) == 0; }},
    Row{"RenamesItsOutput",   By::calls,    EPERM,  [](const fs::path& dir) { return ::rename((dir / "output").c_str(), (dir / "neighbour/x").c_str()) == 0; }},
    Row{"ChangesAMode",       By::calls,    EPERM,  [](const fs::path& dir) { return ::chmod((dir / "output").c_str(), 04755) == 0; }},
    Row{"HasASocket",         By::calls,    EPERM,  [](const fs::path&) { return has_socket(AF_INET); }},
    Row{"HasALocalSocket",    By::calls,    EPERM,  [](const fs::path&) { return has_socket(AF_UNIX); }},
    Row{"StartsAProgram",     By::calls,    EPERM,  [](const fs::path&) { return starts("/bin/true"); }},
    Row{"Forks",              By::calls,    EPERM,  [](const fs::path&) { return forks(); }},
    Row{"SignalsItsParent",   By::calls,    EPERM,  [](const fs::path&) { return ::kill(::getppid(), SIGCONT) == 0; }},
    Row{"IsTraced",           By::calls,    EPERM,  [](const fs::path&) { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0; }}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(InACell, AProcessCanStillAbort)
{
    const ScratchDir dir;
    const pid_t child = ::fork();
    if (child == 0) {
        enter_cell({dir / "input"});
        std::signal(SIGABRT, SIG_DFL);
        std::abort();
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << status;
}

TEST(InACell, EveryMeasureOfThisMachineHolds)
{
    const ScratchDir dir;
    std::ofstream(dir / "input") << "input";
    const pid_t child = ::fork();
    if (child == 0) {
        int missing = 0;
        for (const JailMeasure& measure : enter_cell({dir / "input"}))
            missing += measure.applied ? 0 : 1;
        ::_exit(missing);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const int unavailable = (landlock_version() == 0 ? 1 : 0) + (kSanitized ? 1 : 0);
    EXPECT_EQ(WEXITSTATUS(status), unavailable);
}

} // namespace
} // namespace reelgate
