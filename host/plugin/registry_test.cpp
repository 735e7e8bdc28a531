#include "host/plugin/registry.hpp"

#include "host/base/fd.hpp"
#include "host/plugin/machine.hpp"
#include "host/plugin/preflight.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <fstream>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

void put(const fs::path& file, const std::string& text)
{
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
}

std::string program_manifest(const std::string& id, const std::string& version = "1")
{
    return R"({"schema": 1, "id": ")" + id + R"(", "version": ")" + version +
           R"(", "runtime": "exec", "command": ["./main.sh"]})";
}

std::string library_manifest(const std::string& id)
{
    return R"({"schema": 1, "id": ")" + id + R"(", "version": "1", "entry": "plugin.so",
        "abi": {"major": 1}, "machine": ")" +
           std::string(kThisMachine.manifest) + "\"}";
}

std::vector<std::string> ids(std::span<const PluginEntry> entries)
{
    std::vector<std::string> all;
    for (const PluginEntry& entry : entries)
        all.push_back(entry.manifest.id);
    return all;
}

TEST(Scan, FindsDirectChildrenWithAManifestAndNothingElse)
{
    const ScratchDir scratch;
    put(scratch / "b/plugin.json", program_manifest("b"));
    put(scratch / "a/plugin.json", program_manifest("a"));
    put(scratch / "a/lib/inner/plugin.json", program_manifest("inner"));
    put(scratch / "a-library/libthing.so",
        "\x7F"
        "ELF");
    put(scratch / "plugin.json", program_manifest("stray"));

    const std::vector<PluginDir> dirs{
        {scratch.path(), Origin::user},
        {scratch / "gone"             }
    };
    const auto entries = scan(dirs);

    EXPECT_THAT(ids(entries), testing::ElementsAre("a", "b"));
    EXPECT_FALSE(entries[0].broken);
    EXPECT_EQ(entries[0].manifest.directory, scratch / "a");
}

TEST(Scan, TheEarlierDirectoryWinsAndTheOtherIsListedWithBothPaths)
{
    const ScratchDir scratch;
    put(scratch / "first/a/plugin.json", program_manifest("a", "1"));
    put(scratch / "second/a/plugin.json", program_manifest("a", "2"));

    const std::vector<PluginDir> dirs{
        {scratch / "first", Origin::bundled},
        {scratch / "second"                }
    };
    const auto entries = scan(dirs);

    ASSERT_EQ(entries.size(), 2U);
    EXPECT_FALSE(entries[0].shadowed_by);
    EXPECT_EQ(entries[1].shadowed_by, scratch / "first/a");
    EXPECT_EQ(entries[1].manifest.directory, scratch / "second/a");
    EXPECT_EQ(find_plugin(entries, "a")->manifest.version, "1");
    EXPECT_EQ(find_plugin(entries, "a")->origin, Origin::bundled);
}

TEST(Scan, ABrokenManifestIsListedWithItsReasonAndKeepsItsPlace)
{
    const ScratchDir scratch;
    put(scratch / "first/a/plugin.json", "{");
    put(scratch / "first/b/plugin.json", program_manifest("other"));
    put(scratch / "second/a/plugin.json", program_manifest("a"));

    const std::vector<PluginDir> dirs{{scratch / "first"}, {scratch / "second"}};
    const auto entries = scan(dirs);

    ASSERT_THAT(ids(entries), testing::ElementsAre("a", "b", "a"));
    EXPECT_EQ(entries[0].broken->code, "manifest_not_json");
    EXPECT_EQ(entries[1].broken->code, "manifest_id_not_directory");
    EXPECT_EQ(find_plugin(entries, "a")->broken->code, "manifest_not_json");
    EXPECT_EQ(find_plugin(entries, "nobody").error().code, "plugin_unknown");
}

TEST(Scan, OpensNoLibrary)
{
    const ScratchDir scratch;
    put(scratch / "a/plugin.json", library_manifest("a"));
    put(scratch / "a/plugin.so", "code");
    const Fd watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    ASSERT_GE(::inotify_add_watch(watch.get(), (scratch / "a/plugin.so").c_str(), IN_OPEN), 0);
    const auto was_opened = [&watch] {
        std::array<char, 4096> events{};
        return ::read(watch.get(), events.data(), events.size()) > 0;
    };

    const std::vector<PluginDir> dirs{{scratch.path()}};
    EXPECT_FALSE(scan(dirs).at(0).broken);
    EXPECT_FALSE(was_opened());

    EXPECT_FALSE(preflight(scan(dirs).at(0).manifest)); // which does, and then we hear of it
    EXPECT_TRUE(was_opened());
}

TEST(PluginDirs, StandInOrderAndOnce)
{
    const ScratchDir scratch;
    fs::create_directories(scratch / "bin");
    const std::vector<fs::path> given{scratch / "mine", scratch / "plugins/", scratch / "mine"};
    const auto dirs = plugin_dirs(given, scratch / "bin");

    ASSERT_GE(dirs.size(), 3U);
    EXPECT_EQ(dirs[0].path.filename(), "mine");
    EXPECT_EQ(dirs[0].origin, Origin::user);
    // Named by the operator or not, what lies beside the program came with it.
    EXPECT_EQ(dirs[1].path, fs::canonical(scratch.path()) / "plugins");
    EXPECT_EQ(dirs[1].origin, Origin::bundled);
    EXPECT_EQ(dirs[2].path, fs::canonical(scratch.path()) / "lib/reelgate/plugins");
    EXPECT_EQ(dirs[2].origin, Origin::bundled);
}

class Preflight : public testing::Test {
protected:
    Manifest program() { return *parse_manifest(program_manifest("p"), scratch_ / "p"); }
    std::string code() { return preflight(program()).error().code; }

    ScratchDir scratch_;
};

TEST_F(Preflight, AProgramMustBeThereAndExecutable)
{
    fs::create_directory(scratch_ / "p");
    EXPECT_EQ(code(), "plugin_missing");
    put(scratch_ / "p/main.sh", "#!/bin/sh\n");
    fs::permissions(scratch_ / "p/main.sh", fs::perms::owner_read);
    EXPECT_EQ(code(), "not_executable");
    fs::permissions(scratch_ / "p/main.sh", fs::perms::owner_all);
    EXPECT_TRUE(preflight(program()));
    fs::remove(scratch_ / "p/main.sh");
    fs::create_directory(scratch_ / "p/main.sh");
    EXPECT_EQ(code(), "not_a_plugin");
}

TEST_F(Preflight, ALinkMustNotLeaveTheDirectory)
{
    put(scratch_ / "outside.sh", "#!/bin/sh\n");
    fs::create_directory(scratch_ / "p");
    fs::create_symlink("../outside.sh", scratch_ / "p/main.sh");
    EXPECT_EQ(code(), "plugin_outside");
}

TEST_F(Preflight, ALibraryIsReadAndNotLoaded)
{
    fs::create_directory(scratch_ / "p");
    fs::copy(REELGATE_BINARY_DIR "/tests/elf/elf_v1.so", scratch_ / "p/plugin.so");
    const Manifest manifest = *parse_manifest(library_manifest("p"), scratch_ / "p");
    EXPECT_TRUE(preflight(manifest));
    fs::remove(scratch_ / "p/plugin.so");
    EXPECT_EQ(preflight(manifest).error().code, "plugin_missing");
}

} // namespace
} // namespace reelgate
