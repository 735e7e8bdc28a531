#include "tests/fakes/scratch_dir.hpp"
#include "tests/fakes/test_pattern.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <numeric>
#include <set>
#include <sstream>
#include <vector>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace reelgate {
namespace {

// What a player sees: everything decoded, nothing believed.
struct Seen {
    int width = 0;
    int height = 0;
    double fps = 0;
    double seconds = 0;
    int colour_space = 0;
    int pixel_format = 0;
    std::vector<std::uint64_t> pictures; // a checksum of each
    bool audio = false;
    double audio_seconds = 0;
};

std::uint64_t checksum(const AVFrame& frame)
{
    std::uint64_t sum = 14695981039346656037U;
    for (int y = 0; y < frame.height; ++y)
        for (int x = 0; x < frame.width; ++x)
            sum = (sum ^ frame.data[0][y * frame.linesize[0] + x]) * 1099511628211U;
    return sum;
}

void decode(AVFormatContext& film, const AVStream& stream, Seen& seen)
{
    const AVCodec* decoder = avcodec_find_decoder(stream.codecpar->codec_id);
    AVCodecContext* codec = avcodec_alloc_context3(decoder);
    avcodec_parameters_to_context(codec, stream.codecpar);
    codec->thread_count = 1;
    ASSERT_EQ(avcodec_open2(codec, decoder, nullptr), 0);
    AVPacket* packet = av_packet_alloc();
    AVFrame* frame = av_frame_alloc();
    bool more = true;
    while (more) {
        more = av_read_frame(&film, packet) == 0;
        if (more && packet->stream_index != stream.index) {
            av_packet_unref(packet);
            continue;
        }
        ASSERT_EQ(avcodec_send_packet(codec, more ? packet : nullptr), 0);
        av_packet_unref(packet);
        while (avcodec_receive_frame(codec, frame) == 0)
            seen.pictures.push_back(checksum(*frame));
    }
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&codec);
}

Seen look_at(const std::filesystem::path& file)
{
    Seen seen;
    AVFormatContext* film = nullptr;
    EXPECT_EQ(avformat_open_input(&film, file.c_str(), nullptr, nullptr), 0);
    if (film == nullptr) return seen;
    EXPECT_GE(avformat_find_stream_info(film, nullptr), 0);
    const AVStream* video = nullptr;
    for (unsigned i = 0; i < film->nb_streams; ++i) {
        const AVStream* stream = film->streams[i];
        const double seconds = static_cast<double>(stream->duration) * av_q2d(stream->time_base);
        if (stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
            video = stream;
            seen.seconds = seconds;
        } else {
            seen.audio = stream->codecpar->codec_id == AV_CODEC_ID_AAC;
            seen.audio_seconds = seconds;
        }
    }
    EXPECT_NE(video, nullptr);
    if (video != nullptr) {
        seen.width = video->codecpar->width;
        seen.height = video->codecpar->height;
        seen.fps = av_q2d(video->avg_frame_rate);
        seen.colour_space = video->codecpar->color_space;
        seen.pixel_format = video->codecpar->format;
        decode(*film, *video, seen);
    }
    avformat_close_input(&film);
    return seen;
}

std::string content(const std::filesystem::path& file)
{
    std::ostringstream all;
    all << std::ifstream(file, std::ios::binary).rdbuf();
    return all.str();
}

struct FilmRow {
    const char* name;
    PatternSpec spec;
};

class Films : public testing::TestWithParam<FilmRow> {};

TEST_P(Films, HaveExactlyTheShapeAskedFor)
{
    const PatternSpec& spec = GetParam().spec;
    const ScratchDir dir;
    const auto file = dir / "film: one.mp4"; // a colon is no protocol
    const Result<Done> made = write_pattern(spec, file);
    ASSERT_TRUE(made) << made.error().sentence();

    const Seen seen = look_at(file);
    EXPECT_EQ(seen.width, static_cast<int>(spec.width));
    EXPECT_EQ(seen.height, static_cast<int>(spec.height));
    EXPECT_NEAR(seen.fps, spec.fps, 0.001);
    EXPECT_NEAR(seen.seconds, spec.frames / spec.fps, 0.001);
    EXPECT_EQ(seen.pixel_format, AV_PIX_FMT_YUV420P);
    EXPECT_EQ(seen.colour_space, AVCOL_SPC_BT709);
    EXPECT_EQ(seen.audio, spec.audio);
    EXPECT_NEAR(seen.audio_seconds, spec.audio ? spec.frames / spec.fps : 0, 0.03);
    EXPECT_EQ(seen.pictures.size(), spec.frames);
    for (std::size_t i = 1; i < seen.pictures.size(); ++i)
        EXPECT_NE(seen.pictures[i - 1], seen.pictures[i]) << "nothing moved in frame " << i;
    const std::string bytes = content(file);
    EXPECT_LT(bytes.find("moov"), bytes.find("mdat")) << "the index must stand before the data";
}

