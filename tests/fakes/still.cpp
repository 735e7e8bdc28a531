// One picture of the test pattern, by hand through the MJPEG encoder: a JPEG file is its one
// packet.
#include "tests/fakes/pattern_picture.hpp"
#include "tests/fakes/test_pattern.hpp"

#include <cerrno>
#include <fstream>
#include <memory>

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace reelgate {
namespace {

struct ReleasesAv {
    void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
    void operator()(AVFrame* frame) const { av_frame_free(&frame); }
    void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
template <class T>
using Av = std::unique_ptr<T, ReleasesAv>;

Result<Av<AVFrame>> painted(const PatternSpec& spec, std::uint32_t number)
{
    Av<AVFrame> frame{av_frame_alloc()};
    frame->format = AV_PIX_FMT_YUV420P;
    frame->color_range = AVCOL_RANGE_MPEG;
    frame->width = static_cast<int>(spec.width);
    frame->height = static_cast<int>(spec.height);
    if (av_frame_get_buffer(frame.get(), 0) < 0) return internal_error("no memory for a picture");
    PicturePlanes planes;
    for (std::size_t i = 0; i < 3; ++i) {
        planes.data[i] = frame->data[i];
        planes.stride[i] = static_cast<std::size_t>(frame->linesize[i]);
    }
    PatternPicture(spec.width, spec.height, spec.seed).paint(number, spec.frames, planes);
    return frame;
}

Result<Av<AVCodecContext>> jpeg_encoder(const PatternSpec& spec)
{
    const AVCodec* encoder = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    if (encoder == nullptr) return internal_error("libavcodec has no MJPEG encoder");
    Av<AVCodecContext> codec{avcodec_alloc_context3(encoder)};
    codec->width = static_cast<int>(spec.width);
    codec->height = static_cast<int>(spec.height);
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->color_range = AVCOL_RANGE_MPEG; // studio range, which JPEG allows as an extension
    codec->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
    codec->time_base = {1, 1};
    codec->thread_count = 1;
    codec->flags |= AV_CODEC_FLAG_BITEXACT;
    if (avcodec_open2(codec.get(), encoder, nullptr) < 0)
        return internal_error("the MJPEG encoder does not open");
    return codec;
}

} // namespace

Result<Done>
write_still(const PatternSpec& spec, std::uint32_t frame, const std::filesystem::path& file)
{
    RG_CHECK(check(spec));
    RG_TRY(const Av<AVFrame> picture, painted(spec, frame));
    RG_TRY(const Av<AVCodecContext> codec, jpeg_encoder(spec));
    const Av<AVPacket> packet{av_packet_alloc()};
    if (avcodec_send_frame(codec.get(), picture.get()) < 0 ||
        avcodec_receive_packet(codec.get(), packet.get()) < 0)
        return internal_error("the picture could not be encoded");
    std::ofstream out(file, std::ios::binary);
    // libav speaks of bytes, the stream of characters.
    out.write(reinterpret_cast<const char*>(packet->data), packet->size);
    out.close();
    if (!out) return system_error(Category::internal, "writing " + file.string(), errno);
    return Done{};
}

} // namespace reelgate
