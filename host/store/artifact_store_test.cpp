#include "host/store/artifact_store.hpp"

#include "host/base/digest.hpp"
#include "host/base/file.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const JobId kJob("video_00112233445566778899aabbccddeeff");

std::string read_all(int fd)
{
    std::string text(1 << 16, '\0');
    const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
}

class ArtifactStoreTest : public testing::Test {
protected:
    ArtifactStoreTest() : store(*ArtifactStore::open(scratch / "artifacts")) {}

    fs::path offer(const std::string& text, const std::string& name = "out.mp4") const
    {
        std::ofstream(scratch / name, std::ios::binary) << text;
        return scratch / name;
    }

    Result<StoredFile> adopt(const fs::path& file) const
    {
        return store.adopt(kJob, "video", "video/mp4", file);
    }

    std::string content(const StoredFile& file) const
    {
        const auto opened = store.open_file(file);
        return opened ? read_all(opened->fd.get()) : opened.error().code;
    }

    std::vector<std::string> files() const
    {
        std::vector<std::string> found;
        for (const auto& entry : fs::recursive_directory_iterator(scratch / "artifacts"))
            if (!entry.is_directory()) found.push_back(entry.path().filename());
        return found;
    }

    ScratchDir scratch;
    ArtifactStore store;
};

TEST_F(ArtifactStoreTest, TakesAFile)
{
    const fs::path file = offer("film");
    const auto stored = adopt(file);
    ASSERT_TRUE(stored) << stored.error().sentence();
    EXPECT_FALSE(fs::exists(file));
    EXPECT_EQ(stored->role, "video");
    EXPECT_EQ(stored->mime, "video/mp4");
    EXPECT_EQ(stored->sha256, sha256_hex("film"));
    EXPECT_EQ(stored->bytes, 4U);
    EXPECT_TRUE(fs::path(stored->path).is_relative());
    EXPECT_EQ(fs::path(stored->path).extension(), ".mp4");
    EXPECT_EQ(content(*stored), "film");
    const auto again = ArtifactStore::open(scratch / "artifacts"); // after a restart
    ASSERT_TRUE(again);
    const auto opened = again->open_file(*stored);
    ASSERT_TRUE(opened) << opened.error().sentence();
    EXPECT_GT(opened->modified, WallTime{});
    EXPECT_EQ(opened->file, *stored);
}

