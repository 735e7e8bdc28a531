// Each measure, seen from inside: a program that a real worker started tries what it must not do.
// Where every machine agrees on what happens without confinement, the row runs so, too: it is the
// measure that refuses, not the machine.
#include "host/jail/landlock.hpp"
#include "host/plugin/jail_paths.hpp"
#include "host/plugin/spawn.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <fstream>
#include <ostream>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

enum class Needs : std::uint8_t {
    nothing,
    landlock,        // any version
    landlock_cut,    // version 3
    landlock_signal, // version 6
    no_sanitizer,
    x86_64,
};

struct Row {
    const char* name;
    Needs needs;
    std::vector<std::string> command; // "@" stands for the test's directory
    const char* confined;
    const char* otherwise; // without confinement; nullptr: depends on the machine
    bool network = false;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

std::string why_not(Needs needs)
{
    const int version = landlock_version();
    const int wanted = needs == Needs::landlock          ? 1
                       : needs == Needs::landlock_cut    ? 3
                       : needs == Needs::landlock_signal ? 6
                                                         : 0;
    if (version < wanted)
        return "the kernel has version " + std::to_string(version) + " of Landlock, not " +
               std::to_string(wanted);
    if (needs == Needs::no_sanitizer && kSanitized) return "a sanitizer hinders this measure";
#if !defined(__x86_64__)
    if (needs == Needs::x86_64) return "this machine has one ABI only";
#endif
    return {};
}

struct Ran {
    std::string printed;
    int status = -1;
};

Ran run_in_worker(const LaunchOrder& order)
{
    auto spawned =
        spawn_worker(fs::path(REELGATE_BINARY_DIR) / "bin/reelgate-worker", order, Environment{});
    if (!spawned) return {spawned.error().sentence(), -1};
    Ran ran;
    std::array<char, 256> block{};
    for (ssize_t got = 1; got > 0;) {
        got = ::read(spawned->output.get(), block.data(), block.size());
        if (got > 0) ran.printed.append(block.data(), static_cast<std::size_t>(got));
    }
    ::waitpid(spawned->pid, &ran.status, 0);
    return ran;
}

class Jail : public ::testing::Test {
protected:
    Jail()
    {
        for (const char* name :
             {"data", "cache", "work/me/job", "work/neighbour/job", "outside", "granted"})
            fs::create_directories(dir_ / name);
        std::ofstream(dir_ / "outside/secret") << "secret";
        std::ofstream(dir_ / "granted/weights") << "weights";
        std::ofstream(dir_ / "work/neighbour/job/film.mp4") << "film";
    }

    LaunchOrder order_for(const std::vector<std::string>& command) const
    {
        LaunchOrder order;
        order.exec = true;
        order.plugin_dir = (fs::path(REELGATE_BINARY_DIR) / "tests/jail").string();
        order.command = {"./jail_probe"};
        for (const std::string& word : command)
            order.command.push_back(word[0] == '@' ? dir_.path().string() + word.substr(1) : word);
        order.data_dir = dir_ / "data";
        order.cache_dir = dir_ / "cache";
        order.jail.work_root = dir_ / "work/me";
        order.jail.read_only = {dir_ / "granted"};
        order.jail.memory_mb = 128;
        order.jail.cores = 1;
        return order;
    }

