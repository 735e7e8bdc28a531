#include "host/plugin/work_dir.hpp"

#include "tests/fakes/scratch_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

struct Row {
    const char* what;
    std::string path;
    std::string code; // empty: it opens
    bool directory = false;
};

TEST(WorkDir, OpensWhatIsInsideAndNothingElse)
{
    const ScratchDir scratch;
    const fs::path dir = scratch / "work";
    fs::create_directories(dir / "sub");
    std::ofstream(scratch / "outside.mp4") << "x";
    std::ofstream(dir / "clip.mp4") << "film";
    std::ofstream(dir / "sub/clip.mp4") << "film";
    std::ofstream(dir / "twice.mp4") << "film";
    std::ofstream(dir / "large.mp4") << std::string(101, 'x');
    fs::create_hard_link(dir / "twice.mp4", scratch / "second-name.mp4");
    fs::create_symlink("clip.mp4", dir / "link.mp4");
    fs::create_directory_symlink("sub", dir / "link");
    ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);

    // clang-format off
    const Row rows[] = {
        {"a file", "clip.mp4", ""},
        {"a file below", "sub/clip.mp4", ""},
        {"out and in again", "../work/clip.mp4", "path_escapes"},
        {"the parent", "../outside.mp4", "path_escapes"},
        {"absolute", (dir / "clip.mp4").string(), "path_escapes"},
        {"empty", "", "path_escapes"},
        {"a NUL", std::string("clip.mp4\0x", 10), "path_escapes"},
        {"a link", "link.mp4", "path_escapes"},
        {"a link on the way", "link/clip.mp4", "path_escapes"},
        {"missing", "none.mp4", "path_missing"},
        {"below a file", "clip.mp4/x", "path_missing"},
        {"a directory", "sub", "not_a_file"},
        {"a pipe", "pipe", "not_a_file"},
        {"a long name", std::string(5000, 'x'), "not_a_file"},
        {"two names", "twice.mp4", "linked"},
        {"too large", "large.mp4", "too_large"},
        {"pictures", "sub", "", true},
        {"pictures that are a file", "clip.mp4", "path_missing", true},
    };
    // clang-format on
    for (const Row& row : rows) {
        const BoundedPath wanted{
            .relative = row.path, .max_bytes = 100, .directory = row.directory};
        const auto opened = open_in_work_dir(dir, wanted);
        EXPECT_EQ(opened ? "" : opened.error().code, row.code) << row.what;
        const Category category = opened ? Category::output_invalid : opened.error().category;
        EXPECT_EQ(category, Category::output_invalid) << row.what;
    }
}

std::string text_of(const fs::path& file)
{
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

TEST(WorkDir, ThatIsALinkIsNotFollowed)
{
    const ScratchDir scratch;
    fs::create_directory(scratch / "neighbour");
    std::ofstream(scratch / "neighbour/clip.mp4") << "film";
    fs::create_directory_symlink("neighbour", scratch / "work");
    const auto opened = open_in_work_dir(scratch / "work", {.relative = "clip.mp4"});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "path_escapes");
}

TEST(WorkDir, ACopyIsWhatWasThereAndStaysThat)
{
    const ScratchDir scratch;
    fs::create_directories(scratch / "work/sub");
    const fs::path offered = scratch / "work/sub/clip.mp4";
    std::ofstream writer(offered);
    writer << "film" << std::flush;
    const fs::path copy = scratch / "kept/film.mp4";
    ASSERT_TRUE(copy_from_work_dir(scratch / "work", {.relative = "sub/clip.mp4"}, copy));
    writer.seekp(0);
    writer << "else" << std::flush; // through what the plugin still has open
    EXPECT_EQ(text_of(offered), "else");
    EXPECT_EQ(text_of(copy), "film");

    // Again, after an attempt that was cut short: nothing of the first one is left in it.
    fs::remove(copy);
    std::ofstream(scratch / "victim") << "precious";
    fs::create_symlink(scratch / "victim", copy);
    ASSERT_TRUE(copy_from_work_dir(scratch / "work", {.relative = "sub/clip.mp4"}, copy));
    EXPECT_EQ(text_of(copy), "else");
    EXPECT_EQ(text_of(scratch / "victim"), "precious");
}

TEST(WorkDir, ACopyIsWholeAcrossFileSystems)
{
    const ScratchDir scratch;
    const fs::path other = "/dev/shm/" + scratch.path().filename().string();
    fs::create_directory(scratch / "work");
    const std::string film(1'000'003, 'x');
    std::ofstream(scratch / "work/clip.mp4") << film;
    const auto copied =
        copy_from_work_dir(scratch / "work", {.relative = "clip.mp4"}, other / "film");
    const std::string kept = text_of(other / "film");
    fs::remove_all(other);
    ASSERT_TRUE(copied) << copied.error().sentence();
    EXPECT_TRUE(kept == film);
}

TEST(WorkDir, WhatMayNotBeOpenedIsNotCopied)
{
    const ScratchDir scratch;
    fs::create_directory(scratch / "work");
    std::ofstream(scratch / "outside.mp4") << "x";
    const auto copied =
        copy_from_work_dir(scratch / "work", {.relative = "../outside.mp4"}, scratch / "copy");
    ASSERT_FALSE(copied);
    EXPECT_EQ(copied.error().code, "path_escapes");
    EXPECT_FALSE(fs::exists(scratch / "copy"));
}

TEST(WorkDir, CopiesPicturesInTheOrderOfTheirNumbers)
{
    const ScratchDir scratch;
    const fs::path dir = scratch / "work";
    fs::create_directories(dir / "out");
    for (const char* name : {"f10.png", "f9.png", "f2_0003.png", "f.png", ".part"})
        std::ofstream(dir / "out" / name) << name;
    const auto copied = copy_pictures_from_work_dir(dir, "out", scratch / "copy", 4);
    ASSERT_TRUE(copied) << copied.error().sentence();
    std::vector<std::string> order;
    for (const char* name : {"00000000", "00000001", "00000002", "00000003"})
        order.push_back(text_of(scratch / "copy" / name));
    EXPECT_EQ(order, (std::vector<std::string>{"f.png", "f2_0003.png", "f9.png", "f10.png"}));
}

TEST(WorkDir, CopiesNoPicturesThatAreNotPlainFilesInside)
{
    const ScratchDir scratch;
    const fs::path dir = scratch / "work";
    std::ofstream(scratch / "secret") << "x";
    const auto code = [&](const char* name) {
        const auto copied = copy_pictures_from_work_dir(dir, name, scratch / "copy", 2);
        return copied ? "ok" : copied.error().code;
    };
    for (const char* name : {"linked", "empty", "many", "nested"})
        fs::create_directories(dir / name);
    fs::create_symlink(scratch / "secret", dir / "linked/0.png");
    fs::create_directory(dir / "nested/0.png");
    for (const char* name : {"1", "2", "3"})
        std::ofstream(dir / "many" / name) << "x";
    EXPECT_EQ(code("linked"), "path_escapes");
    EXPECT_EQ(code("nested"), "not_a_file");
    EXPECT_EQ(code("empty"), "path_missing");
    EXPECT_EQ(code("many"), "too_many");
    EXPECT_EQ(code("none"), "path_missing");
    EXPECT_EQ(code("../secret"), "path_escapes");
}

} // namespace
} // namespace reelgate