INSTANTIATE_TEST_SUITE_P(
    EachShape,
    Films,
    testing::Values(
        FilmRow{
            "Usual", {}
},
        FilmRow{"OneFrame", {.width = 64, .height = 64, .frames = 1}},
        FilmRow{"Smallest", {.width = 16, .height = 16, .frames = 5}},
        FilmRow{"NoMultipleOf16", {.width = 854, .height = 478, .frames = 9}},
        FilmRow{"Portrait", {.width = 320, .height = 576, .frames = 9, .fps = 16}},
        FilmRow{"Ntsc", {.width = 64, .height = 64, .frames = 30, .fps = 30000.0 / 1001}},
        FilmRow{"OddRate", {.width = 64, .height = 64, .frames = 12, .fps = 12.5}},
        FilmRow{"Fast", {.width = 64, .height = 64, .frames = 241, .fps = 240}},
        FilmRow{"Sound", {.width = 64, .height = 64, .frames = 25, .audio = true}},
        FilmRow{"SoundOfOneFrame",
                {.width = 64, .height = 64, .frames = 1, .fps = 240, .audio = true}}),
    [](const auto& row) { return row.param.name; });

struct HostileRow {
    const char* name;
    PatternSpec spec;
    const char* word; // what the refusal must name
};

class HostileSpecs : public testing::TestWithParam<HostileRow> {};

TEST_P(HostileSpecs, AreRefusedBeforeAFileExists)
{
    const ScratchDir dir;
    const Result<Done> made = write_pattern(GetParam().spec, dir / "film.mp4");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().category, Category::invalid_params);
    EXPECT_EQ(made.error().text.find(GetParam().word), 0U) << made.error().text;
    EXPECT_FALSE(std::filesystem::exists(dir / "film.mp4"));
}

constexpr std::uint32_t kHuge = std::numeric_limits<std::uint32_t>::max();
INSTANTIATE_TEST_SUITE_P(
    EachLimit,
    HostileSpecs,
    testing::Values(
        HostileRow{
            "NoWidth", {.width = 0},
             "width"
},
        HostileRow{"HugeWidth", {.width = kHuge}, "width"},
        HostileRow{"OddWidth", {.width = 641}, "width: 641 is odd"},
        HostileRow{"OddHeight", {.height = 367}, "height: 367 is odd"},
        HostileRow{"ThinHeight", {.height = 2}, "height"},
        HostileRow{"TooManyPixels", {.width = 8192, .height = 8192}, "size"},
        HostileRow{"NoFrames", {.frames = 0}, "frames"},
        HostileRow{"HugeFrames", {.frames = kHuge}, "frames"},
        HostileRow{"TooMuchInAll", {.width = 4096, .height = 4096, .frames = 36000}, "frames"},
        HostileRow{"NoRate", {.fps = 0}, "fps"},
        HostileRow{"NegativeRate", {.fps = -24}, "fps"},
        HostileRow{"NotANumber", {.fps = std::numeric_limits<double>::quiet_NaN()}, "fps"},
        HostileRow{"Infinite", {.fps = std::numeric_limits<double>::infinity()}, "fps"}),
    [](const auto& row) { return row.param.name; });

TEST(TestPattern, FollowsItsSeed)
{
    const ScratchDir dir;
    PatternSpec spec{.width = 128, .height = 64, .frames = 3, .seed = 7};
    ASSERT_TRUE(write_pattern(spec, dir / "a.mp4"));
    ASSERT_TRUE(write_pattern(spec, dir / "b.mp4"));
    EXPECT_EQ(content(dir / "a.mp4"), content(dir / "b.mp4"));

    std::set<std::uint64_t> first_pictures;
    for (spec.seed = 0; spec.seed < 20; ++spec.seed) {
        ASSERT_TRUE(write_pattern(spec, dir / "c.mp4"));
        first_pictures.insert(look_at(dir / "c.mp4").pictures.at(0));
    }
    EXPECT_EQ(first_pictures.size(), 20U);
}

TEST(TestPattern, TellsProgressOfEveryFrame)
{
    const ScratchDir dir;
    std::vector<std::uint32_t> told;
    const PatternSpec spec{.width = 64, .height = 64, .frames = 7};
    const Result<Done> made = write_pattern(spec, dir / "a.mp4", [&](auto done, auto frames) {
        EXPECT_EQ(frames, 7U);
        told.push_back(done);
        return true;
    });
    ASSERT_TRUE(made);
    EXPECT_EQ(told, (std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7}));
}

TEST(TestPattern, LeavesNothingWhenStopped)
{
    const ScratchDir dir;
    const PatternSpec spec{.width = 64, .height = 64, .frames = 7};
    const Result<Done> made =
        write_pattern(spec, dir / "a.mp4", [](auto done, auto) { return done < 3; });
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().category, Category::cancelled);
    EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(TestPattern, CanBeAStill)
{
    const ScratchDir dir;
    const PatternSpec spec{.width = 320, .height = 240};
    ASSERT_TRUE(write_still(spec, 3, dir / "a.jpg"));
    const Seen seen = look_at(dir / "a.jpg");
    EXPECT_EQ(seen.width, 320);
    EXPECT_EQ(seen.height, 240);
    EXPECT_EQ(seen.pictures.size(), 1U);
    ASSERT_TRUE(write_still(spec, 4, dir / "b.jpg"));
    EXPECT_NE(content(dir / "a.jpg"), content(dir / "b.jpg"));
    EXPECT_FALSE(write_still({.width = 1}, 0, dir / "c.jpg"));
    EXPECT_FALSE(write_still(spec, 0, dir / "missing" / "a.jpg"));
}

TEST(TestPattern, SaysWhereItCouldNotWrite)
{
    const ScratchDir dir;
    const Result<Done> made = write_pattern({}, dir / "missing" / "a.mp4");
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().text.find("missing/a.mp4"), std::string::npos) << made.error().text;
}

} // namespace
} // namespace reelgate
