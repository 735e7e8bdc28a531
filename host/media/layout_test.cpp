#include "host/media/layout.hpp"

#include "host/media/boxes.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace reelgate {
namespace {

using namespace std::string_literals;

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// ---- how large a picture says it is ------------------------------------------------------------

struct SizeRow {
    const char* name;
    std::string head;
    const char* container;
    FrameSize size;
};

class Claims : public testing::TestWithParam<SizeRow> {};

TEST_P(Claims, ItsSizeInTheFirstBytes)
{
    const auto bytes = bytes_of(GetParam().head);
    const Result<Layout> layout = layout_of(Source::over(bytes));
    ASSERT_TRUE(layout) << layout.error().sentence();
    EXPECT_EQ(layout->name, GetParam().container);
    ASSERT_TRUE(layout->size);
    EXPECT_EQ(layout->size->width, GetParam().size.width);
    EXPECT_EQ(layout->size->height, GetParam().size.height);
}

const std::string kPng = "\x89PNG\r\n\x1a\n"s;
const std::string kApp = "\xff\xe0\0\x04xx"s; // a JPEG segment that says nothing here

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachKind, Claims, testing::Values(
    SizeRow{"Png",         kPng + "\0\0\0\x0dIHDR\0\0\x03\x40\0\0\x01\xe0"s, "png", {832, 480}},
    SizeRow{"PngCut",      kPng + "\0\0\0\x0dIHDR\0\0\x03"s, "png", {768, 0}},
    SizeRow{"Gif",         "GIF89a\x40\x03\xe0\x01"s, "gif", {832, 480}},
    SizeRow{"Jpeg",        "\xff\xd8"s + kApp + "\xff\xc0\0\x11\x08\x01\xe0\x03\x40\x03"s, "jpeg", {832, 480}},
    SizeRow{"JpegFiller",  "\xff\xd8"s + kApp + "\xff\xff\xc2\0\x11\x08\x01\xe0\x03\x40\x03"s, "jpeg", {832, 480}},
    SizeRow{"JpegTables",  "\xff\xd8\xff\xc4\0\x04xx\xff\xc1\0\x11\x08\x01\xe0\x03\x40\x03"s, "jpeg", {832, 480}},
    SizeRow{"WebpLossy",   "RIFF....WEBPVP8 ....\x9d\x01\x2a...\x40\x03\xe0\x01"s, "webp", {832, 480}},
    SizeRow{"WebpExtended","RIFF....WEBPVP8X........\x3f\x03\0\xdf\x01\0"s, "webp", {832, 480}},
    SizeRow{"WebpLossless","RIFF....WEBPVP8L....\x2f\x3f\xc3\x77\0"s, "webp", {832, 480}},
    SizeRow{"Ppm",         "P6\n# made by #hand\n832 #w\n480\n255\n"s, "ppm", {832, 480}},
    SizeRow{"PpmHuge",     "P6 99999999999999999999999 1 255\n"s, "ppm", {0xffffffff, 1}},
    SizeRow{"PpmNoNumber", "P6 W H\n"s, "ppm", {0, 0}},
    SizeRow{"Y4m",         "YUV4MPEG2 F16:1 W832 H480 Ip\nFRAME\n W1 H1"s, "yuv4mpegpipe", {832, 480}}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Layout, JpegWithoutAFrameClaimsNothing)
{
    const auto bytes = bytes_of("\xff\xd8"s + kApp + kApp);
    const Result<Layout> layout = layout_of(Source::over(bytes));
    ASSERT_TRUE(layout);
    EXPECT_FALSE(layout->size);
}

// ---- what is not opened -------------------------------------------------------------------------

struct RefusedRow {
    const char* name;
    std::string head;
    const char* code;
};

class Refused : public testing::TestWithParam<RefusedRow> {};

TEST_P(Refused, BeforeAnythingIsParsed)
{
    const auto bytes = bytes_of(GetParam().head);
    const Result<Layout> layout = layout_of(Source::over(bytes));
    ASSERT_FALSE(layout);
    EXPECT_EQ(layout.error().code, GetParam().code);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachKind, Refused, testing::Values(
    RefusedRow{"Nothing",     "", "empty"},
    RefusedRow{"Text",        "hello", "not_media"},
    RefusedRow{"WebpNoRiff",  "........WEBP", "not_media"},
    RefusedRow{"MarkedHtml",  "\xef\xbb\xbf <HTML>", "not_media"},
    RefusedRow{"Playlist",    "#EXTM3U\n", "unsupported_container"},
    RefusedRow{"Concat",      "ffconcat version 1.0\n", "unsupported_container"},
    RefusedRow{"Avi",         "RIFF....AVI LIST", "unsupported_container"},
    RefusedRow{"Wave",        "RIFF....WAVEfmt ", "unsupported_container"},
    RefusedRow{"Ogg",         "OggS\0\2"s, "unsupported_container"},
    RefusedRow{"Avif",        "\0\0\0\x1c" "ftypavif"s, "unsupported_container"},
    RefusedRow{"Segment",     "\0\0\0\x18stypmsdh"s, "unsupported_container"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

// ---- the outermost structure --------------------------------------------------------------------

std::string box(const std::string& type, std::size_t payload)
{
    const auto length = static_cast<unsigned char>(8 + payload);
    return "\0\0\0"s + static_cast<char>(length) + type + std::string(payload, '.');
}

const std::string kFtyp = box("ftyp", 8);
const std::string kEbml = "\x1a\x45\xdf\xa3\x84"
                          "webm"s; // a header of four bytes
const std::string kSegment = "\x18\x53\x80\x67"s;

struct EndRow {
    const char* name;
    Container container;
    std::string bytes;
    bool whole;
    bool faststart = false;
};

class End : public testing::TestWithParam<EndRow> {};

TEST_P(End, IsThereOrMissing)
{
    const auto bytes = bytes_of(GetParam().bytes);
    const Source source = Source::over(bytes);
    const Result<Done> end = check_end(source, GetParam().container);
    EXPECT_EQ(end.has_value(), GetParam().whole);
    if (!end) {
        EXPECT_EQ(end.error().code, "truncated");
    }
    EXPECT_EQ(index_stands_first(source), GetParam().faststart);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachCase, End, testing::Values(
    EndRow{"IndexFirst",     Container::mp4, kFtyp + box("moov", 9) + box("mdat", 5), true, true},
    EndRow{"IndexLast",      Container::mp4, kFtyp + box("mdat", 5) + box("moov", 9), true},
    EndRow{"LongForm",       Container::mp4, kFtyp + "\0\0\0\1mdat\0\0\0\0\0\0\0\x12.."s + box("moov", 2), true},
    EndRow{"ToTheEnd",       Container::mp4, kFtyp + box("moov", 2) + "\0\0\0\0mdat....."s, true, true},
    EndRow{"RubbishAfter",   Container::mp4, kFtyp + box("moov", 2) + box("mdat", 2) + "\x7f\x7f\x7f\x7f....rub"s, true, true},
    EndRow{"FewBytesAfter",  Container::mp4, kFtyp + box("moov", 2) + box("mdat", 2) + "\n", true, true},
    EndRow{"NoIndex",        Container::mp4, kFtyp + box("mdat", 5), false},
    EndRow{"NoData",         Container::mp4, kFtyp + box("moov", 5), false, true},
    EndRow{"DataCut",        Container::mp4, kFtyp + box("moov", 2) + "\0\0\0\x7fmdat..."s, false, true},
    EndRow{"LongFormCut",    Container::mp4, kFtyp + box("moov", 2) + "\0\0\0\1mdat\0\0"s, false, true},
    EndRow{"LongFormHuge",   Container::mp4, kFtyp + box("moov", 2) + "\0\0\0\1mdat\xff\xff\xff\xff\xff\xff\xff\xff"s, false, true},
    EndRow{"FragmentCut",    Container::mp4, kFtyp + box("moov", 2) + box("moof", 2) + box("mdat", 2) + "\0\0\0\x7fmoof"s, false, true},
    EndRow{"BoxTooShort",    Container::mp4, kFtyp + "\0\0\0\7moov"s, false},
    EndRow{"Segment",        Container::matroska, kEbml + kSegment + "\x83" "abc"s, true},
    EndRow{"SegmentLong",    Container::matroska, kEbml + kSegment + "\1\0\0\0\0\0\0\3abc"s, true},
    EndRow{"SegmentLive",    Container::matroska, kEbml + kSegment + "\1\xff\xff\xff\xff\xff\xff\xff" "abc"s, true},
    EndRow{"SegmentCut",     Container::matroska, kEbml + kSegment + "\x84" "abc"s, false},
    EndRow{"SegmentNoSize",  Container::matroska, kEbml + kSegment, false},
    EndRow{"SegmentMissing", Container::matroska, kEbml, false},
    EndRow{"HeaderHuge",     Container::matroska, "\x1a\x45\xdf\xa3\1\xff\xff\xff\xff\xff\xff\xfe"s, false},
    EndRow{"HeaderZero",     Container::matroska, "\x1a\x45\xdf\xa3\0"s, false},
    EndRow{"PngEnd",         Container::png, kPng + "....IEND\xae\x42\x60\x82"s, true},
    EndRow{"PngNoEnd",       Container::png, kPng + "....IEND\xae\x42"s, false},
    EndRow{"JpegPadded",     Container::jpeg, "\xff\xd8\xff\xd9\0\0\0\0"s, true},
    EndRow{"GifPadded",      Container::gif, "GIF89a;\0\0"s, true},
    EndRow{"GifNoEnd",       Container::gif, "GIF89a,.."s, false},
    EndRow{"WebpWhole",      Container::webp, "RIFF\x08\0\0\0WEBPabcd"s, true},
    EndRow{"WebpCut",        Container::webp, "RIFF\x09\0\0\0WEBPabcd"s, false}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

} // namespace
} // namespace reelgate
