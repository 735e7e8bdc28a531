#include "host/media/scaler.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <algorithm>

namespace reelgate {
namespace {

constexpr int kHighDefinition = 720; // from here on, rows that say nothing are taken for BT.709
constexpr int kUnchanged = 1 << 16;  // contrast and saturation

bool is_full_range(int format)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P:
    case AV_PIX_FMT_GRAY8:
    case AV_PIX_FMT_GRAY16BE:
    case AV_PIX_FMT_GRAY16LE:
    case AV_PIX_FMT_YA8:
    case AV_PIX_FMT_MONOBLACK:
        return true;
    default:
        return is_rgb(format);
    }
}

int colours_of(const AVFrame& frame)
{
    if (frame.colorspace != AVCOL_SPC_UNSPECIFIED) return frame.colorspace;
    return frame.height >= kHighDefinition ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

} // namespace

void FreeScaler::operator()(SwsContext* it) const { sws_freeContext(it); }

bool is_rgb(int pixel_format)
{
    const AVPixFmtDescriptor* format =
        av_pix_fmt_desc_get(static_cast<AVPixelFormat>(pixel_format));
    constexpr std::uint64_t kColours = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL;
    return format != nullptr && (format->flags & kColours) != 0;
}

bool is_full_range(const AVFrame& frame)
{
    return frame.color_range == AVCOL_RANGE_JPEG || is_full_range(frame.format);
}

FrameSize fitted(FrameSize size, std::uint32_t side)
{
    const std::uint32_t longest = std::max({size.width, size.height, 1U});
    if (longest <= side) return size;
    const auto shrunk = [&](std::uint32_t one) {
        return std::max(1U, static_cast<std::uint32_t>(std::uint64_t{one} * side / longest));
    };
    return {shrunk(size.width), shrunk(size.height)};
}

Result<Done> Scaler::prepare(const Kind& kind)
{
    if (context_ && kind == kind_) return Done{};
    context_.reset(sws_getContext(static_cast<int>(kind.from_size.width),
                                  static_cast<int>(kind.from_size.height),
                                  static_cast<AVPixelFormat>(kind.from_format),
                                  static_cast<int>(kind.to_size.width),
                                  static_cast<int>(kind.to_size.height),
                                  static_cast<AVPixelFormat>(kind.to_format),
                                  SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT,
                                  nullptr,
                                  nullptr,
                                  nullptr));
    if (!context_) return media_refused("its pictures cannot be converted", "decode_failed");
    // Fails where neither side has such colours, and then there is nothing to say.
    sws_setColorspaceDetails(context_.get(),
                             sws_getCoefficients(kind.from_colours),
                             kind.from_full ? 1 : 0,
                             sws_getCoefficients(kind.to_colours),
                             kind.to_full ? 1 : 0,
                             0,
                             kUnchanged,
                             kUnchanged);
    kind_ = kind;
    return Done{};
}

Result<FramePtr>
Scaler::scaled(const AVFrame& from, FrameSize to, AVPixelFormat format, AVColorSpace colours)
{
    const bool from_rgb = is_rgb(from.format);
    Kind kind{
        .from_size = {static_cast<std::uint32_t>(from.width),
                      static_cast<std::uint32_t>(from.height)},
        .to_size = to,
        .from_format = from.format,
        .to_format = format,
        .from_colours = colours_of(from),
        .to_colours = from_rgb ? static_cast<int>(colours) : colours_of(from),
        .from_full = is_full_range(from),
        .to_full = is_full_range(static_cast<int>(format))
    };
    RG_CHECK(prepare(kind));
    FramePtr out(av_frame_alloc());
    if (!out) return out_of_memory();
    out->format = format;
    out->width = static_cast<int>(to.width);
    out->height = static_cast<int>(to.height);
    if (av_frame_get_buffer(out.get(), 0) < 0) return out_of_memory();
    const int rows = sws_scale(
        context_.get(), from.data, from.linesize, 0, from.height, out->data, out->linesize);
    if (rows != out->height)
        return media_refused("its pictures cannot be converted", "decode_failed");
    return out;
}

} // namespace reelgate
