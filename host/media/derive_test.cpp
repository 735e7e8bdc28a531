// Thumbnails, sheets and MP4s, made by the real child from real files.
#include "host/media/answer.hpp"
#include "host/media/convert.hpp"
#include "host/media/media.hpp"
#include "host/media/reading.hpp"
#include "host/media/sample_video.hpp"
#include "host/media/still.hpp"

#include <gmock/gmock.h>

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>

namespace reelgate {
namespace {

MediaTool tool() { return {std::string(REELGATE_BINARY_DIR) + "/bin/reelgate-media"}; }

template <class T>
std::string code_of(const Result<T>& outcome)
{
    return outcome ? "ok" : outcome.error().code;
}

// ---- the MP4 from what is none ------------------------------------------------------------------

struct ConvertRow {
    const char* name;
    Sample recipe;
    bool copies_pictures = false;
    const char* audio = nullptr;
};

class Converted : public testing::TestWithParam<ConvertRow> {};

TEST_P(Converted, PlaysEverywhereAndIsTheSameFilm)
{
    const ConvertRow& row = GetParam();
    const TempDir dir;
    write_sample(dir / "in", row.recipe);
    const Result<MediaFacts> before = probe_media(tool(), dir / "in", {});
    ASSERT_TRUE(before) << before.error().sentence();
    const auto how = conversion_for(*before, 24);
    ASSERT_TRUE(how);
    EXPECT_EQ(how->copy_pictures, row.copies_pictures);

    const auto done = convert_media(tool(), dir / "in", *how, dir / "out.mp4", {});

    ASSERT_TRUE(done) << done.error().sentence();
    const Result<MediaFacts> after = probe_media(tool(), dir / "out.mp4", {});
    ASSERT_TRUE(after) << after.error().sentence();
    EXPECT_FALSE(conversion_for(*after, 24)) << after->container << after->video_codec;
    EXPECT_EQ(after->width, before->width);
    EXPECT_EQ(after->height, before->height);
    EXPECT_EQ(after->frames, before->frames);
    const double fps = static_cast<double>(row.recipe.rate) / row.recipe.rate_base;
    EXPECT_NEAR(after->fps, fps, fps * 1e-4);
    EXPECT_EQ(after->audio_codec.value_or("none"), row.audio == nullptr ? "none" : row.audio);
    if (row.audio != nullptr) {
        constexpr double kTwoAudioFrames = 0.05;
        EXPECT_NEAR(after->audio_seconds, before->audio_seconds, kTwoAudioFrames);
    }
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachKind, Converted, testing::Values(
    ConvertRow{"Gif",           {.muxer = "gif", .encoder = "gif", .rate = 25}},
    ConvertRow{"GifSlow",       {.muxer = "gif", .encoder = "gif", .frames = 20, .rate = 10}},
    ConvertRow{"Apng",          {.muxer = "apng", .encoder = "apng", .rate = 25}},
    ConvertRow{"WebmVp8",       {.muxer = "webm", .encoder = "libvpx", .audio_encoder = "libvorbis", .frames = 24}, false, "aac"},
    ConvertRow{"WebmVp9",       {.muxer = "webm", .encoder = "libvpx-vp9", .audio_encoder = "libopus", .frames = 48, .rate = 30}, false, "aac"},
    ConvertRow{"WebmFilmRate",  {.muxer = "webm", .encoder = "libvpx", .frames = 48, .rate = 24000, .rate_base = 1001}},
    ConvertRow{"Y4m",           {.muxer = "yuv4mpegpipe", .encoder = "wrapped_avframe"}},
    ConvertRow{"MkvH264",       {.muxer = "matroska", .audio_encoder = "aac", .frames = 24}, false, "aac"},
    ConvertRow{"MkvLossless",   {.muxer = "matroska", .audio_encoder = "flac", .frames = 24}, false, "aac"},
    ConvertRow{"Mp4IndexLast",  {.audio_encoder = "aac", .frames = 24}, true, "aac"},
    ConvertRow{"Mp4Mpeg4",      {.encoder = "mpeg4"}},
    ConvertRow{"Mp4Hevc",       {.encoder = "libx265", .audio_encoder = "aac", .frames = 24}, false, "aac"},
    ConvertRow{"Mp4Jpegs",      {.encoder = "mjpeg"}},
    ConvertRow{"Mov",           {.muxer = "mov", .audio_encoder = "pcm_s16le", .frames = 24}, true, "aac"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Conversion, IsForWhatDoesNotPlayEverywhere)
{
    MediaFacts good;
    good.container = "mp4";
    good.video_codec = "h264";
    good.pixel_format = "yuv420p";
    good.width = 64;
    good.height = 48;
    good.fps = 24;
    good.faststart = true;
    EXPECT_FALSE(conversion_for(good, 24));
    const auto changed = [&](auto change) {
        MediaFacts facts = good;
        change(facts);
        return conversion_for(facts, 16);
    };
    EXPECT_TRUE(changed([](MediaFacts& f) { f.faststart = false; })->copy_pictures);
    EXPECT_FALSE(changed([](MediaFacts& f) { f.pixel_format = "yuv444p"; })->copy_pictures);
    EXPECT_FALSE(changed([](MediaFacts& f) { f.container = "matroska"; })->copy_pictures);
    EXPECT_TRUE(changed([](MediaFacts& f) { f.audio_codec = "opus"; })->copy_pictures);
    EXPECT_FALSE(changed([](MediaFacts& f) { f.audio_codec = "opus"; })->copy_sound);
    EXPECT_EQ(changed([](MediaFacts& f) { f.container = "png", f.fps = 0; })->fps, 16);
    EXPECT_FALSE(changed([](MediaFacts& f) { f.audio_codec = "mp3"; }));
}

// Frames that do not come at a constant rate keep their times.
TEST(Convert, KeepsTimesThatAreNotRegular)
{
    const TempDir dir;
    write_sample(dir / "in.gif", {.muxer = "gif", .encoder = "gif", .rate = 10});
    Bytes bytes = bytes_of(dir / "in.gif");
    const std::string control = "\x21\xf9\x04"; // before each frame, its delay two bytes later
    const auto first = std::search(
        bytes.begin(), bytes.end(), control.begin(), control.end(), [](std::uint8_t a, char b) {
            return a == static_cast<std::uint8_t>(b);
        });
    ASSERT_NE(first, bytes.end());
    *(first + 4) = 50; // hundredths of a second, instead of ten
    write_bytes(dir / "in.gif", bytes);
    const Result<MediaFacts> before = probe_media(tool(), dir / "in.gif", {});
    ASSERT_TRUE(before);

    const auto how = conversion_for(*before, 24);
    ASSERT_TRUE(convert_media(tool(), dir / "in.gif", *how, dir / "out.mp4", {}));

    const Result<MediaFacts> after = probe_media(tool(), dir / "out.mp4", {});
    ASSERT_TRUE(after);
    EXPECT_NEAR(after->seconds, before->seconds, 0.02);
    EXPECT_LT(before->fps, 9); // it is not what it was made with
}

TEST(Convert, JoinsNumberedPictures)
{
    const TempDir dir;
    std::filesystem::create_directory(dir / "frames");
    for (int i = 0; i < 5; ++i)
        write_bytes(dir / ("frames/000" + std::to_string(i) + ".ppm"), ppm({64, 48}, 1));
    const auto done = convert_media(tool(), dir / "frames", {.fps = 12}, dir / "out.mp4", {});
    ASSERT_TRUE(done) << done.error().sentence();
    const Result<MediaFacts> film = probe_media(tool(), dir / "out.mp4", {});
    ASSERT_TRUE(film) << film.error().sentence();
    EXPECT_EQ(film->frames, 5U);
    EXPECT_EQ(film->fps, 12);
    EXPECT_TRUE(film->faststart);
}

struct BadPicturesRow {
    const char* name;
    Bytes (*second)();
    const char* code;
};

class BadPictures : public testing::TestWithParam<BadPicturesRow> {};

TEST_P(BadPictures, AreNoFilmAndLeaveNone)
{
    const TempDir dir;
    std::filesystem::create_directory(dir / "frames");
    write_bytes(dir / "frames/0.ppm", ppm({64, 48}, 1));
    write_bytes(dir / "frames/1.ppm", GetParam().second());
    const auto done = convert_media(tool(), dir / "frames", {}, dir / "out.mp4", {});
    EXPECT_EQ(code_of(done), GetParam().code);
    EXPECT_FALSE(std::filesystem::exists(dir / "out.mp4"));
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachKind, BadPictures, testing::Values(
    BadPicturesRow{"OtherSize", [] { return ppm({32, 48}, 1); }, "mixed_sizes"},
    BadPicturesRow{"Empty",     [] { return Bytes{}; }, "empty"},
    BadPicturesRow{"Film",      [] { return y4m({64, 48}, 1, 24); }, "not_media"},
    BadPicturesRow{"Bomb",      [] { const std::string head = "P6 60000 60000 255\n"; return Bytes(head.begin(), head.end()); }, "too_large"},
    BadPicturesRow{"Page",      [] { return Bytes{'<', 'h', 't', 'm', 'l', '>'}; }, "not_media"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

// ---- what cannot be written, and what no film can be
// ----------------------------------------------

class IntoNowhere : public testing::TestWithParam<const char*> {};

// In this process, because the child's own file is made anew: a device that is always full.
TEST_P(IntoNowhere, ADiskWithoutRoomIsCalledOne)
{
    const TempDir dir;
    const bool gif = std::string(GetParam()) == "gif";
    if (gif)
        write_sample(dir / "in", {.muxer = "gif", .encoder = "gif"});
    else
        write_sample(dir / "in", {.audio_encoder = "aac", .frames = 24});
    const auto film = Source::open(dir / "in");
    ASSERT_TRUE(film);
    const auto done = convert(*film, {}, {.copy_pictures = !gif, .copy_sound = !gif}, "/dev/full");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().category, Category::storage_full) << done.error().sentence();
    EXPECT_EQ(done.error().code, "making_failed");
}

INSTANTIATE_TEST_SUITE_P(EachWay, IntoNowhere, testing::Values("gif", "mp4"));

TEST(Making, ADiskWithoutRoomIsCalledOne)
{
    EXPECT_EQ(making_failed("writing", AVERROR(ENOSPC)).category, Category::storage_full);
    EXPECT_EQ(making_failed("writing", AVERROR(EDQUOT)).category, Category::storage_full);
    EXPECT_EQ(making_failed("writing", AVERROR(EFBIG)).category, Category::internal);
    const Error full = making_failed("writing", AVERROR(ENOSPC));
    EXPECT_EQ(made_from(made_text(full)).error().category, Category::storage_full);
    // Reading needs no room: who says so was taken over.
    EXPECT_EQ(answer_from(made_text(full)).error().code, "media_bad_answer");
}

class Rate : public testing::TestWithParam<double> {};

TEST_P(Rate, ThatNoFilmCanHaveIsRefused)
{
    const TempDir dir;
    write_sample(dir / "in.gif", {.muxer = "gif", .encoder = "gif"});
    const auto done = convert_media(tool(), dir / "in.gif", {.fps = GetParam()}, dir / "out", {});
    EXPECT_EQ(code_of(done), "bad_rate");
    EXPECT_FALSE(std::filesystem::exists(dir / "out"));
}

INSTANTIATE_TEST_SUITE_P(EachWay, Rate, testing::Values(0.0, 1e-9, 1001.0, 1e9));

TEST(Conversion, MakesARateOfWhatIsNone)
{
    const double infinite = std::numeric_limits<double>::infinity();
    for (const double none : {0.0, -3.0, infinite, -infinite, std::nan("")})
        EXPECT_EQ(writable_rate(none), 24) << none;
    EXPECT_EQ(writable_rate(1e-300), kSlowestRate);
    EXPECT_EQ(writable_rate(1e300), kFastestRate);
    EXPECT_EQ(writable_rate(23.976), 23.976);
}

// Two frames of a GIF that say to be shown for eleven minutes each, in a film of one.
TEST(Convert, EndsWhereTheTimesOfAFileAreTooLong)
{
    const TempDir dir;
    write_sample(dir / "in.gif", {.muxer = "gif", .encoder = "gif", .rate = 10});
    Bytes bytes = bytes_of(dir / "in.gif");
    for (std::size_t i = 0; i + 5 < bytes.size(); ++i)
        if (bytes[i] == 0x21 && bytes[i + 1] == 0xf9 && bytes[i + 2] == 4)
            bytes[i + 4] = bytes[i + 5] = 0xff;
    write_bytes(dir / "in.gif", bytes);
    const MediaLimits limits{.file = {.max_seconds = 60}};
    EXPECT_EQ(code_of(convert_media(tool(), dir / "in.gif", {}, dir / "out", limits)), "too_large");
}

// ---- sides that are odd
// ---------------------------------------------------------------------------

// The last column and row of an odd picture, and those that were added to them.
class Edges final : public ReadingListener {
public:
    Result<Done> on_picture(const AVFrame& frame) override
    {
        size = {static_cast<std::uint32_t>(frame.width), static_cast<std::uint32_t>(frame.height)};
        for (int row = 0; row < frame.height; ++row)
            off = std::max(off, distance(frame, row, frame.width - 1, row, frame.width - 2));
        for (int x = 0; x < frame.width; ++x)
            off = std::max(off, distance(frame, frame.height - 1, x, frame.height - 2, x));
        return Done{};
    }

    FrameSize size;
    int off = 0;

private:
    static int distance(const AVFrame& frame, int row, int x, int other_row, int other_x)
    {
        const auto at = [&](int r, int c) {
            return int{frame.data[0][std::ptrdiff_t{r} * frame.linesize[0] + c]};
        };
        return std::abs(at(row, x) - at(other_row, other_x));
    }
};

class Odd : public testing::TestWithParam<FrameSize> {};

TEST_P(Odd, SidesGetTheirLastPixelOnceMore)
{
    const TempDir dir;
    std::filesystem::create_directory(dir / "frames");
    write_bytes(dir / "frames/0.ppm", ppm(GetParam(), 1));
    ASSERT_TRUE(convert_media(tool(), dir / "frames", {}, dir / "out.mp4", {}));
    const auto source = Source::open(dir / "out.mp4");
    const auto layout = admitted_layout(*source, {});
    const ProbeLimits limits;
    MediaReading reading(*source, *layout, limits);
    ASSERT_TRUE(reading.open());
    Edges edges;
    ASSERT_TRUE(reading.read(edges));
    const auto even = [](std::uint32_t side) { return side + side % 2; };
    EXPECT_EQ(edges.size, (FrameSize{even(GetParam().width), even(GetParam().height)}));
    EXPECT_LE(edges.off, 4); // of 255: the encoder's own
}

INSTANTIATE_TEST_SUITE_P(EachShape,
                         Odd,
                         testing::Values(FrameSize{63, 48},
                                         FrameSize{64, 47},
                                         FrameSize{63, 47},
                                         FrameSize{1, 1},
                                         FrameSize{3, 1}));

// ---- colours ------------------------------------------------------------------------------------

class FirstPixel final : public ReadingListener {
public:
    Result<Done> on_picture(const AVFrame& frame) override
    {
        const std::ptrdiff_t row = frame.height / 4;
        for (int plane = 0; plane < 3; ++plane)
            yuv[static_cast<std::size_t>(plane)] =
                frame.data[plane][row * frame.linesize[plane] + frame.width / 4];
        colours = frame.colorspace;
        return Done{};
    }

    std::array<int, 3> yuv{};
    int colours = 0;
};

// 0x40 in all three: grey, which BT.709 in the narrow range has at 16 + 219 * 64 / 255.
TEST(Convert, KeepsColours)
{
    const TempDir dir;
    std::filesystem::create_directory(dir / "frames");
    Bytes red = ppm({64, 48}, 1);
    for (std::size_t i = red.size() - std::size_t{64} * 48 * 3; i < red.size(); i += 3)
        red[i] = 200;
    write_bytes(dir / "frames/0.ppm", red);
    ASSERT_TRUE(convert_media(tool(), dir / "frames", {.fps = 12}, dir / "out.mp4", {}));
    const auto source = Source::open(dir / "out.mp4");
    const auto layout = admitted_layout(*source, {});
    const ProbeLimits limits;
    MediaReading reading(*source, *layout, limits);
    ASSERT_TRUE(reading.open());
    FirstPixel pixel;
    ASSERT_TRUE(reading.read(pixel));
    EXPECT_EQ(pixel.colours, AVCOL_SPC_BT709);
    // R 200, G 64, B 64: Y = 0.2126 R + 0.7152 G + 0.0722 B = 92.9.
    EXPECT_NEAR(pixel.yuv[0], 16 + 92.9 * 219 / 255, 3);
    EXPECT_NEAR(pixel.yuv[1], 128 + (64 - 92.9) / 1.8556 * 224 / 255, 3);
    EXPECT_NEAR(pixel.yuv[2], 128 + (200 - 92.9) / 1.5748 * 224 / 255, 3);
}

// ---- pictures of a film -------------------------------------------------------------------------

struct PictureRow {
    const char* name;
    FrameSize size;
    int frames;
    FrameSize thumbnail;
    FrameSize sheet;
};

class PicturesOf : public testing::TestWithParam<PictureRow> {};

TEST_P(PicturesOf, AFilmHaveTheSizeThatIsPromised)
{
    const PictureRow& row = GetParam();
    const TempDir dir;
    write_sample(dir / "film.mp4", {.size = row.size, .frames = row.frames});
    const auto frames = static_cast<std::uint64_t>(row.frames);

    const auto thumbnail = make_thumbnail(tool(), dir / "film.mp4", frames, dir / "t", {});
    const auto sheet = make_spritesheet(tool(), dir / "film.mp4", frames, dir / "s", {});

    ASSERT_TRUE(thumbnail) << thumbnail.error().sentence();
    ASSERT_TRUE(sheet) << sheet.error().sentence();
    EXPECT_EQ(*thumbnail, "image/webp");
    EXPECT_EQ(*sheet, "image/jpeg");
    const auto small = probe_media(tool(), dir / "t", {});
    const auto large = probe_media(tool(), dir / "s", {});
    ASSERT_TRUE(small) << small.error().sentence();
    ASSERT_TRUE(large) << large.error().sentence();
    EXPECT_EQ(small->container, "webp");
    EXPECT_EQ((FrameSize{small->width, small->height}), row.thumbnail);
    EXPECT_EQ(large->container, "jpeg");
    EXPECT_EQ((FrameSize{large->width, large->height}), row.sheet);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachShape, PicturesOf, testing::Values(
    PictureRow{"Small",    {64, 48},   8,  {64, 48},   {320, 96}},
    PictureRow{"One",      {64, 48},   1,  {64, 48},   {64, 48}},
    PictureRow{"Many",     {64, 48},   60, {64, 48},   {320, 240}},
    PictureRow{"Wide",     {1280, 64}, 5,  {640, 32},  {960, 9}},
    PictureRow{"Tall",     {64, 1280}, 3,  {32, 640},  {27, 192}}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Pictures, OfAFilmThatIsShorterThanWasSaidAreMade)
{
    const TempDir dir;
    write_sample(dir / "film.mp4", {.frames = 3});
    EXPECT_EQ(code_of(make_thumbnail(tool(), dir / "film.mp4", 900, dir / "t", {})), "ok");
    EXPECT_EQ(code_of(make_spritesheet(tool(), dir / "film.mp4", 900, dir / "s", {})), "ok");
}

TEST(Pictures, OfWhatIsNoFilmAreNotMade)
{
    const TempDir dir;
    write_bytes(dir / "page", {'<', 'h', 't', 'm', 'l', '>'});
    EXPECT_EQ(code_of(make_thumbnail(tool(), dir / "page", 1, dir / "t", {})), "not_media");
    EXPECT_FALSE(std::filesystem::exists(dir / "t"));
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST(Pictures, ThatCannotBeWrittenAreTheHostsFault)
{
    const TempDir dir;
    write_sample(dir / "film.mp4", {});
    const auto made = make_thumbnail(tool(), dir / "film.mp4", 8, dir / "none/t", {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().category, Category::internal);
    EXPECT_EQ(made.error().code, "making_failed");
}

} // namespace
} // namespace reelgate
