#include "host/plugin/worker_output.hpp"

#include "tests/fakes/scratch_dir.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <ostream>
#include <sstream>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr SteadyTime kBegin{1h};
constexpr WallTime kWall{};
constexpr std::size_t kAll = 1000;

std::string text_of(const std::filesystem::path& file)
{
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

struct Row {
    const char* name;
    std::vector<std::string> portions;
    std::vector<std::string> lines;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class Lines : public testing::TestWithParam<Row> {};

TEST_P(Lines, AreCutOutOfWhatIsPrinted)
{
    WorkerOutput output;
    for (const std::string& portion : GetParam().portions)
        output.feed(portion, kBegin, kWall);
    EXPECT_EQ(output.tail(kAll), GetParam().lines);
    EXPECT_EQ(output.dropped(), 0U);
}

const std::string kFull(kMaxOutputLine, 'x');

INSTANTIATE_TEST_SUITE_P(
    Rows,
    Lines,
    testing::Values(
        Row{
            "nothing", {""},
             {  }
},
        Row{"one", {"hello\n"}, {"hello"}},
        Row{"two_at_once", {"a\nb\n"}, {"a", "b"}},
        Row{"in_portions", {"he", "ll", "o\nwor", "ld\n"}, {"hello", "world"}},
        Row{"an_empty_one", {"a\n\nb\n"}, {"a", "", "b"}},
        Row{"without_its_end", {"a\nhalf"}, {"a", "half"}},
        Row{"what_a_terminal_obeys", {"\x1b[2Jgone\r\a\n"}, {"?[2Jgone??"}},
        Row{"a_tab", {"a\tb\n"}, {"a\tb"}},
        Row{"other_than_ascii", {"gr\xc3\xbc\xc3\x9f\n"}, {"gr\xc3\xbc\xc3\x9f"}},
        Row{"as_long_as_may_be", {kFull + "\n"}, {kFull}},
        Row{"too_long", {kFull + "yz\nnext\n"}, {kFull, "next"}},
        Row{"too_long_in_portions", {kFull, "y", "z\nnext\n"}, {kFull, "next"}}),
    [](const auto& row) { return row.param.name; });

TEST(WorkerOutput, KeepsTheLastLines)
{
    WorkerOutput output;
    for (std::size_t i = 0; i < kOutputRing + 5; ++i)
        output.note(std::to_string(i), kWall);
    const auto all = output.tail(kAll);
    ASSERT_EQ(all.size(), kOutputRing);
    EXPECT_EQ(all.front(), "-- 5");
    EXPECT_THAT(output.tail(2), ElementsAre("-- 203", "-- 204"));
    EXPECT_THAT(output.tail(0), IsEmpty());
}

// A flood costs a line that counts it, and is over with its second.
TEST(WorkerOutput, CountsWhatIsOverTheRate)
{
    WorkerOutput output;
    for (unsigned i = 0; i < kOutputLinesPerSecond + 7; ++i)
        output.feed("flood\n", kBegin + 500ms, kWall);
    EXPECT_EQ(output.dropped(), 7U);
    output.feed("too soon\n", kBegin + 1400ms, kWall);
    EXPECT_EQ(output.dropped(), 8U);
    output.feed("calm\n", kBegin + 1500ms, kWall);
    output.feed("calm again\n", kBegin + 1500ms, kWall);
    EXPECT_EQ(output.dropped(), 8U);
    EXPECT_THAT(output.tail(3),
                ElementsAre("-- 8 lines dropped: too many at once", "calm", "calm again"));
}

TEST(WorkerOutput, NotesAreNotHeldToTheRate)
{
    WorkerOutput output;
    for (unsigned i = 0; i < 2 * kOutputLinesPerSecond; ++i)
        output.note("killed", kWall);
    EXPECT_EQ(output.dropped(), 0U);
}

TEST(WorkerOutput, IsWrittenDownWithItsTime)
{
    const ScratchDir scratch;
    const auto file = scratch / "deep/er/worker.log";
    WorkerOutput(file.parent_path()).feed("first\nhalf", kBegin, kWall);
    WorkerOutput(file.parent_path()).note("started", kWall + 1s);
    EXPECT_THAT(text_of(file),
                testing::MatchesRegex("1970-01-01T00:00:00[^ ]* first\n"
                                      "1970-01-01T00:00:01[^ ]* -- started\n"));
}

TEST(WorkerOutput, ALogThatIsFullMakesRoomForTheNext)
{
    const ScratchDir scratch;
    WorkerOutput output(scratch.path());
    const auto fill = [&](WorkerOutput& with) {
        while (std::filesystem::file_size(scratch / "worker.log") < kMaxLogFile)
            with.note(std::string(kMaxOutputLine, 'x'), kWall);
    };
    fill(output);
    EXPECT_FALSE(std::filesystem::exists(scratch / "worker.log.1"));
    output.note("the next file", kWall);
    EXPECT_GE(std::filesystem::file_size(scratch / "worker.log.1"), kMaxLogFile);
    EXPECT_THAT(text_of(scratch / "worker.log"), testing::EndsWith(" -- the next file\n"));
    EXPECT_LT(std::filesystem::file_size(scratch / "worker.log"), 100U);

    WorkerOutput later(scratch.path()); // knows how long the file is already
    fill(later);
    later.note("and the next", kWall);
    EXPECT_THAT(text_of(scratch / "worker.log.1"), HasSubstr("the next file"));
}

TEST(WorkerOutput, AFullLogThatCannotBeMovedGrowsNoFurther)
{
    const ScratchDir scratch;
    std::ofstream(scratch / "worker.log") << std::string(kMaxLogFile, 'x');
    std::filesystem::create_directories(scratch / "worker.log.1/in the way");
    WorkerOutput output(scratch.path());
    output.note("one", kWall);
    output.note("two", kWall);
    EXPECT_EQ(std::filesystem::file_size(scratch / "worker.log"), kMaxLogFile);
    EXPECT_THAT(output.tail(kAll), ElementsAre("-- one", HasSubstr("cannot be renamed"), "-- two"));
}

// What may lie where the file should be. Each of them would hold the host up, or lead it elsewhere.
struct InTheWay {
    const char* name;
    void (*put)(const std::filesystem::path& log, const std::filesystem::path& victim);
};
void PrintTo(const InTheWay& row, std::ostream* out) { *out << row.name; }

class NoPlainFile : public testing::TestWithParam<InTheWay> {};

TEST_P(NoPlainFile, IsNeitherWaitedForNorWritten)
{
    const ScratchDir scratch;
    std::ofstream(scratch / "victim") << "untouched";
    GetParam().put(scratch / "worker.log", scratch / "victim");
    WorkerOutput output(scratch.path());
    output.note("said", kWall);
    EXPECT_EQ(text_of(scratch / "victim"), "untouched");
    EXPECT_THAT(output.tail(kAll), ElementsAre(HasSubstr("no worker.log is written"), "-- said"));
}

void make_fifo(const std::filesystem::path& log) { ASSERT_EQ(::mkfifo(log.c_str(), 0600), 0); }

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, NoPlainFile, testing::Values(
    InTheWay{"fifo", [](const auto& log, const auto&) { make_fifo(log); }},
    InTheWay{"fifo_that_is_read", [](const auto& log, const auto&) {
        make_fifo(log);
        ASSERT_GE(::open(log.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC), 0); // until the program ends
    }},
    InTheWay{"directory", [](const auto& log, const auto&) { std::filesystem::create_directory(log); }},
    InTheWay{"link", [](const auto& log, const auto& victim) { std::filesystem::create_symlink(victim, log); }},
    InTheWay{"link_to_nothing", [](const auto& log, const auto& victim) {
        std::filesystem::create_symlink(victim.string() + "2", log);
    }}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

} // namespace
} // namespace reelgate
