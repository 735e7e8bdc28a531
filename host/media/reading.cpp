#include "host/media/reading.hpp"

extern "C" {
#include <libavutil/mem.h>
}

#include <algorithm>
#include <array>
#include <string>

namespace reelgate {
namespace {

struct Demuxer {
    Container container;
    const char* name; // libavformat's
};

// clang-format off
constexpr std::array kDemuxers{
    Demuxer{Container::mp4,      "mov"},
    Demuxer{Container::matroska, "matroska"},
    Demuxer{Container::y4m,      "yuv4mpegpipe"},
    Demuxer{Container::gif,      "gif"},
    Demuxer{Container::apng,     "apng"},
    Demuxer{Container::png,      "png_pipe"},
    Demuxer{Container::jpeg,     "jpeg_pipe"},
    Demuxer{Container::webp,     "webp_pipe"},
    Demuxer{Container::ppm,      "ppm_pipe"},
    Demuxer{Container::bmp,      "bmp_pipe"},
};
// clang-format on

// Picture, sound, subtitles, chapters, each in a few languages. More is a file made to cost memory.
constexpr int kMaxStreams = 32;
// libavformat reads the file through this much; larger reads bypass it.
constexpr int kReadBuffer = 64 << 10;

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

Error lasts_too_long(const ProbeLimits& limits)
{
    return media_refused("the file lasts longer than " + std::to_string(limits.max_seconds) +
                             " seconds, no more is decoded",
                         "too_large");
}

} // namespace

Result<Done> MediaReading::open()
{
    RG_CHECK(open_container());
    RG_CHECK(open_tracks());
    return check_claimed_time();
}

Result<Done> MediaReading::read(ReadingListener& listener)
{
    const PacketPtr packet(av_packet_alloc());
    const FramePtr frame(av_frame_alloc());
    if (!packet || !frame) return out_of_memory();
    while (!listener.has_enough()) {
        const int status = av_read_frame(format_.get(), packet.get());
        if (status == AVERROR_EOF) return finish(*frame, listener);
        if (status < 0) return libav_error("reading the " + layout_.name + " file", status);
        RG_CHECK(pass_on(*packet, *frame, listener));
        av_packet_unref(packet.get());
    }
    return Done{};
}

Result<Done> MediaReading::finish(AVFrame& frame, ReadingListener& listener)
{
    if (!listener.copies_pictures()) {
        RG_CHECK(video_->feed(nullptr, frame, listener));
        RG_CHECK(check_whole());
    }
    if (audio_ && !listener.copies_sound()) RG_CHECK(audio_->feed(nullptr, frame, listener));
    return Done{};
}

MediaFacts MediaReading::facts() const
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

Result<Done> MediaReading::open_container()
{
    auto* buffer = static_cast<unsigned char*>(av_malloc(kReadBuffer));
    if (buffer == nullptr) return out_of_memory();
    io_.reset(avio_alloc_context(buffer, kReadBuffer, 0, &cursor_, read_some, nullptr, seek_to));
    if (!io_) {
        av_free(buffer);
        return out_of_memory();
    }
    AVFormatContext* format = avformat_alloc_context();
    if (format == nullptr) return out_of_memory();
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
Result<Done> MediaReading::open_tracks()
{
    for (unsigned i = 0; i < format_->nb_streams; ++i) {
        AVStream& stream = *format_->streams[i];
        const bool cover = (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
        const AVMediaType kind = stream.codecpar->codec_type;
        if (kind == AVMEDIA_TYPE_VIDEO && !video_ && !cover) {
            RG_TRY(video_, VideoTrack::open(stream, limits_));
            video_index_ = stream.index;
        } else if (kind == AVMEDIA_TYPE_AUDIO && !audio_) {
            RG_TRY(audio_, AudioTrack::open(stream, limits_));
            audio_index_ = stream.index;
        } else {
            stream.discard = AVDISCARD_ALL;
        }
    }
    if (!video_) return media_refused("the file has no picture in it", "no_video");
    return Done{};
}

// What the file says of itself; the frames are counted all the same.
Result<Done> MediaReading::check_claimed_time() const
{
    const bool says = format_->duration != AV_NOPTS_VALUE && format_->duration > 0;
    const double claimed = says ? static_cast<double>(format_->duration) / AV_TIME_BASE : 0;
    if (claimed > static_cast<double>(limits_.max_seconds)) return lasts_too_long(limits_);
    return Done{};
}

Result<Done> MediaReading::pass_on(AVPacket& packet, AVFrame& frame, ReadingListener& listener)
{
    const bool pictures = packet.stream_index == video_index_;
    if (!pictures && !(audio_ && packet.stream_index == audio_index_)) return Done{};
    const bool copied = pictures ? listener.copies_pictures() : listener.copies_sound();
    if (copied) return listener.on_packet(packet, pictures);
    return layout_.container == Container::ppm ? decode_ppm(packet, frame, listener)
                                               : decode(packet, frame, listener);
}

Result<Done> MediaReading::decode(const AVPacket& packet, AVFrame& frame, ReadingListener& listener)
{
    if ((packet.flags & AV_PKT_FLAG_CORRUPT) != 0)
        return media_refused("the file ends within a packet", "truncated");
    if (packet.pos >= 0) read_to_ = packet.pos + packet.size;
    if (packet.stream_index != video_index_) return audio_->feed(&packet, frame, listener);
    RG_CHECK(video_->feed(&packet, frame, listener));
    if (video_->seconds() > static_cast<double>(limits_.max_seconds))
        return lasts_too_long(limits_);
    return Done{};
}

// A PPM does not say where it ends, so a cut one shows as a last frame that cannot be decoded.
Result<Done> MediaReading::decode_ppm(AVPacket& packet, AVFrame& frame, ReadingListener& listener)
{
    Result<Done> decoded = decode(packet, frame, listener);
    if (decoded || decoded.error().code != "decode_failed") return decoded;
    av_packet_unref(&packet);
    if (av_read_frame(format_.get(), &packet) != AVERROR_EOF) return decoded;
    return ends_within_frame();
}

Result<Done> MediaReading::check_whole() const
{
    const bool left_over = static_cast<std::uint64_t>(read_to_) < cursor_.source->size();
    if (layout_.container == Container::y4m && left_over) return ends_within_frame();
    if (video_->frames() == 0) return media_refused("the file has no frames", "no_video");
    return Done{};
}

Error MediaReading::ends_within_frame() const
{
    return media_refused("the file ends within frame " + std::to_string(video_->frames()),
                         "truncated");
}

Result<Layout> admitted_layout(const Source& source, const ProbeLimits& limits)
{
    if (source.size() > limits.max_bytes)
        return media_refused("the file has " + std::to_string(source.size()) + " bytes, at most " +
                                 std::to_string(limits.max_bytes) + " are opened",
                             "too_large");
    RG_TRY(Layout layout, layout_of(source));
    if (layout.size) RG_CHECK(check_pixels(*layout.size, limits));
    RG_CHECK(check_end(source, layout.container));
    return layout;
}

} // namespace reelgate
