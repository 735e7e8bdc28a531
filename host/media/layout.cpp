#include "host/media/layout.hpp"

#include "host/media/boxes.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <vector>

namespace reelgate {
namespace {

using namespace std::string_view_literals;

// Enough for every signature, for the EBML header and for the tables that usually stand before a
// JPEG's size (a colour profile is 3 KiB).
constexpr std::size_t kHeadBytes = std::size_t{64} << 10;

struct Signature {
    std::size_t at;
    std::string_view bytes;
    Container container;
    std::string_view name;
};

// clang-format off
constexpr std::array kSignatures{
    Signature{4, "ftyp"sv,                       Container::mp4,      "mp4"},
    Signature{4, "moov"sv,                       Container::mp4,      "mov"}, // QuickTime before brands
    Signature{4, "mdat"sv,                       Container::mp4,      "mov"},
    Signature{4, "wide"sv,                       Container::mp4,      "mov"},
    Signature{0, "\x1a\x45\xdf\xa3"sv,           Container::matroska, "matroska"},
    Signature{0, "YUV4MPEG2 "sv,                 Container::y4m,      "yuv4mpegpipe"},
    Signature{0, "GIF87a"sv,                     Container::gif,      "gif"},
    Signature{0, "GIF89a"sv,                     Container::gif,      "gif"},
    Signature{0, "\x89PNG\r\n\x1a\n"sv,          Container::png,      "png"},
    Signature{0, "\xff\xd8\xff"sv,               Container::jpeg,     "jpeg"},
    Signature{8, "WEBP"sv,                       Container::webp,     "webp"},
    Signature{0, "P6"sv,                         Container::ppm,      "ppm"},
    Signature{0, "BM"sv,                         Container::bmp,      "bmp"},
};

struct Foreign {
    std::size_t at;
    std::string_view bytes;
    std::string_view what;
};

// Media or lists of media, but nothing that we open. A list would make libav open what it names.
constexpr std::array kForeign{
    Foreign{0, "#EXTM3U"sv,          "a playlist"},
    Foreign{0, "ffconcat version"sv, "a playlist"},
    Foreign{0, "[playlist]"sv,       "a playlist"},
    Foreign{0, ";FFMETADATA"sv,      "metadata"},
    Foreign{8, "AVI "sv,             "AVI"},
    Foreign{8, "WAVE"sv,             "WAVE sound"},
    Foreign{0, "OggS"sv,             "Ogg"},
    Foreign{0, "FLV\x01"sv,          "Flash video"},
    Foreign{0, "fLaC"sv,             "FLAC sound"},
    Foreign{0, "ID3"sv,              "MP3 sound"},
    Foreign{0, "II*\0"sv,            "a TIFF picture"},
    Foreign{0, "MM\0*"sv,            "a TIFF picture"},
    Foreign{0, "\0\0\x01\xba"sv,     "an MPEG program stream"},
    Foreign{0, "\0\0\x01\xb3"sv,     "an MPEG video stream"},
    Foreign{0, "\0\0\0\x01\x67"sv,   "a bare H.264 stream"},
    Foreign{0, "\x30\x26\xb2\x75"sv, "Windows media"},
    Foreign{4, "styp"sv,             "a segment without its initialisation"},
    Foreign{4, "moof"sv,             "a segment without its initialisation"},
};

// What comes instead of a video when something upstream went wrong, so that the reason can be read off.
constexpr std::array kText{
    Foreign{0, "<!doctype html"sv, "it looks like an HTML page"},
    Foreign{0, "<html"sv,          "it looks like an HTML page"},
    Foreign{0, "<?xml"sv,          "it looks like an XML document"},
    Foreign{0, "{"sv,              "it looks like JSON text"},
    Foreign{0, "PK\x03\x04"sv,     "it looks like a ZIP archive"},
};
// clang-format on

Error refused(std::string text, std::string code)
{
    return {.category = Category::output_invalid,
            .text = std::move(text),
            .code = std::move(code),
            .phase = Phase::verify};
}

// The first bytes, with reads that answer 0 where there are none: a size that is not there is
// caught by check_end, not by every reader.
class Head {
public:
    explicit Head(const Source& source)
        : bytes_(static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), kHeadBytes)))
    {
        bytes_.resize(source.read_at(0, bytes_));
    }

    std::size_t size() const { return bytes_.size(); }
    std::uint32_t byte(std::size_t at) const { return at < bytes_.size() ? bytes_[at] : 0U; }
    std::uint32_t big16(std::size_t at) const { return byte(at) << 8 | byte(at + 1); }
    std::uint32_t big32(std::size_t at) const { return big16(at) << 16 | big16(at + 2); }
    std::uint32_t little16(std::size_t at) const { return byte(at) | byte(at + 1) << 8; }
    std::uint32_t little24(std::size_t at) const { return little16(at) | byte(at + 2) << 16; }
    std::uint32_t little32(std::size_t at) const { return little16(at) | little16(at + 2) << 16; }

    bool has(std::string_view text, std::size_t at) const
    {
        if (at + text.size() > bytes_.size()) return false;
        for (std::size_t i = 0; i < text.size(); ++i)
            if (bytes_[at + i] != static_cast<unsigned char>(text[i])) return false;
        return true;
    }

    // As has(), in any case of letters.
    bool reads(std::string_view lower, std::size_t at) const
    {
        if (at + lower.size() > bytes_.size()) return false;
        for (std::size_t i = 0; i < lower.size(); ++i)
            if (std::tolower(bytes_[at + i]) != static_cast<unsigned char>(lower[i])) return false;
        return true;
    }

    std::size_t skip_space(std::size_t at) const
    {
        while (at < bytes_.size() && std::isspace(bytes_[at]) != 0)
            ++at;
        return at;
    }

