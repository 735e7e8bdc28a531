#include "host/plugin/sums.hpp"

#include "tests/fakes/scratch_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kA(64, 'a');
const std::string kB(64, 'b');

TEST(Sums, AreReadAsSha256sumWritesThem)
{
    const auto sums = parse_sums(kB + "  ./lib/b.so\n" + kA + " *a.so\n", "S");
    ASSERT_TRUE(sums) << sums.error().sentence();
    EXPECT_EQ(*sums,
              (FileSums{
                  {"a.so",     kA},
                  {"lib/b.so", kB}
    }));
    EXPECT_TRUE(parse_sums("", "S")->empty());
}

struct BadSums {
    const char* name;
    std::string text;
    const char* says;
};
class SumsAreRefused : public testing::TestWithParam<BadSums> {};

TEST_P(SumsAreRefused, WithTheirLine)
{
    const auto sums = parse_sums(GetParam().text, "S");
    ASSERT_FALSE(sums);
    EXPECT_EQ(sums.error().code, "sums_malformed");
    EXPECT_THAT(sums.error().text, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Each,
    SumsAreRefused,
    testing::Values(BadSums{"Words", "hello\n", "S:1"},
                    BadSums{"ShortHash", kA + "  a\n" + kA.substr(1) + "   b\n", "S:2"},
                    BadSums{"CapitalHash", std::string(64, 'A') + "  a\n", "S:1"},
                    BadSums{"OneSpace", kA + " a\n", "S:1"},
                    BadSums{"NoName", kA + "  \n", "S:1"},
                    BadSums{"Absolute", kA + "  /etc/passwd\n", "outside"},
                    BadSums{"Parent", kA + "  a/../../b\n", "outside"},
                    BadSums{"Escaped", "\\" + kA + "  a\\nb\n", "S:1"},
                    BadSums{"Twice", kA + "  a\n" + kB + "  ./a\n", "lists a twice"}),
    [](const auto& row) { return row.param.name; });

struct Compared {
    const char* name;
    FileSums promised;
    FileSums found;
    const char* code; // empty: the same
    std::vector<const char*> says;
};
class SumsAreCompared : public testing::TestWithParam<Compared> {};

TEST_P(SumsAreCompared, AndEachFileIsNamed)
{
    const Compared& row = GetParam();
    const auto same = compare_sums(row.promised, row.found, "/p/x");
    EXPECT_EQ(same ? "" : same.error().code, row.code);
    for (const char* part : row.says)
        EXPECT_THAT(same.error().text, HasSubstr(part));
}

INSTANTIATE_TEST_SUITE_P(
    Each,
    SumsAreCompared,
    testing::Values(
        Compared{
            "Same", {{"a", kA},  {"b", kB}},
             {{"a", kA},          {"b", kB}},
             "", {                  }
},
        Compared{"Changed", {{"a", kA}}, {{"a", kB}}, "sums_changed", {"/p/x", "changed a"}},
        Compared{"Missing", {{"a", kA}, {"b", kB}}, {{"a", kA}}, "sums_missing", {"missing b"}},
        Compared{"Extra", {{"a", kA}}, {{"a", kA}, {"c", kB}}, "sums_extra", {"not listed c"}},
        Compared{"All",
                 {{"a", kA}, {"b", kB}},
                 {{"a", kB}, {"c", kB}},
                 "sums_changed",
                 {"changed a", "missing b", "not listed c"}},
        Compared{"Many",
                 {},
                 {{"1", kA}, {"2", kA}, {"3", kA}, {"4", kA}, {"5", kA}, {"6", kA}, {"7", kA}},
                 "sums_extra",
                 {"not listed 1, 2, 3, 4, 5 and 2 more"}}),
    [](const auto& row) { return row.param.name; });

class SumDirectory : public testing::Test {
protected:
    void put(const std::string& name, const std::string& text)
    {
        fs::create_directories((scratch_ / name).parent_path());
        std::ofstream(scratch_ / name) << text;
    }
    Result<FileSums> sums()
    {
        HashCache none;
        return sum_directory(scratch_.path(), none);
    }

    ScratchDir scratch_;
};

TEST_F(SumDirectory, CoversEveryFileAndEveryByte)
{
    put("plugin.json", "{}");
    put("lib/deep/.hidden", "x");
    const auto before = sums();
    ASSERT_TRUE(before) << before.error().sentence();
    ASSERT_EQ(before->size(), 2U);
    EXPECT_EQ((*before)[0].path, "lib/deep/.hidden");
    EXPECT_EQ((*before)[1].sha256, // printf '{}' | sha256sum
              "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    put("lib/deep/.hidden", "y");
    EXPECT_NE(identity_of(*before), identity_of(*sums()));
}

TEST_F(SumDirectory, TheIdentityKnowsNames)
{
    EXPECT_NE(identity_of({
                  {"a", kA},
                  {"b", kB}
    }),
              identity_of({{"a", kB}, {"b", kA}}));
}

TEST_F(SumDirectory, ALinkIsTheFileItLeadsTo)
{
    put("lib/a.so.1", "x");
    fs::create_symlink("a.so.1", scratch_ / "lib/a.so");
    const auto found = sums();
    ASSERT_TRUE(found) << found.error().sentence();
    ASSERT_EQ(found->size(), 2U);
    EXPECT_EQ((*found)[0].path, "lib/a.so");
    EXPECT_EQ((*found)[0].sha256, (*found)[1].sha256);
}

TEST_F(SumDirectory, WhatCannotBeHashedIsRefused)
{
    fs::create_symlink("/etc/hostname", scratch_ / "out");
    EXPECT_EQ(sums().error().code, "odd_file");
    fs::remove(scratch_ / "out");
    fs::create_symlink("nowhere", scratch_ / "gone");
    EXPECT_EQ(sums().error().code, "odd_file");
    fs::remove(scratch_ / "gone");
    fs::create_directory(scratch_ / "sub");
    fs::create_symlink("sub", scratch_ / "dir");
    EXPECT_EQ(sums().error().code, "odd_file");
    fs::remove(scratch_ / "dir");
    ASSERT_EQ(::mkfifo((scratch_ / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(sums().error().code, "odd_file");
    fs::remove(scratch_ / "fifo");
    EXPECT_TRUE(sums());
    put("a\n" + kB + "  b", "x"); // would have the identity of the two files a and b
    EXPECT_EQ(sums().error().code, "odd_file");
}

TEST(HashCache, RemembersWhatIsOldEnoughAcrossLives)
{
    const ScratchDir scratch;
    std::ofstream(scratch / "file") << "x";
    const auto later = SystemClock().wall() + std::chrono::minutes(1);
    std::string first;
    {
        HashCache cache(scratch / "cache.json");
        first = *cache.sha256(scratch / "file", later);
        EXPECT_EQ(cache.hits(), 0U);
        ASSERT_TRUE(cache.save());
    }
    HashCache cache(scratch / "cache.json");
    EXPECT_EQ(*cache.sha256(scratch / "file", later), first);
    EXPECT_EQ(cache.hits(), 1U);
    std::ofstream(scratch / "file") << "yy";
    EXPECT_NE(*cache.sha256(scratch / "file", later), first);
    EXPECT_EQ(cache.hits(), 1U);
}

TEST(HashCache, DoesNotBelieveAFileThatHasJustChanged)
{
    const ScratchDir scratch;
    std::ofstream(scratch / "file") << "x";
    HashCache cache;
    const auto now = SystemClock().wall();
    ASSERT_TRUE(cache.sha256(scratch / "file", now));
    ASSERT_TRUE(cache.sha256(scratch / "file", now));
    EXPECT_EQ(cache.hits(), 0U);
}

TEST(HashCache, ADamagedFileIsAnEmptyCache)
{
    const ScratchDir scratch;
    std::ofstream(scratch / "file") << "x";
    for (const char* text :
         {"", "{", "[]", R"({"files": 1})", R"({"files": {"a": 1, "b": "c"}})"}) {
        std::ofstream(scratch / "cache.json") << text;
        HashCache cache(scratch / "cache.json");
        EXPECT_TRUE(cache.sha256(scratch / "file", SystemClock().wall())) << text;
        EXPECT_EQ(cache.hits(), 0U) << text;
    }
}

} // namespace
} // namespace reelgate
