#include "host/base/file.hpp"

#include "tests/fakes/scratch_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <iterator>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

TEST(File, IsReplacedWholeWithTheModeAskedFor)
{
    const ScratchDir scratch;
    const fs::path file = scratch / "deep/er/file";
    ASSERT_TRUE(replace_file(file, "one"));
    ASSERT_TRUE(replace_file(file, "two", 0640));
    EXPECT_EQ(*read_file(file, 3), "two");
    EXPECT_EQ(fs::status(file).permissions(), fs::perms(0640));
    const fs::directory_iterator left(file.parent_path());
    EXPECT_EQ(std::distance(begin(left), end(left)), 1); // nothing stays beside it
}

TEST(File, ThatCannotBeReplacedLeavesNothingBehind)
{
    const ScratchDir scratch;
    fs::create_directories(scratch / "file/is a directory");
    EXPECT_FALSE(replace_file(scratch / "file", "text"));
    const fs::directory_iterator left(scratch.path());
    EXPECT_EQ(std::distance(begin(left), end(left)), 1);
}

TEST(File, HasALimitAndMustBePlain)
{
    const ScratchDir scratch;
    EXPECT_EQ(read_file(scratch / "gone", 10).error().code, "file_missing");
    EXPECT_EQ(read_file(scratch.path(), 10).error().code, "file_unreadable");
    ASSERT_TRUE(replace_file(scratch / "file", "12345"));
    EXPECT_TRUE(read_file(scratch / "file", 5));
    EXPECT_EQ(read_file(scratch / "file", 4).error().code, "file_too_large");
    ASSERT_EQ(::mkfifo((scratch / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(read_file(scratch / "fifo", 10).error().code, "file_unreadable");
}

TEST(File, GrowsByLines)
{
    const ScratchDir scratch;
    ASSERT_TRUE(append_line(scratch / "a/log", "one"));
    ASSERT_TRUE(append_line(scratch / "a/log", "two"));
    EXPECT_EQ(*read_file(scratch / "a/log", 100), "one\ntwo\n");
}

} // namespace
} // namespace reelgate
