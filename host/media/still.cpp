#include "host/media/still.hpp"

#include "host/base/fd.hpp"

extern "C" {
#include <libavutil/opt.h>
}

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace reelgate {
namespace {

constexpr int kJpegQuality = 3;    // of libavcodec's 2 (best) to 31
constexpr float kWebpQuality = 80; // of 100

Result<Done> write_file(const std::filesystem::path& file, const AVPacket& bytes)
{
    const Fd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!out) return making_failed("making " + file.string(), AVERROR(errno));
    int at = 0;
    while (at < bytes.size) {
        const ssize_t put =
            ::write(out.get(), bytes.data + at, static_cast<std::size_t>(bytes.size - at));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return making_failed("writing " + file.string(), AVERROR(errno));
        at += static_cast<int>(put);
    }
    return Done{};
}

Result<Done> write_encoded(AVCodecContext& encoder, AVFrame& frame, const std::filesystem::path& to)
{
    frame.pts = 0;
    frame.quality = encoder.global_quality;
    const PacketPtr packet(av_packet_alloc());
    if (!packet) return out_of_memory();
    int status = avcodec_send_frame(&encoder, &frame);
    if (status >= 0) status = avcodec_send_frame(&encoder, nullptr);
    if (status >= 0) status = avcodec_receive_packet(&encoder, packet.get());
    if (status < 0) return making_failed("encoding a picture", status);
    return write_file(to, *packet);
}

Result<CodecPtr> open_encoder(const AVCodec& codec, const AVFrame& frame)
{
    CodecPtr encoder(avcodec_alloc_context3(&codec));
    if (!encoder) return out_of_memory();
    encoder->width = frame.width;
    encoder->height = frame.height;
    encoder->pix_fmt = static_cast<AVPixelFormat>(frame.format);
    encoder->time_base = {1, 1};
    encoder->thread_count = 1;
    encoder->flags |= AV_CODEC_FLAG_BITEXACT; // else it says in the file which version made it
    if (codec.id == AV_CODEC_ID_MJPEG) {
        encoder->flags |= AV_CODEC_FLAG_QSCALE;
        encoder->global_quality = FF_QP2LAMBDA * kJpegQuality;
    } else {
        av_opt_set_double(encoder->priv_data, "quality", double{kWebpQuality}, 0);
    }
    if (const int status = avcodec_open2(encoder.get(), &codec, nullptr); status < 0)
        return making_failed("opening the encoder '" + std::string(codec.name) + "'", status);
    return encoder;
}

Result<Done> write_as(const AVCodec& codec,
                      AVPixelFormat format,
                      const AVFrame& picture,
                      const std::filesystem::path& file)
{
    const FrameSize size{static_cast<std::uint32_t>(picture.width),
                         static_cast<std::uint32_t>(picture.height)};
    Scaler scaler; // both formats have BT.601's colours, whatever the film has
    RG_TRY(const FramePtr frame, scaler.scaled(picture, size, format, AVCOL_SPC_SMPTE170M));
    RG_TRY(const CodecPtr encoder, open_encoder(codec, *frame));
    return write_encoded(*encoder, *frame, file);
}

} // namespace

Error making_failed(const std::string& doing, int status)
{
    if (status == AVERROR(ENOMEM)) return out_of_memory();
    std::array<char, AV_ERROR_MAX_STRING_SIZE> why{};
    av_strerror(status, why.data(), why.size());
    const bool full = status == AVERROR(ENOSPC) || status == AVERROR(EDQUOT);
    return Error{.category = full ? Category::storage_full : Category::internal,
                 .text = doing + ": " + why.data(),
                 .code = "making_failed",
                 .phase = Phase::verify};
}

Result<std::string> write_webp(const AVFrame& picture, const std::filesystem::path& file)
{
    const AVCodec* const codec = avcodec_find_encoder_by_name("libwebp");
    if (codec == nullptr) return write_jpeg(picture, file);
    RG_CHECK(write_as(*codec, AV_PIX_FMT_BGRA, picture, file));
    return std::string("image/webp");
}

Result<std::string> write_jpeg(const AVFrame& picture, const std::filesystem::path& file)
{
    const AVCodec* const codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    if (codec == nullptr) return making_failed("finding an encoder", AVERROR_ENCODER_NOT_FOUND);
    RG_CHECK(write_as(*codec, AV_PIX_FMT_YUVJ420P, picture, file));
    return std::string("image/jpeg");
}

} // namespace reelgate