    const ScratchDir dir_;
};

class Measure : public Jail, public ::testing::WithParamInterface<Row> {};
class MeasureAbsent : public Measure {};

TEST_P(Measure, HoldsInside)
{
    const Row& row = GetParam();
    if (const std::string reason = why_not(row.needs); !reason.empty()) GTEST_SKIP() << reason;
    LaunchOrder order = order_for(row.command);
    order.jail.allow_network = row.network;
    EXPECT_EQ(run_in_worker(order).printed, std::string(row.confined) + '\n');
}

TEST_P(MeasureAbsent, LetsItHappen)
{
    const Row& row = GetParam();
    if (const std::string reason = why_not(row.needs); !reason.empty()) GTEST_SKIP() << reason;
    LaunchOrder order = order_for(row.command);
    order.jail.confine = false;
    EXPECT_EQ(run_in_worker(order).printed, std::string(row.otherwise) + '\n');
}

// clang-format off
const std::vector<Row> kRows{
    {"write_outside", Needs::landlock, {"write", "@/outside/new"}, "EACCES", "ok"},
    {"write_where_it_lies", Needs::landlock, {"write", "./new"}, "EACCES", "ok"},
    {"read_outside", Needs::landlock, {"read", "@/outside/secret"}, "EACCES", "ok"},
    {"cut_outside", Needs::landlock_cut, {"cut", "@/outside/secret"}, "EACCES", "ok"},
    {"read_what_is_granted", Needs::landlock, {"read", "@/granted/weights"}, "ok", "ok"},
    {"write_what_is_granted_to_read", Needs::landlock, {"write", "@/granted/weights"}, "EACCES", "ok"},
    {"read_the_system", Needs::landlock, {"read", "/etc/passwd"}, "ok", "ok"},
    {"write_data", Needs::landlock, {"write", "@/data/new"}, "ok", "ok"},
    {"write_cache", Needs::landlock, {"write", "@/cache/new"}, "ok", "ok"},
    {"write_work", Needs::landlock, {"write", "@/work/me/job/film.mp4"}, "ok", "ok"},
    {"write_a_neighbours_work", Needs::landlock, {"write", "@/work/neighbour/job/new"}, "EACCES", "ok"},
    {"read_a_neighbours_work", Needs::landlock, {"read", "@/work/neighbour/job/film.mp4"}, "EACCES", "ok"},
    {"write_to_nowhere", Needs::landlock, {"write", "/dev/null"}, "ok", "ok"},
    {"signal_its_parent", Needs::landlock_signal, {"signal_parent"}, "EPERM", "ok"},
    {"inet", Needs::nothing, {"socket", "inet"}, "EACCES", "ok"},
    {"inet6", Needs::nothing, {"socket", "inet6"}, "EACCES", nullptr},
    {"netlink", Needs::nothing, {"socket", "netlink"}, "EACCES", "ok"},
    {"packet", Needs::nothing, {"socket", "packet"}, "EACCES", nullptr},
    {"local_socket", Needs::nothing, {"socket", "unix"}, "ok", "ok"},
    {"inet_allowed", Needs::nothing, {"socket", "inet"}, "ok", "ok", true},
    {"ring", Needs::nothing, {"ring"}, "EPERM", nullptr},
    {"trace", Needs::no_sanitizer, {"trace"}, "EPERM", "ok"},
    {"read_memory", Needs::no_sanitizer, {"read_memory"}, "EPERM", nullptr},
    {"compare", Needs::no_sanitizer, {"compare"}, "EPERM", nullptr},
    {"foreign_call", Needs::x86_64, {"foreign"}, "EPERM", nullptr},
    {"memory", Needs::no_sanitizer, {"allocate", "512"}, "bad_alloc", "ok"},
    {"memory_within", Needs::nothing, {"allocate", "8"}, "ok", "ok"},
    {"file_size", Needs::nothing, {"grow", "@/data/long"}, "EFBIG", "ok"},
    {"oom_score", Needs::nothing, {"score"}, "500", nullptr},
    {"open_files", Needs::nothing, {"limit", "files"}, "1024", nullptr},
    {"core_dump", Needs::nothing, {"limit", "core"}, "0", "0"},
    {"privileges", Needs::nothing, {"privileges"}, "1", nullptr},
    {"capabilities", Needs::nothing, {"capabilities"}, "0000000000000000", nullptr},
    {"cores", Needs::nothing, {"cores"}, "1", nullptr},
};
// clang-format on

std::vector<Row> rows_known_without_it()
{
    std::vector<Row> rows = kRows;
    std::erase_if(rows, [](const Row& row) { return row.otherwise == nullptr; });
    return rows;
}

std::string name_of(const ::testing::TestParamInfo<Row>& row) { return row.param.name; }

INSTANTIATE_TEST_SUITE_P(, Measure, ::testing::ValuesIn(kRows), name_of);
INSTANTIATE_TEST_SUITE_P(, MeasureAbsent, ::testing::ValuesIn(rows_known_without_it()), name_of);

TEST_F(Jail, WithoutAWorkRootFilesAreNotConfined)
{
    LaunchOrder order = order_for({"write", "@/outside/new"});
    order.jail.work_root.clear();
    EXPECT_EQ(run_in_worker(order).printed, "ok\n");
}

TEST_F(Jail, ALinkInPlaceOfTheCacheGrantsNothing)
{
    if (const std::string reason = why_not(Needs::landlock); !reason.empty())
        GTEST_SKIP() << reason;
    fs::create_directory_symlink(dir_ / "outside", dir_ / "data/cache"); // as a plugin may
    LaunchOrder order = order_for({"write", "@/data/cache/new"});
    order.cache_dir = dir_ / "data/cache";
    EXPECT_EQ(run_in_worker(order).printed, "EACCES\n");
    fs::remove(dir_ / "data/cache");
    fs::create_directory(dir_ / "data/cache");
    EXPECT_EQ(run_in_worker(order).printed, "ok\n");
}

TEST_F(Jail, StrictDoesNotStartWithoutEveryMeasure)
{
    LaunchOrder order = order_for({"write", "@/data/new"});
    order.jail.strict = true;
    order.jail.memory_mb.reset(); // a sanitizer cannot have that measure, and would be the reason
    order.jail.work_root.clear();
    const Ran ran = run_in_worker(order);
    EXPECT_TRUE(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 64) << ran.status;
    EXPECT_NE(ran.printed.find("no work root given"), std::string::npos) << ran.printed;
    EXPECT_FALSE(fs::exists(dir_ / "data/new"));
}

TEST_F(Jail, ScriptsReachTheirInterpreterWhereverItLies)
{
    // As pyenv has it: a shim on PATH is a script that starts what lies elsewhere below its prefix.
    fs::create_directories(dir_ / "env/.py/shims");
    fs::create_directories(dir_ / "env/.py/bin");
    const auto script = [](const fs::path& file, const std::string& text) {
        std::ofstream(file) << text;
        fs::permissions(file, fs::perms::owner_all);
    };
    fs::copy_file(fs::path(REELGATE_BINARY_DIR) / "tests/jail/jail_probe",
                  dir_ / "env/.py/bin/probe");
    script(dir_ / "env/.py/shims/shim",
           "#!/bin/sh\nexec '" + (dir_ / "env/.py/bin/probe").string() + "' write \"$2\"\n");
    fs::create_directories(dir_ / "plugin");
    script(dir_ / "plugin/main", "#!/usr/bin/env shim\n");

    LaunchOrder order = order_for({});
    order.plugin_dir = dir_ / "plugin";
    order.command = {"./main", dir_ / "data/new"};
    order.jail.read_only.clear();
    const std::string before = std::getenv("PATH"); // NOLINT(concurrency-mt-unsafe): one thread
    const std::string shims = (dir_ / "env/.py/shims").string() + ':' + before;
    ::setenv("PATH", shims.c_str(), 1); // NOLINT(concurrency-mt-unsafe)
    const Ran ran = run_in_worker(order);
    ::setenv("PATH", before.c_str(), 1); // NOLINT(concurrency-mt-unsafe)
    EXPECT_EQ(ran.printed, "ok\n");
}

TEST_F(Jail, APrefixIsNeverAHome)
{
    const ScratchDir elsewhere;
    const auto prefix = [&](const fs::path& program, const fs::path& data) {
        fs::create_directories(program.parent_path());
        std::ofstream(program) << "\x7f"
                                  "ELF";
        return program_prefixes(fs::canonical(program), {}, data);
    };
    const fs::path home = fs::canonical(dir_.path());
    using Paths = std::vector<fs::path>;
    EXPECT_EQ(prefix(home / "py/bin/python", elsewhere.path()), Paths{home / "py"});
    EXPECT_EQ(prefix(home / ".local/bin/python", elsewhere.path()), Paths{home / ".local/bin"});
    EXPECT_EQ(prefix(home / "bin/python", dir_ / "data"), Paths{home / "bin"});
    EXPECT_EQ(prefix(home / "tools/python", elsewhere.path()), Paths{home / "tools"});
}

} // namespace
} // namespace reelgate