TEST_F(ArtifactStoreTest, IsClosedToOthers)
{
    struct stat facts {};
    ASSERT_EQ(::stat((scratch / "artifacts").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0700U);
}

TEST_F(ArtifactStoreTest, TakesTheSameFileTwice)
{
    const auto first = adopt(offer("film"));
    const auto second = adopt(offer("film"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first, *second);
    EXPECT_EQ(files().size(), 1U);
}

TEST_F(ArtifactStoreTest, AnotherContentLeavesTheFirstAlone)
{
    const auto first = adopt(offer("film"));
    const auto second = adopt(offer("other film"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(content(*first), "film");
    EXPECT_EQ(content(*second), "other film");
}

TEST_F(ArtifactStoreTest, TakesAFileFromAnotherFileSystem)
{
    const fs::path elsewhere = "/dev/shm/reelgate-" + std::to_string(::getpid());
    std::ofstream(elsewhere, std::ios::binary) << "film";
    struct stat here {};
    struct stat there {};
    ASSERT_EQ(::stat(scratch.path().c_str(), &here), 0);
    if (::stat(elsewhere.c_str(), &there) != 0 || here.st_dev == there.st_dev) {
        fs::remove(elsewhere);
        GTEST_SKIP() << "there is only one file system here";
    }
    const auto stored = adopt(elsewhere);
    EXPECT_FALSE(fs::exists(elsewhere));
    fs::remove(elsewhere);
    ASSERT_TRUE(stored) << stored.error().sentence();
    EXPECT_EQ(content(*stored), "film");
    EXPECT_EQ(files().size(), 1U);
}

TEST_F(ArtifactStoreTest, WritesATextBesideTheVideo)
{
    const auto video = adopt(offer("film"));
    const auto summary = store.write(kJob, "summary", "application/json", "{}");
    ASSERT_TRUE(video && summary);
    EXPECT_EQ(content(*summary), "{}");
    EXPECT_EQ(summary->sha256, sha256_hex("{}"));
    EXPECT_EQ(fs::path(summary->path).parent_path(), fs::path(video->path).parent_path());
    EXPECT_EQ(fs::path(summary->path).extension(), ".json");
    EXPECT_EQ(*store.write(kJob, "summary", "application/json", "{}"), *summary);
}

TEST_F(ArtifactStoreTest, ReadersKeepWhatIsRemoved)
{
    const auto stored = adopt(offer("film"));
    ASSERT_TRUE(stored);
    const auto reader = store.open_file(*stored);
    ASSERT_TRUE(reader);
    ASSERT_TRUE(store.remove(kJob));
    EXPECT_EQ(read_all(reader->fd.get()), "film");
    EXPECT_THAT(files(), IsEmpty());
    const auto late = store.open_file(*stored);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().category, Category::not_found);
    EXPECT_EQ(late.error().code, "video_expired");
    EXPECT_TRUE(store.remove(kJob)) << "nothing is left to remove, and that is well";
}

TEST_F(ArtifactStoreTest, RemovesTheFilesOfOneJobOnly)
{
    const JobId other("video_ff112233445566778899aabbccddeeff"); // in the same directory above
    const auto kept = store.adopt(other, "video", "video/mp4", offer("kept"));
    ASSERT_TRUE(kept && adopt(offer("film")));
    ASSERT_TRUE(store.remove(kJob));
    EXPECT_EQ(content(*kept), "kept");
}

TEST_F(ArtifactStoreTest, ClearsAwayWhatACrashLeft)
{
    const auto stored = adopt(offer("film"));
    ASSERT_TRUE(stored);
    std::ofstream(scratch / "artifacts/incoming/AbCdEf") << "half a fi";
    const auto again = ArtifactStore::open(scratch / "artifacts");
    ASSERT_TRUE(again);
    EXPECT_THAT(files(), UnorderedElementsAre(fs::path(stored->path).filename().string()));
}

TEST_F(ArtifactStoreTest, SaysWhatIsNoLongerTheFileThatWasStored)
{
    const auto stored = adopt(offer("film"));
    ASSERT_TRUE(stored);
    fs::resize_file(scratch / "artifacts" / stored->path, 2);
    const auto opened = store.open_file(*stored);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().category, Category::artifact_unavailable);
    EXPECT_EQ(opened.error().code, "file_damaged");
}

TEST_F(ArtifactStoreTest, KnowsHowMuchSpaceIsLeft) { EXPECT_GT(store.free_bytes(), 0U); }

// What is no plain file stays where it is.
struct Refused {
    const char* name;
    void (*make)(const fs::path& file);
    Category category;
    const char* code;
};

// clang-format off
const Refused kRefused[] = {
    {"Missing", [](const fs::path&) {}, Category::not_found, "file_missing"},
    {"Link", [](const fs::path& file) { fs::create_symlink("/etc/hostname", file); },
     Category::output_invalid, "linked"},
    {"SecondName", [](const fs::path& file) {
         std::ofstream(file.string() + ".other") << "film";
         fs::create_hard_link(file.string() + ".other", file);
     }, Category::output_invalid, "linked"},
    {"Directory", [](const fs::path& file) { fs::create_directory(file); },
     Category::output_invalid, "not_a_file"},
    {"Fifo", [](const fs::path& file) { ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0); },
     Category::output_invalid, "not_a_file"},
};
// clang-format on

TEST_F(ArtifactStoreTest, RefusesWhatIsNoPlainFile)
{
    for (const Refused& row : kRefused) {
        const fs::path file = scratch / row.name;
        row.make(file);
        const auto before = fs::symlink_status(file).type();
        const auto stored = adopt(file);
        ASSERT_FALSE(stored) << row.name;
        EXPECT_EQ(stored.error().category, row.category) << row.name;
        EXPECT_EQ(stored.error().code, row.code) << row.name;
        EXPECT_EQ(fs::symlink_status(file).type(), before) << row.name;
    }
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(ArtifactStoreTest, NothingLeadsOutOfTheDirectory)
{
    const fs::path file = offer("film");
    for (const char* id : {"", "x", "../../video_aa", "video_aa/..", "a.b"})
        EXPECT_FALSE(store.adopt(JobId(id), "video", "video/mp4", file)) << id;
    for (const char* role : {"", "../video", "a/b", "."})
        EXPECT_FALSE(store.adopt(kJob, role, "video/mp4", file)) << role;
    EXPECT_FALSE(store.remove(JobId("..")));
    for (const char* path : {"/etc/hostname", "../out.mp4", "ab/../../out.mp4", ""}) {
        const auto opened = store.open_file({"video", path, "video/mp4", "", 4});
        ASSERT_FALSE(opened) << path;
        EXPECT_EQ(opened.error().category, Category::internal) << path;
    }
    EXPECT_TRUE(fs::exists(file));
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(ArtifactStoreTest, OpensNoLink)
{
    const auto stored = adopt(offer("film"));
    ASSERT_TRUE(stored);
    const fs::path place = scratch / "artifacts" / stored->path;
    fs::rename(place, scratch / "elsewhere");
    fs::create_symlink(scratch / "elsewhere", place);
    EXPECT_FALSE(store.open_file(*stored));
}

TEST_F(ArtifactStoreTest, LeavesTheFileWhereItWasWhenThereIsNoPlaceForIt)
{
    const fs::path file = offer("film");
    fs::remove_all(scratch / "artifacts");
    std::ofstream(scratch / "artifacts") << "not a directory";
    const auto stored = adopt(file);
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().phase, Phase::store);
    std::string text;
    std::ifstream(file) >> text;
    EXPECT_EQ(text, "film");
}

// Whoever wrote it may not have stopped. One round in which it was written to while it was hashed
// or moved must be seen as such; the few before are those that were quicker than the writer.
TEST_F(ArtifactStoreTest, RefusesAFileThatIsStillBeingWritten)
{
    constexpr int kRounds = 100;
    std::optional<Error> seen;
    for (int round = 0; round < kRounds && !seen; ++round) {
        const fs::path file = offer(std::string(1 << 20, 'x'));
        std::atomic<bool> done{false};
        std::thread writer([&] {
            std::ofstream out(file, std::ios::binary | std::ios::app);
            while (!done)
                out << 'x' << std::flush;
        });
        const auto stored = adopt(file);
        done = true;
        writer.join();
        if (stored) continue;
        seen = stored.error();
        EXPECT_TRUE(fs::exists(file));
    }
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->category, Category::output_invalid);
    EXPECT_EQ(seen->code, "changed_meanwhile");
}

} // namespace
} // namespace reelgate
