#include "host/media/probe.hpp"

#include "host/media/sample_video.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string_view>

namespace reelgate {
namespace {

Result<MediaFacts> probed(const Bytes& bytes, const ProbeLimits& limits = {})
{
    return probe(Source::over(bytes), limits);
}

Bytes sample(const Sample& recipe)
{
    const TempDir dir;
    write_sample(dir / "sample", recipe);
    return bytes_of(dir / "sample");
}

std::string code_of(const Result<MediaFacts>& outcome)
{
    return outcome ? "ok" : outcome.error().code;
}

// ---- whole files --------------------------------------------------------------------------------

struct WholeRow {
    const char* name;
    Sample recipe;
    const char* container;
    const char* codec;
    bool faststart = false;
    const char* audio = nullptr;
};

class Whole : public testing::TestWithParam<WholeRow> {};

TEST_P(Whole, IsFoundToBeWhatWasMade)
{
    const WholeRow& row = GetParam();
    const Bytes bytes = sample(row.recipe);

    const Result<MediaFacts> outcome = probed(bytes);

    ASSERT_TRUE(outcome) << outcome.error().sentence();
    const double fps = static_cast<double>(row.recipe.rate) / row.recipe.rate_base;
    EXPECT_EQ(outcome->container, row.container);
    EXPECT_EQ(outcome->video_codec, row.codec);
    EXPECT_FALSE(outcome->pixel_format.empty());
    EXPECT_EQ(outcome->width, row.recipe.size.width);
    EXPECT_EQ(outcome->height, row.recipe.size.height);
    EXPECT_EQ(outcome->frames, static_cast<std::uint64_t>(row.recipe.frames));
    EXPECT_NEAR(outcome->fps, fps, fps * 1e-6);
    EXPECT_NEAR(outcome->seconds, row.recipe.frames / fps, 1e-6);
    EXPECT_EQ(outcome->faststart, row.faststart);
    EXPECT_EQ(outcome->bytes, bytes.size());
    EXPECT_EQ(outcome->audio_codec.value_or("none"), row.audio == nullptr ? "none" : row.audio);
    if (row.audio != nullptr) {
        constexpr double kOneAudioFrame = 0.05; // codecs pad to whole frames
        EXPECT_NEAR(outcome->audio_seconds, row.recipe.frames / fps, kOneAudioFrame);
    }
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachKind, Whole, testing::Values(
    WholeRow{"Mp4H264Aac",     {.audio_encoder = "aac", .frames = 24, .movflags = "faststart"}, "mp4", "h264", true, "aac"},
    WholeRow{"Mp4IndexLast",   {}, "mp4", "h264"},
    WholeRow{"Mp4Fragments",   {.movflags = "frag_keyframe+empty_moov"}, "mp4", "h264", true},
    WholeRow{"Mp4OneFrame",    {.frames = 1}, "mp4", "h264"},
    WholeRow{"Mp4FilmRate",    {.rate = 24000, .rate_base = 1001}, "mp4", "h264"},
    WholeRow{"Mp4Mpeg4",       {.encoder = "mpeg4"}, "mp4", "mpeg4"},
    WholeRow{"Mp4Hevc",        {.encoder = "libx265"}, "mp4", "hevc"},
    WholeRow{"Mp4Av1",         {.encoder = "libaom-av1", .frames = 3}, "mp4", "av1"},
    WholeRow{"Mp4OddSize",     {.encoder = "mpeg4", .size = {62, 34}}, "mp4", "mpeg4"},
    WholeRow{"Mov",            {.muxer = "mov", .audio_encoder = "pcm_s16le"}, "mov", "h264", false, "pcm_s16le"},
    WholeRow{"WebmVp8Vorbis",  {.muxer = "webm", .encoder = "libvpx", .audio_encoder = "libvorbis"}, "webm", "vp8", false, "vorbis"},
    WholeRow{"WebmVp9Opus",    {.muxer = "webm", .encoder = "libvpx-vp9", .audio_encoder = "libopus"}, "webm", "vp9", false, "opus"},
    WholeRow{"WebmFastRate",   {.muxer = "webm", .encoder = "libvpx", .frames = 3, .rate = 60}, "webm", "vp8"},
    WholeRow{"MkvH264",        {.muxer = "matroska"}, "matroska", "h264"},
    WholeRow{"Apng",           {.muxer = "apng", .encoder = "apng", .rate = 25}, "apng", "apng"},
    WholeRow{"Gif",            {.muxer = "gif", .encoder = "gif", .rate = 25}, "gif", "gif"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Probe, CountsTheFramesOfAY4m)
{
    const Result<MediaFacts> outcome = probed(y4m({832, 480}, 9, 16));
    ASSERT_TRUE(outcome) << outcome.error().sentence();
    EXPECT_EQ(outcome->container, "yuv4mpegpipe");
    EXPECT_EQ(outcome->video_codec, "rawvideo");
    EXPECT_EQ(outcome->width, 832U);
    EXPECT_EQ(outcome->height, 480U);
    EXPECT_EQ(outcome->frames, 9U);
    EXPECT_EQ(outcome->fps, 16);
}

struct PictureRow {
    const char* name;
    const char* encoder;
    const char* container;
    int frames;
};

class Picture : public testing::TestWithParam<PictureRow> {};

TEST_P(Picture, HasFramesButNoRate)
{
    const PictureRow& row = GetParam();
    const Bytes bytes = sample({
        .muxer = "", .encoder = row.encoder, .size = {48, 32},
                .frames = row.frames
    });

    const Result<MediaFacts> outcome = probed(bytes);

    ASSERT_TRUE(outcome) << outcome.error().sentence();
    EXPECT_EQ(outcome->container, row.container);
    EXPECT_EQ(outcome->width, 48U);
    EXPECT_EQ(outcome->height, 32U);
    EXPECT_EQ(outcome->frames, static_cast<std::uint64_t>(row.frames));
    EXPECT_EQ(outcome->fps, 0);
    EXPECT_EQ(outcome->seconds, 0);
}

INSTANTIATE_TEST_SUITE_P(EachKind,
                         Picture,
                         testing::Values(PictureRow{"Png", "png", "png", 1},
                                         PictureRow{"Jpeg", "mjpeg", "jpeg", 1},
                                         PictureRow{"Webp", "libwebp", "webp", 1},
                                         PictureRow{"Bmp", "bmp", "bmp", 1},
                                         PictureRow{"Ppm", "ppm", "ppm", 1},
                                         PictureRow{"PpmOfThree", "ppm", "ppm", 3}),
                         [](const auto& row) { return std::string(row.param.name); });

// ---- files that lie, are cut, or are something else ---------------------------------------------

// Overwrites the 32-bit big-endian number `offset` bytes after the first `mark`.
void patch(Bytes& bytes, std::string_view mark, std::size_t offset, std::uint32_t value)
{
    const auto found = std::search(bytes.begin(), bytes.end(), mark.begin(), mark.end());
    ASSERT_NE(found, bytes.end()) << mark;
    for (std::size_t i = 0; i < 4; ++i)
        found[static_cast<std::ptrdiff_t>(offset + i)] =
            static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

// The header says 800 frames and an hour; eight frames are there.
TEST(Probe, CountsWhatIsThereNotWhatTheHeaderSays)
{
    constexpr std::uint32_t kHourInMilliseconds = 3'600'000;
    Bytes bytes = sample({});
    patch(bytes, "stts", 12, 800);
    patch(bytes, "mvhd", 20, kHourInMilliseconds);
    patch(bytes, "mdhd", 20, kHourInMilliseconds * 12);
    patch(bytes, "tkhd", 24, kHourInMilliseconds);

    const Result<MediaFacts> outcome = probed(bytes);

    ASSERT_TRUE(outcome) << outcome.error().sentence();
    EXPECT_EQ(outcome->frames, 8U);
    EXPECT_NEAR(outcome->seconds, 8.0 / 24, 0.01);
    EXPECT_NEAR(outcome->fps, 24, 0.24);
}

// What a browser would show is the size of the decoded frames.
TEST(Probe, MeasuresFramesNotTheTrackHeader)
{
    Bytes bytes = sample({});
    patch(bytes, "avc1", 28, (640U << 16) | 480U);
    const Result<MediaFacts> outcome = probed(bytes);
    ASSERT_TRUE(outcome) << outcome.error().sentence();
    EXPECT_EQ(outcome->width, 64U);
    EXPECT_EQ(outcome->height, 48U);
}

struct CutRow {
    const char* name;
    Sample recipe;
};

class Cut : public testing::TestWithParam<CutRow> {};

TEST_P(Cut, IsTruncatedWhereverItWasCut)
{
    const Bytes whole = sample(GetParam().recipe);
    constexpr std::size_t kCuts = 40;
    constexpr std::size_t kSignature = 16; // with less, nobody can say what it was
    for (std::size_t i = 0; i <= kCuts; ++i) {
        const std::size_t length = kSignature + (whole.size() - 1 - kSignature) * i / kCuts;
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const Result<MediaFacts> outcome = probed(cut);
        EXPECT_EQ(code_of(outcome), "truncated") << length << " of " << whole.size();
    }
}

INSTANTIATE_TEST_SUITE_P(EachKind,
                         Cut,
                         testing::Values(
                             CutRow{
                                 "Mp4IndexLast", {}
},
                             CutRow{"Mp4IndexFirst", {.movflags = "faststart"}},
                             CutRow{"Mp4Fragments", {.movflags = "frag_keyframe+empty_moov"}},
                             CutRow{"Webm", {.muxer = "webm", .encoder = "libvpx"}},
                             CutRow{"Gif", {.muxer = "gif", .encoder = "gif"}},
                             CutRow{"Png", {.muxer = "", .encoder = "png", .frames = 1}},
                             CutRow{"Jpeg", {.muxer = "", .encoder = "mjpeg", .frames = 1}},
                             CutRow{"Webp", {.muxer = "", .encoder = "libwebp", .frames = 1}}),
                         [](const auto& row) { return std::string(row.param.name); });

Bytes text(std::string_view words) { return {words.begin(), words.end()}; }

Bytes shortened(Bytes bytes, std::size_t by)
{
    bytes.resize(bytes.size() - by);
    return bytes;
}

Bytes png_bomb()
{
    Bytes bytes = sample({.muxer = "", .encoder = "png", .frames = 1});
    patch(bytes, "IHDR", 4, 60'000);
    patch(bytes, "IHDR", 8, 60'000);
    return bytes;
}

Bytes damaged_mp4()
{
    Bytes bytes = sample({.frames = 24});
    const std::string_view mark = "mdat";
    const auto data = std::search(bytes.begin(), bytes.end(), mark.begin(), mark.end()) + 4;
    std::fill(data, data + 900, std::uint8_t{0xa5});
    return bytes;
}

Bytes mp4_with_broken_index()
{
    Bytes bytes = sample({});
    patch(bytes, "stsd", 0, 0x58585858);
    return bytes;
}

Bytes mp4_pointing_past_its_end()
{
    Bytes bytes = sample({});
    patch(bytes, "stco", 12, 0x7fffff00);
    return bytes;
}

struct BadRow {
    const char* name;
    Bytes (*make)();
    const char* code;
};

class Bad : public testing::TestWithParam<BadRow> {};

TEST_P(Bad, IsRefusedWithItsOwnCode)
{
    const Result<MediaFacts> outcome = probed(GetParam().make());
    ASSERT_EQ(code_of(outcome), GetParam().code)
        << (outcome ? std::string() : outcome.error().sentence());
    EXPECT_EQ(outcome.error().category, Category::output_invalid);
    EXPECT_EQ(outcome.error().phase, Phase::verify);
    EXPECT_FALSE(outcome.error().text.empty());
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachKind, Bad, testing::Values(
    BadRow{"Empty",          [] { return Bytes{}; }, "empty"},
    BadRow{"OneByte",        [] { return Bytes{0}; }, "not_media"},
    BadRow{"Html",           [] { return text("<!DOCTYPE html><title>502</title>"); }, "not_media"},
    BadRow{"Json",           [] { return text("{\"error\":\"expired\"}"); }, "not_media"},
    BadRow{"Zeros",          [] { return Bytes(4096, 0); }, "not_media"},
    BadRow{"Playlist",       [] { return text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"); }, "unsupported_container"},
    BadRow{"ConcatScript",   [] { return text("ffconcat version 1.0\nfile /etc/passwd\n"); }, "unsupported_container"},
    BadRow{"Avi",            [] { return sample({.muxer = "avi", .encoder = "mpeg4"}); }, "unsupported_container"},
    BadRow{"Codec",          [] { return sample({.muxer = "matroska", .encoder = "ffv1"}); }, "unsupported_codec"},
    BadRow{"SoundOnly",      [] { return sample({.encoder = "", .audio_encoder = "aac"}); }, "no_video"},
    BadRow{"Y4mNoFrames",    [] { return y4m({64, 48}, 0, 24); }, "no_video"},
    BadRow{"Y4mCut",         [] { return shortened(y4m({64, 48}, 3, 24), 1); }, "truncated"},
    BadRow{"PpmCut",         [] { return shortened(ppm({64, 48}, 1), 1); }, "truncated"},
    BadRow{"PpmsCut",        [] { return shortened(ppm({64, 48}, 3), 100); }, "truncated"},
    BadRow{"BmpCut",         [] { return shortened(sample({.muxer = "", .encoder = "bmp", .frames = 1}), 1); }, "truncated"},
    BadRow{"ApngCut",        [] { return shortened(sample({.muxer = "apng", .encoder = "apng"}), 40); }, "truncated"},
    BadRow{"PngBomb",        png_bomb, "too_large"},
    BadRow{"Y4mBomb",        [] { return y4m({60'000, 60'000}, 0, 24); }, "too_large"},
    BadRow{"PpmBomb",        [] { return text("P6 4294967296 4294967296 255\n"); }, "too_large"},
    BadRow{"DataDamaged",    damaged_mp4, "decode_failed"},
    BadRow{"IndexBroken",    mp4_with_broken_index, "unsupported_codec"},
    BadRow{"IndexPointsOut", mp4_pointing_past_its_end, "decode_failed"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Probe, SaysWhatCameInsteadOfAVideo)
{
    const Result<MediaFacts> outcome = probed(text("\n <HTML><body>Payment required"));
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().text, testing::HasSubstr("HTML"));
}

struct LimitRow {
    const char* name;
    ProbeLimits limits;
    const char* code;
};

class Limit : public testing::TestWithParam<LimitRow> {};

TEST_P(Limit, IsHeldExactly)
{
    static const Bytes bytes = y4m({64, 48}, 8, 24); // 36 945 bytes
    EXPECT_EQ(code_of(probed(bytes, GetParam().limits)), GetParam().code);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachLimit, Limit, testing::Values(
    LimitRow{"FramesJust", {.max_frames = 8}, "ok"},
    LimitRow{"FramesOver", {.max_frames = 7}, "too_large"},
    LimitRow{"PixelsJust", {.max_pixels = 64 * 48}, "ok"},
    LimitRow{"PixelsOver", {.max_pixels = 64 * 48 - 1}, "too_large"},
    LimitRow{"BytesJust",  {.max_bytes = 36'945}, "ok"},
    LimitRow{"BytesOver",  {.max_bytes = 36'944}, "too_large"},
    LimitRow{"TimeWithin", {.max_seconds = 1}, "ok"},
    LimitRow{"TimeOver",   {.max_seconds = 0}, "too_large"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Probe, HoldsTheTimeLimitAgainstTheSoundAndTheHeader)
{
    const Bytes still = sample({.audio_encoder = "aac", .frames = 48});
    EXPECT_EQ(code_of(probed(still, {.max_seconds = 3})), "ok");
    EXPECT_EQ(code_of(probed(still, {.max_seconds = 1})), "too_large");
}

// The container's header is small, the frames in it are not.
TEST(Probe, HoldsThePixelLimitAgainstTheCodecToo)
{
    Bytes bytes = sample({
        .size = {640, 480}
    });
    patch(bytes, "avc1", 28, (64U << 16) | 48U);
    EXPECT_NE(code_of(probed(bytes, {.max_pixels = 64 * 48})), "ok");
}

} // namespace
} // namespace reelgate
