#include "host/media/probe.hpp"

#include "host/media/layout.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>

namespace reelgate {
namespace {

struct Demuxer {
    Container container;
    const char* name; // libavformat's
};

struct Decoder {
    AVCodecID codec;
    const char* name; // libavcodec's
};

// clang-format off
constexpr std::array kDemuxers{
    Demuxer{Container::mp4,      "mov"},
    Demuxer{Container::matroska, "matroska"},
    Demuxer{Container::y4m,      "yuv4mpegpipe"},
    Demuxer{Container::gif,      "gif"},
    Demuxer{Container::png,      "png_pipe"},
    Demuxer{Container::jpeg,     "jpeg_pipe"},
    Demuxer{Container::webp,     "webp_pipe"},
    Demuxer{Container::ppm,      "ppm_pipe"},
};

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
    Decoder{AV_CODEC_ID_GIF,       "gif"},
    Decoder{AV_CODEC_ID_WEBP,      "webp"},
    Decoder{AV_CODEC_ID_PPM,       "ppm"},
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

// Picture, sound, subtitles, chapters, each in a few languages. More is a file made to cost memory.
constexpr int kMaxStreams = 32;
// libavformat reads the file through this much; larger reads bypass it.
constexpr int kReadBuffer = 64 << 10;

struct Free {
    void operator()(AVFormatContext* it) const { avformat_close_input(&it); }
    void operator()(AVCodecContext* it) const { avcodec_free_context(&it); }
    void operator()(AVPacket* it) const { av_packet_free(&it); }
    void operator()(AVFrame* it) const { av_frame_free(&it); }
    void operator()(AVIOContext* it) const
    {
        av_freep(&it->buffer); // libavformat may have replaced the one it was given
        avio_context_free(&it);
    }
};
using FormatPtr = std::unique_ptr<AVFormatContext, Free>;
using CodecPtr = std::unique_ptr<AVCodecContext, Free>;
using PacketPtr = std::unique_ptr<AVPacket, Free>;
using FramePtr = std::unique_ptr<AVFrame, Free>;
using IoPtr = std::unique_ptr<AVIOContext, Free>;

Error refused(std::string text, std::string code)
{
    return {.category = Category::output_invalid,
            .text = std::move(text),
            .code = std::move(code),
            .phase = Phase::verify};
}

Error no_memory()
{
    return refused("decoding the file takes more memory than is allowed", "too_large");
}

// What libav says about a file as an Error. Being out of memory is the file's doing: the limit on
// this process is far above what files within the other limits need.
Error libav_error(std::string doing, int status)
{
    if (status == AVERROR(ENOMEM)) return no_memory();
    std::array<char, AV_ERROR_MAX_STRING_SIZE> why{};
    av_strerror(status, why.data(), why.size());
    return refused(doing + ": " + why.data(), "decode_failed");
}

Result<Done> check_pixels(FrameSize size, const ProbeLimits& limits)
{
    if (std::uint64_t{size.width} * size.height <= limits.max_pixels) return Done{};
    return refused("a frame has " + std::to_string(size.width) + "x" + std::to_string(size.height) +
                       " pixels, at most " + std::to_string(limits.max_pixels) + " are decoded",
                   "too_large");
}

FrameSize size_of(int width, int height)
{
    return {static_cast<std::uint32_t>(std::max(width, 0)),
            static_cast<std::uint32_t>(std::max(height, 0))};
}

// ---- the file, as libavformat sees it -----------------------------------------------------------

struct Cursor {
    const Source* source;
    std::uint64_t at = 0;
};

int read_some(void* opaque, std::uint8_t* into, int room)
{
    auto& cursor = *static_cast<Cursor*>(opaque);
    const std::size_t got =
        cursor.source->read_at(cursor.at, {into, static_cast<std::size_t>(room)});
    cursor.at += got;
    return got == 0 ? AVERROR_EOF : static_cast<int>(got);
}

std::int64_t seek_to(void* opaque, std::int64_t offset, int whence)
{
    auto& cursor = *static_cast<Cursor*>(opaque);
    const auto size = static_cast<std::int64_t>(cursor.source->size());
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return size;
    case SEEK_SET:
        break;
    case SEEK_CUR:
        offset += static_cast<std::int64_t>(cursor.at);
        break;
    case SEEK_END:
        offset += size;
        break;
    default:
        return AVERROR(EINVAL);
    }
    // Past the end, reading would look like a file that ended where it should.
    if (offset < 0 || offset > size) return AVERROR(EINVAL);
    cursor.at = static_cast<std::uint64_t>(offset);
    return offset;
}

// Some containers name further files. None is opened.
int open_nothing(AVFormatContext* /*format*/,
                 AVIOContext** /*io*/,
                 const char* /*url*/,
                 int /*flags*/,
                 AVDictionary** /*options*/)
{
    return AVERROR(EPERM);
}

// ---- one stream ---------------------------------------------------------------------------------

Result<CodecPtr> open_decoder(const AVStream& stream, const ProbeLimits& limits)
{
    const AVCodecID id = stream.codecpar->codec_id;
    const auto row = std::find_if(kDecoders.begin(), kDecoders.end(), [id](const Decoder& decoder) {
        return decoder.codec == id;
    });
    const AVCodec* codec =
        row == kDecoders.end() ? nullptr : avcodec_find_decoder_by_name(row->name);
    if (id == AV_CODEC_ID_NONE)
        return refused("a stream does not say which codec it has", "unsupported_codec");
    if (codec == nullptr)
        return refused("the codec '" + std::string(avcodec_get_name(id)) + "' is not decoded here",
                       "unsupported_codec");
    CodecPtr context(avcodec_alloc_context3(codec));
    if (!context) return no_memory();
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

class VideoTrack {
public:
    VideoTrack(const AVStream& stream, CodecPtr decoder, const ProbeLimits& limits)
        : stream_(stream), decoder_(std::move(decoder)), limits_(limits)
    {
    }

    AVCodecContext& decoder() { return *decoder_; }
    std::uint64_t frames() const { return frames_; }

    std::string what() const { return "decoding frame " + std::to_string(frames_); }

    Result<Done> take(const AVFrame& frame)
    {
        if (frame.decode_error_flags != 0)
            return refused(what() + ": the data is damaged", "decode_failed");
        const FrameSize size = size_of(frame.width, frame.height);
        RG_CHECK(check_pixels(size, limits_));
        if (frames_ == 0) {
            size_ = size;
            format_ = frame.format;
        }
        if (size != size_)
            return refused(what() + ": its size differs from that of the first", "decode_failed");
        if (++frames_ > limits_.max_frames)
            return refused("the file has more than " + std::to_string(limits_.max_frames) +
                               " frames, no more are decoded",
                           "too_large");
        note_time(frame.best_effort_timestamp);
        return Done{};
    }

    void report(MediaFacts& facts) const
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

private:
    void note_time(std::int64_t time)
    {
        if (time == AV_NOPTS_VALUE) return;
        first_ = timed_ == 0 ? time : std::min(first_, time);
        last_ = timed_ == 0 ? time : std::max(last_, time);
        ++timed_;
    }

    // From the times of the decoded frames. The header's rate counts where no time says otherwise,
    // and where it lies within the rounding of the time base, which is coarse in WebM (1 ms) and
    // GIF (10 ms).
    double rate() const
    {
        const double tick = av_q2d(stream_.time_base);
        const double span = (static_cast<double>(last_) - static_cast<double>(first_)) * tick;
        const double claimed = claimed_rate();
        if (timed_ < 2 || !(span > 0) || !std::isfinite(span)) return claimed;
        const auto steps = static_cast<double>(timed_ - 1);
        const bool agrees = claimed > 0 && std::abs(steps / claimed - span) <= tick;
        return agrees ? claimed : steps / span;
    }

    double claimed_rate() const
    {
        const AVRational rate =
            stream_.avg_frame_rate.num > 0 ? stream_.avg_frame_rate : stream_.r_frame_rate;
        return rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
    }

    const AVStream& stream_;
    CodecPtr decoder_;
    const ProbeLimits& limits_;
    FrameSize size_;
    int format_ = -1;
    std::uint64_t frames_ = 0;
    std::uint64_t timed_ = 0;
    std::int64_t first_ = 0;
    std::int64_t last_ = 0;
};

class AudioTrack {
public:
    AudioTrack(const AVStream& stream, CodecPtr decoder)
        : stream_(stream), decoder_(std::move(decoder))
    {
    }

    AVCodecContext& decoder() { return *decoder_; }
    std::string what() const { return "decoding the sound"; }

    Result<Done> take(const AVFrame& frame)
    {
        if (frame.sample_rate > 0 && frame.nb_samples > 0)
            seconds_ += static_cast<double>(frame.nb_samples) / frame.sample_rate;
        return Done{};
    }

    void report(MediaFacts& facts) const
    {
        facts.audio_codec = avcodec_get_name(stream_.codecpar->codec_id);
        facts.audio_seconds = seconds_;
    }

private:
    const AVStream& stream_;
    CodecPtr decoder_;
    double seconds_ = 0;
};

// Gives `packet` to the track's decoder (nullptr: there are no more) and counts what comes out.
template <class Track>
Result<Done> feed(Track& track, const AVPacket* packet, AVFrame& frame)
{
    if (const int status = avcodec_send_packet(&track.decoder(), packet); status < 0)
        return libav_error(track.what(), status);
    for (;;) {
        const int status = avcodec_receive_frame(&track.decoder(), &frame);
        if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return Done{};
        if (status < 0) return libav_error(track.what(), status);
        RG_CHECK(track.take(frame));
        av_frame_unref(&frame);
    }
}

// ---- the whole file -----------------------------------------------------------------------------

class Reading {
public:
    Reading(const Source& source, const Layout& layout, const ProbeLimits& limits)
        : layout_(layout), limits_(limits), cursor_{&source}
    {
    }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    Result<Done> open()
    {
        RG_CHECK(open_container());
        return open_tracks();
    }

    Result<Done> decode()
    {
        const PacketPtr packet(av_packet_alloc());
        const FramePtr frame(av_frame_alloc());
        if (!packet || !frame) return no_memory();
        for (;;) {
            const int status = av_read_frame(format_.get(), packet.get());
            if (status == AVERROR_EOF) break;
            if (status < 0) return libav_error("reading the " + layout_.name + " file", status);
            RG_CHECK(layout_.container == Container::ppm ? decode_ppm(*packet, *frame)
                                                         : decode(*packet, *frame));
            av_packet_unref(packet.get());
        }
        RG_CHECK(feed(*video_, nullptr, *frame));
        if (audio_) RG_CHECK(feed(*audio_, nullptr, *frame));
        return check_whole();
    }

    MediaFacts facts() const
    {
        MediaFacts facts;
        facts.container = layout_.name;
        facts.faststart = layout_.faststart;
        facts.bytes = cursor_.source->size();
        video_->report(facts);
        if (audio_) audio_->report(facts);
        if (is_picture(layout_.container)) { // libavformat makes up 25 frames a second
            facts.fps = 0;
            facts.seconds = 0;
        }
        return facts;
    }

private:
    Result<Done> open_container()
    {
        auto* buffer = static_cast<unsigned char*>(av_malloc(kReadBuffer));
        if (buffer == nullptr) return no_memory();
        io_.reset(
            avio_alloc_context(buffer, kReadBuffer, 0, &cursor_, read_some, nullptr, seek_to));
        if (!io_) {
            av_free(buffer);
            return no_memory();
        }
        AVFormatContext* format = avformat_alloc_context();
        if (format == nullptr) return no_memory();
        format->pb = io_.get();
        format->io_open = open_nothing;
        format->max_streams = kMaxStreams;
        const auto row =
            std::find_if(kDemuxers.begin(), kDemuxers.end(), [this](const Demuxer& demuxer) {
                return demuxer.container == layout_.container;
            });
        // Frees `format` when it fails.
        const int status =
            avformat_open_input(&format, nullptr, av_find_input_format(row->name), nullptr);
        if (status < 0) return libav_error("opening the " + layout_.name + " file", status);
        format_.reset(format);
        read_to_ = avio_tell(io_.get());
        return Done{};
    }

    // The first moving picture and the first sound; covers, subtitles and data are passed over.
    Result<Done> open_tracks()
    {
        for (unsigned i = 0; i < format_->nb_streams; ++i) {
            AVStream& stream = *format_->streams[i];
            const bool cover = (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
            const AVMediaType kind = stream.codecpar->codec_type;
            if (kind == AVMEDIA_TYPE_VIDEO && !video_ && !cover) {
                const auto& claimed = *stream.codecpar;
                RG_CHECK(check_pixels(size_of(claimed.width, claimed.height), limits_));
                RG_TRY(CodecPtr decoder, open_decoder(stream, limits_));
                video_ = std::make_unique<VideoTrack>(stream, std::move(decoder), limits_);
                video_index_ = stream.index;
            } else if (kind == AVMEDIA_TYPE_AUDIO && !audio_) {
                RG_TRY(CodecPtr decoder, open_decoder(stream, limits_));
                audio_ = std::make_unique<AudioTrack>(stream, std::move(decoder));
                audio_index_ = stream.index;
            } else {
                stream.discard = AVDISCARD_ALL;
            }
        }
        if (!video_) return refused("the file has no picture in it", "no_video");
        return Done{};
    }

    Result<Done> decode(const AVPacket& packet, AVFrame& frame)
    {
        const bool pictures = packet.stream_index == video_index_;
        if (!pictures && !(audio_ && packet.stream_index == audio_index_)) return Done{};
        if ((packet.flags & AV_PKT_FLAG_CORRUPT) != 0)
            return refused("the file ends within a packet", "truncated");
        if (packet.pos >= 0) read_to_ = packet.pos + packet.size;
        return pictures ? feed(*video_, &packet, frame) : feed(*audio_, &packet, frame);
    }

    // A PPM does not say where it ends, so a cut one shows as a last frame that cannot be decoded.
    Result<Done> decode_ppm(AVPacket& packet, AVFrame& frame)
    {
        Result<Done> decoded = decode(packet, frame);
        if (decoded) return decoded;
        av_packet_unref(&packet);
        if (av_read_frame(format_.get(), &packet) != AVERROR_EOF) return decoded;
        return ends_within_frame();
    }

    Result<Done> check_whole() const
    {
        const bool left_over = static_cast<std::uint64_t>(read_to_) < cursor_.source->size();
        if (layout_.container == Container::y4m && left_over) return ends_within_frame();
        if (video_->frames() == 0) return refused("the file has no frames", "no_video");
        return Done{};
    }

    Error ends_within_frame() const
    {
        return refused("the file ends within frame " + std::to_string(video_->frames()),
                       "truncated");
    }

    const Layout& layout_;
    const ProbeLimits& limits_;
    Cursor cursor_; // io_ points at it, format_ at io_, the tracks into format_
    IoPtr io_;
    FormatPtr format_;
    std::unique_ptr<VideoTrack> video_;
    std::unique_ptr<AudioTrack> audio_;
    int video_index_ = -1;
    int audio_index_ = -1;
    std::int64_t read_to_ = 0; // the end of the last packet; before any, that of the header
};

} // namespace

Result<MediaFacts> probe(const Source& source, const ProbeLimits& limits)
{
    av_log_set_level(AV_LOG_QUIET); // what libav says about a hostile file is the file's to choose
    if (source.size() > limits.max_bytes)
        return refused("the file has " + std::to_string(source.size()) + " bytes, at most " +
                           std::to_string(limits.max_bytes) + " are opened",
                       "too_large");
    RG_TRY(const Layout layout, layout_of(source));
    if (layout.size) RG_CHECK(check_pixels(*layout.size, limits));
    RG_CHECK(check_end(source, layout.container));

    Reading reading(source, layout, limits);
    RG_CHECK(reading.open());
    RG_CHECK(reading.decode());
    return reading.facts();
}

} // namespace reelgate