private:
    std::vector<std::uint8_t> bytes_;
};

struct Number {
    std::uint32_t value = 0; // the largest there is when the text says more
    std::size_t end = 0;
};

Number number_at(const Head& head, std::size_t at)
{
    constexpr std::uint64_t kLargest = 0xffffffff;
    std::uint64_t value = 0;
    while (std::isdigit(static_cast<int>(head.byte(at))) != 0)
        value = std::min(kLargest, value * 10 + (head.byte(at++) - '0'));
    return {static_cast<std::uint32_t>(value), at};
}

// "P6 WIDTH HEIGHT MAXVAL", with comments to the end of a line anywhere between.
FrameSize ppm_size(const Head& head)
{
    std::size_t at = 2;
    const auto next = [&] {
        at = head.skip_space(at);
        while (head.byte(at) == '#') {
            while (at < head.size() && head.byte(at) != '\n')
                ++at;
            at = head.skip_space(at);
        }
        const Number number = number_at(head, at);
        at = number.end;
        return number.value;
    };
    const std::uint32_t width = next();
    return {width, next()};
}

// "YUV4MPEG2 W832 H480 F16:1 ..."
FrameSize y4m_size(const Head& head)
{
    FrameSize size;
    for (std::size_t at = 9; at < head.size() && head.byte(at) != '\n'; ++at) {
        if (head.byte(at) != ' ') continue;
        if (head.byte(at + 1) == 'W') size.width = number_at(head, at + 2).value;
        if (head.byte(at + 1) == 'H') size.height = number_at(head, at + 2).value;
    }
    return size;
}

// From segment to segment to the first one that starts a frame (SOF0 to SOF15 without the tables).
std::optional<FrameSize> jpeg_size(const Head& head)
{
    for (std::size_t at = 2; at + 8 < head.size() && head.byte(at) == 0xff;) {
        const std::uint32_t kind = head.byte(at + 1);
        if (kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc)
            return FrameSize{head.big16(at + 7), head.big16(at + 5)};
        const bool filler = kind == 0xff;
        at += filler ? 1 : 2 + head.big16(at + 2);
    }
    return std::nullopt;
}

std::optional<FrameSize> webp_size(const Head& head)
{
    if (head.has("VP8X", 12)) return FrameSize{head.little24(24) + 1, head.little24(27) + 1};
    if (head.has("VP8 ", 12))
        return FrameSize{head.little16(26) & 0x3fff, head.little16(28) & 0x3fff};
    if (head.has("VP8L", 12)) {
        const std::uint32_t packed = head.little32(21);
        return FrameSize{(packed & 0x3fff) + 1, (packed >> 14 & 0x3fff) + 1};
    }
    return std::nullopt;
}

// The oldest header has 16 bits for a side; a height below zero counts rows from the top.
FrameSize bmp_size(const Head& head)
{
    constexpr std::uint32_t kOldestHeader = 12;
    if (head.little32(14) == kOldestHeader) return {head.little16(18), head.little16(20)};
    const std::uint32_t height = head.little32(22);
    return {head.little32(18), height > 0x7fff'ffffU ? 0U - height : height};
}

std::optional<FrameSize> claimed_size(const Head& head, Container container)
{
    switch (container) {
    case Container::png:
    case Container::apng:
        return FrameSize{head.big32(16), head.big32(20)};
    case Container::bmp:
        return bmp_size(head);
    case Container::gif:
        return FrameSize{head.little16(6), head.little16(8)};
    case Container::jpeg:
        return jpeg_size(head);
    case Container::webp:
        return webp_size(head);
    case Container::ppm:
        return ppm_size(head);
    case Container::y4m:
        return y4m_size(head);
    case Container::mp4:
    case Container::matroska:
        break; // said deep inside; the demuxer reads it
    }
    return std::nullopt;
}

template <std::size_t N>
const Foreign* find(const std::array<Foreign, N>& rows, const Head& head, std::size_t start)
{
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Foreign& foreign) {
        return head.has(foreign.bytes, start + foreign.at);
    });
    return row == rows.end() ? nullptr : &*row;
}

