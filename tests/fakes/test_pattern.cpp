#include "tests/fakes/test_pattern.hpp"

#include "tests/fakes/pattern_picture.hpp"

#include <array>
#include <cmath>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
}

namespace reelgate {
namespace {

constexpr std::uint64_t kMaxPixels = 36ULL << 20U;
constexpr std::uint64_t kMaxPixelsInAll = 1ULL << 37U; // an hour of 1280x720 at 36 fps
constexpr std::uint32_t kMaxFrames = 36000;
constexpr int kLargestRateTerm = 60000; // MPEG-4 part 2 has 16 bits for it
constexpr int kSampleRate = 48000;

template <auto release>
struct Releases {
    template <class T>
    void operator()(T* p) const
    {
        release(&p);
    }
};
using Codec = std::unique_ptr<AVCodecContext, Releases<avcodec_free_context>>;
using Frame = std::unique_ptr<AVFrame, Releases<av_frame_free>>;
using Packet = std::unique_ptr<AVPacket, Releases<av_packet_free>>;

struct ClosesMuxer {
    void operator()(AVFormatContext* muxer) const
    {
        avio_closep(&muxer->pb);
        avformat_free_context(muxer);
    }
};
using Muxer = std::unique_ptr<AVFormatContext, ClosesMuxer>;

Error failure(std::string_view doing, int code)
{
    std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
    av_strerror(code, text.data(), text.size());
    if (code == AVERROR(ENOSPC)) return system_error(Category::internal, doing, ENOSPC);
    return internal_error(std::string(doing) + ": " + text.data());
}

Result<Done> checked(std::string_view doing, int code)
{
    if (code < 0) return failure(doing, code);
    return Done{};
}

Error refused(std::string_view field, std::uint64_t value, const std::string& why)
{
    return invalid(std::string(field) + ": " + std::to_string(value) + " " + why);
}

Result<Done> check_side(std::string_view field, std::uint32_t value)
{
    if (value < 16 || value > 8192) return refused(field, value, "is outside 16..8192");
    if (value % 2 != 0)
        return refused(field,
                       value,
                       "is odd; yuv420p needs even sides, the nearest is " +
                           std::to_string(value - 1));
    return Done{};
}

Result<Codec> open_video(const PatternSpec& spec, bool global_header)
{
    const AVCodec* encoder = avcodec_find_encoder_by_name("libx264");
    if (encoder == nullptr) encoder = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    if (encoder == nullptr) return internal_error("libavcodec has neither libx264 nor mpeg4");
    Codec codec{avcodec_alloc_context3(encoder)};
    codec->width = static_cast<int>(spec.width);
    codec->height = static_cast<int>(spec.height);
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->framerate = av_d2q(spec.fps, kLargestRateTerm);
    codec->time_base = av_inv_q(codec->framerate);
    codec->gop_size = 48;
    codec->max_b_frames = 0;
    codec->thread_count = 1;
    codec->color_range = AVCOL_RANGE_MPEG;
    codec->colorspace = AVCOL_SPC_BT709;
    codec->color_primaries = AVCOL_PRI_BT709;
    codec->color_trc = AVCOL_TRC_BT709;
    codec->flags |= AV_CODEC_FLAG_BITEXACT;
    if (global_header) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (encoder->id == AV_CODEC_ID_H264) {
        av_opt_set(codec->priv_data, "preset", "ultrafast", 0);
        av_opt_set(codec->priv_data, "crf", "23", 0);
    } else {
        codec->flags |= AV_CODEC_FLAG_QSCALE;
        codec->global_quality = FF_QP2LAMBDA * 4;
    }
    RG_CHECK(checked("opening the video encoder", avcodec_open2(codec.get(), encoder, nullptr)));
    return codec;
}

Result<Codec> open_audio(bool global_header)
{
    const AVCodec* encoder = avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (encoder == nullptr) return internal_error("libavcodec has no AAC encoder");
    Codec codec{avcodec_alloc_context3(encoder)};
    codec->sample_fmt = AV_SAMPLE_FMT_FLTP;
    codec->sample_rate = kSampleRate;
    codec->time_base = {1, kSampleRate};
    codec->bit_rate = 64000;
    codec->thread_count = 1;
    codec->flags |= AV_CODEC_FLAG_BITEXACT;
    if (global_header) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_channel_layout_default(&codec->ch_layout, 1);
    RG_CHECK(checked("opening the audio encoder", avcodec_open2(codec.get(), encoder, nullptr)));
    return codec;
}

Result<Frame> new_frame(const AVCodecContext& codec)
{
    Frame frame{av_frame_alloc()};
    if (codec.codec_type == AVMEDIA_TYPE_VIDEO) {
        frame->format = codec.pix_fmt;
        frame->width = codec.width;
        frame->height = codec.height;
        frame->color_range = codec.color_range;
        frame->colorspace = codec.colorspace;
        frame->color_primaries = codec.color_primaries;
        frame->color_trc = codec.color_trc;
    } else {
        frame->format = codec.sample_fmt;
        frame->nb_samples = codec.frame_size;
        frame->sample_rate = codec.sample_rate;
        av_channel_layout_copy(&frame->ch_layout, &codec.ch_layout);
    }
    RG_CHECK(checked("allocating a frame", av_frame_get_buffer(frame.get(), 0)));
    return frame;
}

// An encoder and the stream its packets go to.
struct Track {
    Codec codec;
    AVStream* stream = nullptr; // the muxer's
    Frame frame;                // reused for every picture or block of samples

