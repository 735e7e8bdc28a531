#include "host/app/new_project.hpp"

#include "host/plugin/manifest.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class NewProjectTest : public testing::Test {
protected:
    NewProjectTest()
    {
        std::string name = (fs::temp_directory_path() / "reelgate-new-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
        root_ = name;
    }
    ~NewProjectTest() override { fs::remove_all(root_); }

    static std::string text_of(const fs::path& file)
    {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    std::vector<fs::path> left_in_root() const
    {
        return {fs::directory_iterator(root_), fs::directory_iterator()};
    }

    fs::path root_;
};

struct Project {
    const char* lang;
    const char* kind;
};

class EveryTemplate : public NewProjectTest, public testing::WithParamInterface<Project> {};

TEST_P(EveryTemplate, IsAWholeProjectWithNothingLeftToFillIn)
{
    const NewProject project{.id = "org.example.slow-motion2",
                             .lang = GetParam().lang,
                             .kind = GetParam().kind,
                             .directory = root_ / "mine"};
    const auto written = write_project(project);
    ASSERT_TRUE(written) << written.error().sentence();
    EXPECT_EQ(*written, root_ / "mine");

    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(*written)) {
        if (!entry.is_regular_file()) continue;
        const std::string text = text_of(entry);
        for (const char* word : {"@ID@", "@NAME@", "@CLASS@", "@CHECK@"})
            EXPECT_THAT(text, Not(HasSubstr(word))) << entry.path();
        const bool executable =
            (entry.status().permissions() & fs::perms::owner_exec) != fs::perms::none;
        EXPECT_EQ(executable, text.starts_with("#!")) << entry.path();
        all += text;
    }
    EXPECT_THAT(all, HasSubstr("org.example.slow-motion2"));
    EXPECT_THAT(text_of(*written / "README.md"), HasSubstr("Slow motion2"));
    EXPECT_THAT(text_of(*written / ".github/workflows/check.yml"), HasSubstr("plugin check"));
    EXPECT_EQ(left_in_root().size(), 1U); // the workshop is gone
}

INSTANTIATE_TEST_SUITE_P(NewProject,
                         EveryTemplate,
                         testing::Values(Project{"cpp", "local"},
                                         Project{"cpp", "remote"},
                                         Project{"c", "local"},
                                         Project{"c", "remote"},
                                         Project{"python", "local"},
                                         Project{"python", "remote"}),
                         [](const auto& row) {
                             return std::string(row.param.lang) + "_" + row.param.kind;
                         });

TEST_F(NewProjectTest, APythonProjectHasAManifestThatTheHostReads)
{
    const auto written =
        write_project({.id = "org.example.mine", .lang = "python", .directory = root_ / "mine/"});
    ASSERT_TRUE(written) << written.error().sentence();
    const auto manifest = read_manifest(*written / "plugin");
    ASSERT_TRUE(manifest) << manifest.error().sentence();
    EXPECT_EQ(manifest->id, "org.example.mine");
    EXPECT_TRUE(manifest->warnings.empty());
    EXPECT_TRUE(fs::exists(manifest->program()));
    EXPECT_TRUE(fs::exists(*written / "plugin/reelgate_worker.py"));
}

struct Bad {
    const char* name;
    NewProject project;
    const char* code;
    const char* said;
};

class NewProjectRefuses : public NewProjectTest, public testing::WithParamInterface<Bad> {};

TEST_P(NewProjectRefuses, WithASentenceAndLeavesNothing)
{
    NewProject project = GetParam().project;
    project.directory = root_ / "mine";
    const auto written = write_project(project);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, GetParam().code);
    EXPECT_THAT(written.error().text, HasSubstr(GetParam().said));
    EXPECT_TRUE(left_in_root().empty());
}

INSTANTIATE_TEST_SUITE_P(
    NewProject,
    NewProjectRefuses,
    testing::Values(
        Bad{
            "NoId", {.id = ""},
             "bad_id", "''"
},
        Bad{"UpperCase", {.id = "org.Example"}, "bad_id", "org.example.mine"},
        Bad{"Space", {.id = "my plugin"}, "bad_id", "my plugin"},
        Bad{"Slash", {.id = "../mine"}, "bad_id", "../mine"},
        Bad{"DotAtTheEnd", {.id = "org.example."}, "bad_id", "org.example."},
        Bad{"EmptyPart", {.id = "org..mine"}, "bad_id", "org..mine"},
        Bad{"NoName", {.id = "org.example.--"}, "bad_id", "--"},
        Bad{"NoSuchLanguage", {.id = "a.b", .lang = "ada"}, "no_template", "'ada'"},
        Bad{"NoSuchKind", {.id = "a.b", .kind = "free"}, "no_template", "free"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(NewProjectTest, WritesNothingOverWhatIsThere)
{
    fs::create_directory(root_ / "mine");
    std::ofstream(root_ / "mine/work.txt") << "of a week";
    const auto written = write_project({.id = "org.example.mine", .directory = root_ / "mine"});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, "directory_exists");
    EXPECT_EQ(text_of(root_ / "mine/work.txt"), "of a week");
    EXPECT_EQ(left_in_root().size(), 1U);
}

TEST_F(NewProjectTest, AnEmptyDirectoryIsTaken)
{
    fs::create_directory(root_ / "mine");
    EXPECT_TRUE(write_project({.id = "org.example.mine", .directory = root_ / "mine"}));
    EXPECT_TRUE(fs::exists(root_ / "mine/README.md"));
}

} // namespace
} // namespace reelgate