Error not_ours(const Head& head)
{
    if (const Foreign* foreign = find(kForeign, head, 0))
        return refused("the file is " + std::string(foreign->what) +
                           ", not a container that is opened here",
                       "unsupported_container");
    std::string text = "the file is not a video or a picture";
    const std::size_t start = head.skip_space(head.has("\xef\xbb\xbf", 0) ? 3 : 0);
    for (const Foreign& row : kText)
        if (head.reads(row.bytes, start)) text += ": " + std::string(row.what);
    return refused(std::move(text), "not_media");
}

// A still picture in the boxes of an MP4.
bool is_boxed_picture(const Head& head)
{
    return head.has("ftyp", 4) && (head.has("avif", 8) || head.has("avis", 8) ||
                                   head.has("heic", 8) || head.has("mif1", 8));
}

// An animated PNG says so in a chunk before the first picture.
bool is_animated_png(const Head& head)
{
    constexpr std::size_t kSignature = 8;
    constexpr std::size_t kAroundData = 12; // length, name and sum of a chunk
    for (std::size_t at = kSignature; at + kAroundData < head.size();) {
        if (head.has("acTL", at + 4)) return true;
        if (head.has("IDAT", at + 4)) return false;
        at += kAroundData + head.big32(at);
    }
    return false;
}

std::string name_of(const Signature& signature, const Head& head)
{
    if (head.has("ftypqt  ", 4)) return "mov";
    if (signature.container == Container::matroska) {
        constexpr std::size_t kDocTypeWithin = 64;
        for (std::size_t at = 4; at < kDocTypeWithin; ++at)
            if (head.has("webm", at)) return "webm";
    }
    return std::string(signature.name);
}

Error truncated(std::string text) { return refused(std::move(text), "truncated"); }

// The last bytes of the file.
std::string tail(const Source& source, std::size_t wanted)
{
    std::vector<std::uint8_t> bytes(
        static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), wanted)));
    bytes.resize(source.read_at(source.size() - bytes.size(), bytes));
    return {bytes.begin(), bytes.end()};
}

// Writers may pad after the end mark, and some append a few bytes of their own.
constexpr std::size_t kAfterTheEnd = 4096;

bool ends_with_mark(const Source& source, std::string_view mark)
{
    return tail(source, mark.size() + kAfterTheEnd).find(mark) != std::string::npos;
}

bool gif_ends(const Source& source)
{
    const std::string end = tail(source, kAfterTheEnd);
    const std::size_t last = end.find_last_not_of('\0');
    return last != std::string::npos && end[last] == ';';
}

bool webp_ends(const Source& source)
{
    const Head head(source);
    return std::uint64_t{head.little32(4)} + 8 <= source.size();
}

} // namespace

bool is_picture(Container container)
{
    return container == Container::png || container == Container::jpeg ||
           container == Container::webp || container == Container::ppm ||
           container == Container::bmp;
}

Result<Layout> layout_of(const Source& source)
{
    if (source.size() == 0) return refused("the file is empty", "empty");
    const Head head(source);
    const auto row =
        std::find_if(kSignatures.begin(), kSignatures.end(), [&](const Signature& signature) {
            return head.has(signature.bytes, signature.at);
        });
    if (row == kSignatures.end() || (row->container == Container::webp && !head.has("RIFF", 0)))
        return not_ours(head);
    if (is_boxed_picture(head))
        return refused("the file is an AVIF or HEIF picture, not a container that is opened here",
                       "unsupported_container");

    Layout layout{.container = row->container,
                  .name = name_of(*row, head),
                  .size = claimed_size(head, row->container)};
    if (layout.container == Container::png && is_animated_png(head)) {
        layout.container = Container::apng;
        layout.name = "apng";
    }
    if (row->container == Container::mp4) layout.faststart = index_stands_first(source);
    return layout;
}

Result<Done> check_end(const Source& source, Container container)
{
    switch (container) {
    case Container::mp4:
        if (const auto missing = missing_in_mp4(source)) return truncated(*missing);
        return Done{};
    case Container::matroska:
        if (const auto missing = missing_in_matroska(source)) return truncated(*missing);
        return Done{};
    case Container::png:
    case Container::apng:
        if (!ends_with_mark(source, "IEND\xae\x42\x60\x82"sv))
            return truncated("the PNG ends before its IEND chunk");
        return Done{};
    case Container::jpeg:
        if (!ends_with_mark(source, "\xff\xd9"sv))
            return truncated("the JPEG ends before its end marker");
        return Done{};
    case Container::gif:
        if (!gif_ends(source)) return truncated("the GIF ends before its trailer");
        return Done{};
    case Container::webp:
        if (!webp_ends(source)) return truncated("the WebP ends before its last chunk");
        return Done{};
    case Container::bmp:
        if (Head(source).little32(2) > source.size())
            return truncated("the BMP ends before its last row");
        return Done{};
    case Container::y4m:
    case Container::ppm:
        break; // frames of one length: reading them to the end shows it
    }
    return Done{};
}

} // namespace reelgate