    explicit operator bool() const { return codec != nullptr; }
};

Result<Track> new_track(AVFormatContext& muxer, Codec codec)
{
    Track track;
    track.stream = avformat_new_stream(&muxer, nullptr);
    if (track.stream == nullptr) return internal_error("no memory for a stream");
    track.stream->time_base = codec->time_base;
    track.stream->avg_frame_rate = codec->framerate;
    const int copied = avcodec_parameters_from_context(track.stream->codecpar, codec.get());
    RG_CHECK(checked("describing a stream", copied));
    RG_TRY(track.frame, new_frame(*codec));
    track.codec = std::move(codec);
    return track;
}

// Sends `frame` (nullptr: the end) and writes every packet that comes out.
Result<Done> encode(AVFormatContext& muxer, const Track& track, const AVFrame* frame)
{
    RG_CHECK(checked("encoding", avcodec_send_frame(track.codec.get(), frame)));
    const Packet packet{av_packet_alloc()};
    for (;;) {
        const int code = avcodec_receive_packet(track.codec.get(), packet.get());
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return Done{};
        RG_CHECK(checked("encoding", code));
        // Without it the muxer has to guess how long the last frame is shown.
        if (track.codec->codec_type == AVMEDIA_TYPE_VIDEO) packet->duration = 1;
        av_packet_rescale_ts(packet.get(), track.codec->time_base, track.stream->time_base);
        packet->stream_index = track.stream->index;
        RG_CHECK(checked("writing", av_interleaved_write_frame(&muxer, packet.get())));
    }
}

} // namespace

Result<Done> check(const PatternSpec& spec)
{
    RG_CHECK(check_side("width", spec.width));
    RG_CHECK(check_side("height", spec.height));
    const std::uint64_t pixels = std::uint64_t{spec.width} * spec.height;
    if (pixels > kMaxPixels)
        return refused(
            "size", pixels, "pixels are over the " + std::to_string(kMaxPixels) + " allowed");
    if (spec.frames < 1 || spec.frames > kMaxFrames)
        return refused("frames", spec.frames, "is outside 1.." + std::to_string(kMaxFrames));
    if (pixels * spec.frames > kMaxPixelsInAll)
        return refused("frames", spec.frames, "are too many for this size");
    if (!std::isfinite(spec.fps) || spec.fps < 1 || spec.fps > 240)
        return invalid("fps: " + std::to_string(spec.fps) + " is outside 1..240");
    return Done{};
}

struct PatternWriter::State {
    PatternSpec spec;
    std::filesystem::path file;
    PatternPicture picture;
    Muxer muxer;
    Track video;
    Track audio; // empty when the film is silent by having no sound at all
    std::uint32_t frames_done = 0;
    std::int64_t samples_done = 0;
    bool finished = false;

