#include "host/media/track.hpp"

#include "host/media/reading.hpp"

extern "C" {
#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <array>
#include <cmath>

namespace reelgate {
namespace {

FrameSize size_of(int width, int height)
{
    return {static_cast<std::uint32_t>(std::max(width, 0)),
            static_cast<std::uint32_t>(std::max(height, 0))};
}

struct Decoder {
    AVCodecID codec;
    const char* name; // libavcodec's
};

// clang-format off
// All that is ever opened: libavcodec has five hundred, most of them for files of the last century and
// little read since.
constexpr std::array kDecoders{
    Decoder{AV_CODEC_ID_H264,      "h264"},
    Decoder{AV_CODEC_ID_HEVC,      "hevc"},
    Decoder{AV_CODEC_ID_MPEG4,     "mpeg4"},
    Decoder{AV_CODEC_ID_VP8,       "vp8"},
    Decoder{AV_CODEC_ID_VP9,       "vp9"},
    Decoder{AV_CODEC_ID_AV1,       "libdav1d"}, // "av1" itself decodes only on a GPU
    Decoder{AV_CODEC_ID_MJPEG,     "mjpeg"},
    Decoder{AV_CODEC_ID_PNG,       "png"},
    Decoder{AV_CODEC_ID_APNG,      "apng"},
    Decoder{AV_CODEC_ID_GIF,       "gif"},
    Decoder{AV_CODEC_ID_WEBP,      "webp"},
    Decoder{AV_CODEC_ID_PPM,       "ppm"},
    Decoder{AV_CODEC_ID_BMP,       "bmp"},
    Decoder{AV_CODEC_ID_RAWVIDEO,  "rawvideo"},
    Decoder{AV_CODEC_ID_AAC,       "aac"},
    Decoder{AV_CODEC_ID_MP3,       "mp3float"},
    Decoder{AV_CODEC_ID_OPUS,      "opus"},
    Decoder{AV_CODEC_ID_VORBIS,    "vorbis"},
    Decoder{AV_CODEC_ID_FLAC,      "flac"},
    Decoder{AV_CODEC_ID_ALAC,      "alac"},
    Decoder{AV_CODEC_ID_PCM_S16LE, "pcm_s16le"},
    Decoder{AV_CODEC_ID_PCM_S16BE, "pcm_s16be"},
    Decoder{AV_CODEC_ID_PCM_S24LE, "pcm_s24le"},
    Decoder{AV_CODEC_ID_PCM_F32LE, "pcm_f32le"},
};
// clang-format on

Result<CodecPtr> open_decoder(const AVStream& stream, const ProbeLimits& limits)
{
    const AVCodecID id = stream.codecpar->codec_id;
    const auto row = std::find_if(kDecoders.begin(), kDecoders.end(), [id](const Decoder& decoder) {
        return decoder.codec == id;
    });
    const AVCodec* codec =
        row == kDecoders.end() ? nullptr : avcodec_find_decoder_by_name(row->name);
    if (id == AV_CODEC_ID_NONE)
        return media_refused("a stream does not say which codec it has", "unsupported_codec");
    if (codec == nullptr)
        return media_refused("the codec '" + std::string(avcodec_get_name(id)) +
                                 "' is not decoded here",
                             "unsupported_codec");
    CodecPtr context(avcodec_alloc_context3(codec));
    if (!context) return out_of_memory();
    if (const int status = avcodec_parameters_to_context(context.get(), stream.codecpar);
        status < 0)
        return libav_error("reading the parameters of a stream", status);
    context->pkt_timebase = stream.time_base;
    // One thread: jobs want the others, and each further thread holds more frames.
    context->thread_count = 1;
    context->max_pixels = static_cast<std::int64_t>(limits.max_pixels);
    if (const int status = avcodec_open2(context.get(), codec, nullptr); status < 0)
        return libav_error("opening the decoder '" + std::string(codec->name) + "'", status);
    return context;
}

// Gives `packet` to `decoder` and every frame that comes out to `take`.
template <class Take>
Result<Done> decode(AVCodecContext& decoder,
                    const AVPacket* packet,
                    AVFrame& frame,
                    const std::string& doing,
                    Take take)
{
    if (const int status = avcodec_send_packet(&decoder, packet); status < 0)
        return libav_error(doing, status);
    for (;;) {
        const int status = avcodec_receive_frame(&decoder, &frame);
        if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return Done{};
        if (status < 0) return libav_error(doing, status);
        RG_CHECK(take(frame));
        av_frame_unref(&frame);
    }
}

} // namespace

void FreeLibav::operator()(AVFormatContext* it) const { avformat_close_input(&it); }
void FreeLibav::operator()(AVCodecContext* it) const { avcodec_free_context(&it); }
void FreeLibav::operator()(AVPacket* it) const { av_packet_free(&it); }
void FreeLibav::operator()(AVFrame* it) const { av_frame_free(&it); }
void FreeLibav::operator()(AVIOContext* it) const
{
    av_freep(&it->buffer); // libavformat may have replaced the one it was given
    avio_context_free(&it);
}

Error media_refused(std::string text, std::string code)
{
    return {.category = Category::output_invalid,
            .text = std::move(text),
            .code = std::move(code),
            .phase = Phase::verify};
}

Error out_of_memory()
{
    return media_refused("decoding the file takes more memory than is allowed", "too_large");
}

Error libav_error(const std::string& doing, int status)
{
    if (status == AVERROR(ENOMEM)) return out_of_memory();
    std::array<char, AV_ERROR_MAX_STRING_SIZE> why{};
    av_strerror(status, why.data(), why.size());
    return media_refused(doing + ": " + why.data(), "decode_failed");
}

Result<Done> check_pixels(FrameSize size, const ProbeLimits& limits)
{
    if (std::uint64_t{size.width} * size.height <= limits.max_pixels) return Done{};
    return media_refused("a frame has " + std::to_string(size.width) + "x" +
                             std::to_string(size.height) + " pixels, at most " +
                             std::to_string(limits.max_pixels) + " are decoded",
                         "too_large");
}

VideoTrack::VideoTrack(const AVStream& stream, CodecPtr decoder, const ProbeLimits& limits)
    : stream_(stream), limits_(limits), decoder_(std::move(decoder))
{
}

Result<std::unique_ptr<VideoTrack>> VideoTrack::open(const AVStream& stream,
                                                     const ProbeLimits& limits)
{
    const AVCodecParameters& claimed = *stream.codecpar;
    RG_CHECK(check_pixels(size_of(claimed.width, claimed.height), limits));
    RG_TRY(CodecPtr decoder, open_decoder(stream, limits));
    return std::unique_ptr<VideoTrack>(new VideoTrack(stream, std::move(decoder), limits));
}

std::string VideoTrack::doing() const { return "decoding frame " + std::to_string(frames_); }

Result<Done> VideoTrack::feed(const AVPacket* packet, AVFrame& frame, ReadingListener& listener)
{
    return decode(*decoder_, packet, frame, doing(), [&](const AVFrame& out) -> Result<Done> {
        RG_CHECK(take(out));
        return listener.on_picture(out);
    });
}

Result<Done> VideoTrack::take(const AVFrame& frame)
{
    if (frame.decode_error_flags != 0)
        return media_refused(doing() + ": the data is damaged", "decode_failed");
    const FrameSize size = size_of(frame.width, frame.height);
    RG_CHECK(check_pixels(size, limits_));
    if (frames_ == 0) {
        size_ = size;
        format_ = frame.format;
    }
    if (size != size_)
        return media_refused(doing() + ": its size differs from that of the first",
                             "decode_failed");
    if (++frames_ > limits_.max_frames)
        return media_refused("the file has more than " + std::to_string(limits_.max_frames) +
                                 " frames, no more are decoded",
                             "too_large");
    note_time(frame.best_effort_timestamp);
    return Done{};
}

void VideoTrack::report(MediaFacts& facts) const
{
    facts.video_codec = avcodec_get_name(stream_.codecpar->codec_id);
    const char* format = av_get_pix_fmt_name(static_cast<AVPixelFormat>(format_));
    facts.pixel_format = format == nullptr ? "" : format;
    facts.width = size_.width;
    facts.height = size_.height;
    facts.frames = frames_;
    facts.fps = rate();
    if (facts.fps > 0) facts.seconds = static_cast<double>(frames_) / facts.fps;
}

void VideoTrack::note_time(std::int64_t time)
{
    if (time == AV_NOPTS_VALUE) return;
    first_ = timed_ == 0 ? time : std::min(first_, time);
    last_ = timed_ == 0 ? time : std::max(last_, time);
    ++timed_;
}

double VideoTrack::seconds() const
{
    return (static_cast<double>(last_) - static_cast<double>(first_)) * av_q2d(stream_.time_base);
}

// From the times of the decoded frames. The header's rate counts where no time says otherwise,
// and where it lies within the rounding of the time base, which is coarse in WebM (1 ms) and
// GIF (10 ms).
double VideoTrack::rate() const
{
    const double tick = av_q2d(stream_.time_base);
    const double span = seconds();
    const double claimed = claimed_rate();
    if (timed_ < 2 || !(span > 0) || !std::isfinite(span)) return claimed;
    const auto steps = static_cast<double>(timed_ - 1);
    const bool agrees = claimed > 0 && std::abs(steps / claimed - span) <= tick;
    return agrees ? claimed : steps / span;
}

double VideoTrack::claimed_rate() const
{
    const AVRational rate =
        stream_.avg_frame_rate.num > 0 ? stream_.avg_frame_rate : stream_.r_frame_rate;
    return rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
}

AudioTrack::AudioTrack(const AVStream& stream, CodecPtr decoder, const ProbeLimits& limits)
    : stream_(stream), limits_(limits), decoder_(std::move(decoder))
{
}

Result<std::unique_ptr<AudioTrack>> AudioTrack::open(const AVStream& stream,
                                                     const ProbeLimits& limits)
{
    RG_TRY(CodecPtr decoder, open_decoder(stream, limits));
    return std::unique_ptr<AudioTrack>(new AudioTrack(stream, std::move(decoder), limits));
}

Result<Done> AudioTrack::feed(const AVPacket* packet, AVFrame& frame, ReadingListener& listener)
{
    const auto heard = [&](const AVFrame& out) -> Result<Done> {
        RG_CHECK(take(out));
        return listener.on_sound(out);
    };
    return decode(*decoder_, packet, frame, "decoding the sound", heard);
}

Result<Done> AudioTrack::take(const AVFrame& frame)
{
    if (frame.sample_rate > 0 && frame.nb_samples > 0)
        seconds_ += static_cast<double>(frame.nb_samples) / frame.sample_rate;
    if (seconds_ <= static_cast<double>(limits_.max_seconds)) return Done{};
    return media_refused("the sound lasts longer than " + std::to_string(limits_.max_seconds) +
                             " seconds, no more is decoded",
                         "too_large");
}

void AudioTrack::report(MediaFacts& facts) const
{
    facts.audio_codec = avcodec_get_name(stream_.codecpar->codec_id);
    facts.audio_seconds = seconds_;
}

} // namespace reelgate
