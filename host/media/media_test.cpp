#include "host/media/media.hpp"

#include "host/media/answer.hpp"
#include "host/media/sample_video.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

namespace reelgate {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

MediaTool real_tool() { return {std::string(REELGATE_BINARY_DIR) + "/bin/reelgate-media"}; }

bool no_child_is_left() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

std::string code_of(const Result<MediaFacts>& outcome)
{
    return outcome ? "ok"
                   : std::string(to_string(outcome.error().category)) + "/" + outcome.error().code;
}

TEST(Media, FactsComeThroughTheProcess)
{
    const TempDir dir;
    write_sample(dir / "clip.mp4", {.audio_encoder = "aac", .frames = 24, .movflags = "faststart"});

    const Result<MediaFacts> facts = probe_media(real_tool(), dir / "clip.mp4", {});

    ASSERT_TRUE(facts) << facts.error().sentence();
    EXPECT_EQ(facts->container, "mp4");
    EXPECT_EQ(facts->video_codec, "h264");
    EXPECT_EQ(facts->pixel_format, "yuv420p");
    EXPECT_EQ(facts->width, 64U);
    EXPECT_EQ(facts->height, 48U);
    EXPECT_EQ(facts->fps, 24);
    EXPECT_EQ(facts->frames, 24U);
    EXPECT_EQ(facts->seconds, 1);
    EXPECT_TRUE(facts->faststart);
    EXPECT_EQ(facts->audio_codec, "aac");
    EXPECT_GT(facts->audio_seconds, 0.9);
    EXPECT_TRUE(no_child_is_left());
}

// ---- what stands at the path --------------------------------------------------------------------

struct PathRow {
    const char* name;
    void (*put)(const std::filesystem::path& file);
    const char* code;
};

class AtThePath : public testing::TestWithParam<PathRow> {};

TEST_P(AtThePath, IsAnsweredAndNothingWaits)
{
    const TempDir dir;
    GetParam().put(dir / "-file.mp4"); // and the dash makes no option of it
    EXPECT_EQ(code_of(probe_media(real_tool(), dir / "-file.mp4", {})), GetParam().code);
    EXPECT_TRUE(no_child_is_left());
}

void put_socket(const std::filesystem::path& file)
{
    const Fd end(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    file.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what bind() takes
    ASSERT_EQ(::bind(end.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

void put_link(const std::filesystem::path& file)
{
    write_bytes(file.string() + ".target", y4m({64, 48}, 2, 24));
    std::filesystem::create_symlink(file.string() + ".target", file);
}

// Five gigabytes of nothing, which take no room on the disk.
void put_large(const std::filesystem::path& file)
{
    write_bytes(file, y4m({64, 48}, 2, 24));
    std::filesystem::resize_file(file, std::uintmax_t{5} << 30);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachThing, AtThePath, testing::Values(
    PathRow{"Video",     [](const auto& file) { write_bytes(file, y4m({64, 48}, 2, 24)); }, "ok"},
    PathRow{"Nothing",   [](const auto&) {}, "artifact_unavailable/file_missing"},
    PathRow{"Empty",     [](const auto& file) { write_bytes(file, {}); }, "output_invalid/empty"},
    PathRow{"Directory", [](const auto& file) { std::filesystem::create_directory(file); }, "output_invalid/not_a_file"},
    PathRow{"Link",      put_link, "output_invalid/not_a_file"},
    PathRow{"Fifo",      [](const auto& file) { ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0); }, "output_invalid/not_a_file"},
    PathRow{"Socket",    put_socket, "output_invalid/not_a_file"},
    PathRow{"Large",     put_large, "output_invalid/too_large"},
    PathRow{"Page",      [](const auto& file) { std::ofstream(file) << "<html>"; }, "output_invalid/not_media"},
    PathRow{"Playlist",  [](const auto& file) { std::ofstream(file) << "#EXTM3U\n/etc/passwd\n"; }, "output_invalid/unsupported_container"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Media, LimitsReachTheProcess)
{
    const TempDir dir;
    write_bytes(dir / "clip.y4m", y4m({64, 48}, 8, 24));
    const auto with = [&](const ProbeLimits& file) {
        return code_of(probe_media(real_tool(), dir / "clip.y4m", {.file = file}));
    };
    EXPECT_EQ(with({.max_frames = 7}), "output_invalid/too_large");
    EXPECT_EQ(with({.max_pixels = 100}), "output_invalid/too_large");
    EXPECT_EQ(with({.max_bytes = 100}), "output_invalid/too_large");
    EXPECT_EQ(with({}), "ok");
}

// A picture within a caller's generous limits that no machine should hold in memory.
TEST(Media, MemoryIsLimitedWhateverTheCallerAllows)
{
#if defined(REELGATE_UNDER_ASAN) || defined(REELGATE_UNDER_TSAN)
    GTEST_SKIP() << "a sanitizer's shadow needs all the address space there is";
#endif
    const TempDir dir;
    write_sample(dir / "small.png", {.muxer = "", .encoder = "png", .frames = 1});
    Bytes bytes = bytes_of(dir / "small.png");
    constexpr std::size_t kWidth = 16; // in the IHDR chunk: two times 0x00003e80, 16000
    constexpr std::size_t kDepth = 24;
    for (const std::size_t at : {kWidth, kWidth + 4}) {
        bytes[at + 2] = 0x3e;
        bytes[at + 3] = 0x80;
    }
    bytes[kDepth] = 16; // bits a sample: 1.5 GB in all
    write_bytes(dir / "large.png", bytes);

    const MediaLimits limits{.file = {.max_pixels = std::uint64_t{1} << 30}};
    EXPECT_EQ(code_of(probe_media(real_tool(), dir / "large.png", limits)),
              "output_invalid/too_large");
}

// ---- a process that misbehaves ------------------------------------------------------------------

struct ToolRow {
    const char* name;
    const char* script;
    const char* code;
    std::chrono::milliseconds wall = 1min;
};

class Tool : public testing::TestWithParam<ToolRow> {};

MediaTool scripted(const TempDir& dir, const std::string& script)
{
    std::ofstream(dir / "tool") << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(dir / "tool", std::filesystem::perms::owner_all);
    return {dir / "tool"};
}

TEST_P(Tool, EndsInAnErrorAndLeavesNoProcess)
{
    const TempDir dir;
    const MediaTool tool = scripted(dir, GetParam().script);
    EXPECT_EQ(code_of(probe_media(tool, dir / "clip.mp4", {.wall = GetParam().wall})),
              GetParam().code);
    EXPECT_TRUE(no_child_is_left());
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachWay, Tool, testing::Values(
    ToolRow{"Segfault",   "kill -SEGV $$", "output_invalid/media_crashed"},
    ToolRow{"CrashAfterAnswer", "echo '{\"ok\":true}'; kill -ABRT $$", "output_invalid/media_crashed"},
    ToolRow{"CpuLimit",   "kill -XCPU $$", "output_invalid/media_timeout"},
    ToolRow{"Hang",       "exec sleep 60", "output_invalid/media_timeout", 200ms},
    ToolRow{"HangSilent", "exec sleep 60 >/dev/null", "output_invalid/media_timeout", 200ms},
    ToolRow{"HangTalking","echo '{\"ok\":'; exec sleep 60", "output_invalid/media_timeout", 200ms},
    ToolRow{"Flood",      "exec yes", "output_invalid/media_bad_answer"},
    ToolRow{"Silence",    "exit 0", "output_invalid/media_bad_answer"},
    ToolRow{"BadStatus",  "exit 3", "output_invalid/media_bad_answer"},
    ToolRow{"NotJson",    "echo hello", "output_invalid/media_bad_answer"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Media, MissingProgramIsTheHostsFault)
{
    const Result<MediaFacts> outcome =
        probe_media({"/nonexistent/reelgate-media"}, "/dev/null", {});
    ASSERT_EQ(code_of(outcome), "internal/media_unavailable");
    EXPECT_THAT(outcome.error().text, HasSubstr("/nonexistent/reelgate-media"));
    EXPECT_FALSE(outcome.error().hint.empty());
}

TEST(Media, ChildSeesNeitherEnvironmentNorDescriptors)
{
    constexpr int kInherited = 77;
    const TempDir dir;
    ASSERT_EQ(::setenv("REELGATE_TEST_SECRET", "s3cret", 1), 0);
    ASSERT_EQ(::dup2(STDERR_FILENO, kInherited), kInherited);
    const Fd inherited(kInherited);
    const MediaTool tool =
        scripted(dir,
                 "seen=\"[$REELGATE_TEST_SECRET]\"; [ -e /proc/$$/fd/77 ] && seen=\"$seen fd\"\n"
                 "echo '{\"ok\":false,\"error\":{\"category\":\"output_invalid\",\"code\":\"seen\","
                 "\"text\":\"'\"$seen\"'\"}}'");

    const Result<MediaFacts> outcome = probe_media(tool, dir / "clip.mp4", {});

    ASSERT_EQ(code_of(outcome), "output_invalid/seen");
    EXPECT_EQ(outcome.error().text, "[]");
}

// ---- the answer ---------------------------------------------------------------------------------

TEST(Answer, ComesBackAsItWas)
{
    MediaFacts facts;
    facts.container = "webm";
    facts.width = 832;
    facts.fps = 24000.0 / 1001;
    facts.frames = 81;
    facts.audio_codec = "opus";
    facts.audio_seconds = 3.375;
    const Result<MediaFacts> back = answer_from(answer_text(facts));
    ASSERT_TRUE(back) << back.error().sentence();
    EXPECT_EQ(back->container, facts.container);
    EXPECT_EQ(back->width, facts.width);
    EXPECT_EQ(back->fps, facts.fps);
    EXPECT_EQ(back->frames, facts.frames);
    EXPECT_EQ(back->audio_codec, facts.audio_codec);
    EXPECT_EQ(back->audio_seconds, facts.audio_seconds);

    const Error error{.category = Category::output_invalid, .text = "cut", .code = "truncated"};
    const Result<MediaFacts> failure = answer_from(answer_text(error));
    EXPECT_EQ(code_of(failure), "output_invalid/truncated");
    EXPECT_EQ(failure.error().text, "cut");
}

TEST(Answer, WithBytesThatAreNoTextIsStillAnAnswer)
{
    const Error error{.category = Category::output_invalid, .text = "box '\xff\xfe'", .code = "x"};
    EXPECT_EQ(code_of(answer_from(answer_text(error))), "output_invalid/x");
}

struct AnswerRow {
    const char* name;
    const char* text;
};

class BadAnswer : public testing::TestWithParam<AnswerRow> {};

TEST_P(BadAnswer, IsNotBelieved)
{
    EXPECT_EQ(code_of(answer_from(GetParam().text)), "output_invalid/media_bad_answer");
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachWay, BadAnswer, testing::Values(
    AnswerRow{"Nothing",      ""},
    AnswerRow{"Half",         R"({"ok":true,"facts":{"container":"mp4")"},
    AnswerRow{"TwoAnswers",   R"({"ok":true} {"ok":true})"},
    AnswerRow{"NoObject",     "[1,2]"},
    AnswerRow{"NoFacts",      R"({"ok":true})"},
    AnswerRow{"FactsMissing", R"({"ok":true,"facts":{"container":"mp4"}})"},
    AnswerRow{"OkNoBoolean",  R"({"ok":"yes"})"},
    AnswerRow{"NoError",      R"({"ok":false})"},
    AnswerRow{"NoCategory",   R"({"ok":false,"error":{"category":"oops","code":"a","text":"b"}})"},
    // A child that a file has taken over may not speak of money or accounts.
    AnswerRow{"NotItsToSay",  R"({"ok":false,"error":{"category":"quota_exhausted","code":"a","text":"b"}})"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

} // namespace
} // namespace reelgate