    State(const PatternSpec& wanted, const std::filesystem::path& to)
        : spec(wanted), file(to), picture(wanted.width, wanted.height, wanted.seed)
    {
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State()
    {
        if (finished || muxer == nullptr || muxer->pb == nullptr) return;
        std::error_code ignored; // nobody is left to tell
        std::filesystem::remove(file, ignored);
    }

    Result<Done> open();
    Result<Done> add_silence_until(std::int64_t sample);
    std::int64_t samples_at(std::uint32_t frame) const;
};

Result<Done> PatternWriter::State::open()
{
    // Encoder and muxer print their statistics to stderr, which in a worker is the plugin's log.
    av_log_set_level(AV_LOG_ERROR);
    const std::string url = "file:" + file.string(); // without it a colon in a path is a protocol
    AVFormatContext* made = nullptr;
    const int allocated = avformat_alloc_output_context2(&made, nullptr, "mp4", url.c_str());
    RG_CHECK(checked("preparing MP4", allocated));
    muxer.reset(made);
    muxer->flags |= AVFMT_FLAG_BITEXACT;
    const bool global_header = (muxer->oformat->flags & AVFMT_GLOBALHEADER) != 0;
    RG_TRY(Codec video_codec, open_video(spec, global_header));
    RG_TRY(video, new_track(*muxer, std::move(video_codec)));
    if (spec.audio) {
        RG_TRY(Codec audio_codec, open_audio(global_header));
        RG_TRY(audio, new_track(*muxer, std::move(audio_codec)));
        av_samples_set_silence(
            audio.frame->data, 0, audio.frame->nb_samples, 1, AV_SAMPLE_FMT_FLTP);
    }
    const int opened = avio_open(&muxer->pb, url.c_str(), AVIO_FLAG_WRITE);
    RG_CHECK(checked("opening " + file.string(), opened));
    AVDictionary* options = nullptr;
    av_dict_set(&options, "movflags", "+faststart", 0);
    const int header = avformat_write_header(muxer.get(), &options);
    av_dict_free(&options);
    return checked("writing the header", header);
}

std::int64_t PatternWriter::State::samples_at(std::uint32_t frame) const
{
    return std::llround(frame * double{kSampleRate} / av_q2d(video.codec->framerate));
}

Result<Done> PatternWriter::State::add_silence_until(std::int64_t sample)
{
    while (audio && samples_done < sample) {
        const bool last = frames_done == spec.frames;
        const std::int64_t left = sample - samples_done;
        if (left < audio.codec->frame_size && !last) return Done{};
        audio.frame->nb_samples =
            static_cast<int>(std::min<std::int64_t>(left, audio.codec->frame_size));
        audio.frame->pts = samples_done;
        samples_done += audio.frame->nb_samples;
        RG_CHECK(encode(*muxer, audio, audio.frame.get()));
    }
    return Done{};
}

PatternWriter::PatternWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
PatternWriter::PatternWriter(PatternWriter&&) noexcept = default;
PatternWriter& PatternWriter::operator=(PatternWriter&&) noexcept = default;
PatternWriter::~PatternWriter() = default;

Result<PatternWriter> PatternWriter::open(const PatternSpec& spec,
                                          const std::filesystem::path& file)
{
    RG_CHECK(check(spec));
    PatternWriter writer{std::make_unique<State>(spec, file)};
    if (Result<Done> opened = writer.state_->open(); !opened)
        return std::move(opened).error().while_doing("test pattern");
    return writer;
}

Result<Done> PatternWriter::add_frame()
{
    State& s = *state_;
    assert(s.frames_done < s.spec.frames);
    AVFrame& frame = *s.video.frame;
    RG_CHECK(checked("reusing a frame", av_frame_make_writable(&frame)));
    PicturePlanes planes;
    for (std::size_t i = 0; i < 3; ++i) {
        planes.data[i] = frame.data[i];
        planes.stride[i] = static_cast<std::size_t>(frame.linesize[i]);
    }
    s.picture.paint(s.frames_done, s.spec.frames, planes);
    frame.pts = s.frames_done;
    RG_CHECK(encode(*s.muxer, s.video, &frame));
    ++s.frames_done;
    return s.add_silence_until(s.samples_at(s.frames_done));
}

std::uint32_t PatternWriter::frames_done() const { return state_->frames_done; }

Result<Done> PatternWriter::finish()
{
    State& s = *state_;
    RG_CHECK(encode(*s.muxer, s.video, nullptr));
    if (s.audio) RG_CHECK(encode(*s.muxer, s.audio, nullptr));
    RG_CHECK(checked("writing the index", av_write_trailer(s.muxer.get())));
    RG_CHECK(checked("closing", avio_closep(&s.muxer->pb)));
    s.finished = true;
    return Done{};
}

Result<Done> write_pattern(const PatternSpec& spec,
                           const std::filesystem::path& file,
                           const PatternProgress& progress)
{
    RG_TRY(PatternWriter writer, PatternWriter::open(spec, file));
    while (writer.frames_done() < spec.frames) {
        RG_CHECK(writer.add_frame());
        if (progress && !progress(writer.frames_done(), spec.frames))
            return Error{.category = Category::cancelled,
                         .text = "stopped while the film was made"};
    }
    return writer.finish();
}

} // namespace reelgate
