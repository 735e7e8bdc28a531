#include "host/plugin/work_dir.hpp"

#include "tests/fakes/scratch_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

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

} // namespace
} // namespace reelgate
