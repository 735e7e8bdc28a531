#include "host/media/film_writer.hpp"

#include "host/media/still.hpp"

extern "C" {
#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace reelgate {
namespace {

constexpr int kLargestRateTerm = 60'000; // MPEG-4 part 2 has 16 bits for it
constexpr double kTicksASecond = 12'288;
constexpr int kKeyEvery = 48; // pictures: two seconds to the next place to jump to
constexpr int kSampleRate = 48'000;
constexpr int kChannels = 2;
constexpr std::int64_t kSoundBitRate = 128'000;
constexpr double kNoticeable = 0.02; // seconds between sound and picture

Result<Done> checked(const std::string& doing, int status)
{
    if (status < 0) return making_failed(doing, status);
    return Done{};
}

FrameSize size_of(const AVFrame& frame)
{
    return {static_cast<std::uint32_t>(frame.width), static_cast<std::uint32_t>(frame.height)};
}

// Colours are told for two pixels by two.
FrameSize even(const AVFrame& frame)
{
    const FrameSize size = size_of(frame);
    return {size.width + size.width % 2, size.height + size.height % 2};
}

// The same picture with its last column and row once more where a side is odd; as many colours as
// it has are enough.
Result<FramePtr> padded(const AVFrame& picture)
{
    FramePtr out(av_frame_alloc());
    if (!out) return out_of_memory();
    const FrameSize size = even(picture);
    out->format = picture.format;
    out->width = static_cast<int>(size.width);
    out->height = static_cast<int>(size.height);
    if (av_frame_get_buffer(out.get(), 0) < 0) return out_of_memory();
    for (std::size_t plane = 0; plane < 3; ++plane) {
        const int shift = plane == 0 ? 0 : 1;
        const int width = (picture.width + shift) >> shift;
        const int height = (picture.height + shift) >> shift;
        for (int row = 0; row < (out->height >> shift); ++row) {
            const std::uint8_t* const from =
                picture.data[plane] +
                std::ptrdiff_t{std::min(row, height - 1)} * picture.linesize[plane];
            std::uint8_t* const to = out->data[plane] + std::ptrdiff_t{row} * out->linesize[plane];
            std::memcpy(to, from, static_cast<std::size_t>(width));
            if (width < (out->width >> shift)) to[width] = to[width - 1];
        }
    }
    return out;
}

// As fine as the frame rate allows: frames that do not come at a constant rate keep their times.
AVRational time_base_of(AVRational rate)
{
    const int finest = std::max(1, kLargestRateTerm / rate.num);
    const double wanted = std::ceil(kTicksASecond / av_q2d(rate));
    return {rate.den, rate.num * static_cast<int>(std::clamp(wanted, 1.0, double(finest)))};
}

void set_colours(AVCodecContext& encoder, const AVFrame& like)
{
    encoder.color_range = AVCOL_RANGE_MPEG;
    encoder.colorspace = like.colorspace;
    encoder.color_primaries = like.color_primaries;
    encoder.color_trc = like.color_trc;
    if (!is_rgb(like.format)) return;
    encoder.colorspace = AVCOL_SPC_BT709;
    encoder.color_primaries = AVCOL_PRI_BT709;
    encoder.color_trc = AVCOL_TRC_IEC61966_2_1;
}

// Without frames that look ahead in time, decoding order is showing order; with a short look
// ahead, memory stays within what the process may have.
void set_quality(AVCodecContext& encoder)
{
    encoder.max_b_frames = 0;
    encoder.gop_size = kKeyEvery;
    encoder.thread_count = 1;
    if (encoder.codec_id != AV_CODEC_ID_H264) {
        encoder.flags |= AV_CODEC_FLAG_QSCALE;
        encoder.global_quality = FF_QP2LAMBDA * 3;
        return;
    }
    av_opt_set(encoder.priv_data, "preset", "veryfast", 0);
    av_opt_set(encoder.priv_data, "crf", "18", 0);
    av_opt_set(encoder.priv_data, "x264-params", "rc-lookahead=8:sync-lookahead=0", 0);
}

const AVCodec* picture_codec()
{
    const AVCodec* best = avcodec_find_encoder_by_name("libx264");
    return best != nullptr ? best : avcodec_find_encoder(AV_CODEC_ID_MPEG4);
}

bool sounds_alike(const AVFrame& one, const AVFrame& other)
{
    return one.format == other.format && one.sample_rate == other.sample_rate &&
           av_channel_layout_compare(&one.ch_layout, &other.ch_layout) == 0;
}

} // namespace

void FreeSound::operator()(SwrContext* it) const { swr_free(&it); }
void FreeSound::operator()(AVAudioFifo* it) const { av_audio_fifo_free(it); }
void CloseMuxer::operator()(AVFormatContext* it) const
{
    avio_closep(&it->pb);
    avformat_free_context(it);
}

Result<std::unique_ptr<FilmWriter>> FilmWriter::open(const std::filesystem::path& file)
{
    std::unique_ptr<FilmWriter> writer(new FilmWriter);
    const std::string url = "file:" + file.string(); // without it a colon in a path is a protocol
    AVFormatContext* made = nullptr;
    RG_CHECK(checked("preparing an MP4",
                     avformat_alloc_output_context2(&made, nullptr, "mp4", url.c_str())));
    writer->muxer_.reset(made);
    RG_CHECK(
        checked("making " + file.string(), avio_open(&made->pb, url.c_str(), AVIO_FLAG_WRITE)));
    return writer;
}

Result<FilmWriter::Track> FilmWriter::add_track(CodecPtr encoder)
{
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    const std::string name = encoder->codec->name;
    RG_CHECK(checked("opening the encoder '" + name + "'",
                     avcodec_open2(encoder.get(), encoder->codec, nullptr)));
    Track track;
    track.stream = avformat_new_stream(muxer_.get(), nullptr);
    if (track.stream == nullptr) return out_of_memory();
    track.stream->time_base = encoder->time_base;
    track.stream->avg_frame_rate = encoder->framerate;
    RG_CHECK(checked("describing a track",
                     avcodec_parameters_from_context(track.stream->codecpar, encoder.get())));
    track.encoder = std::move(encoder);
    return track;
}

Result<Done> FilmWriter::encode_pictures(const AVFrame& like, double fps)
{
    const AVCodec* const codec = picture_codec();
    if (codec == nullptr) return making_failed("finding an encoder", AVERROR_ENCODER_NOT_FOUND);
    CodecPtr encoder(avcodec_alloc_context3(codec));
    if (!encoder) return out_of_memory();
    const FrameSize size = even(like);
    encoder->width = static_cast<int>(size.width);
    encoder->height = static_cast<int>(size.height);
    encoder->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder->framerate = av_d2q(fps, kLargestRateTerm);
    encoder->time_base = time_base_of(encoder->framerate);
    set_colours(*encoder, like);
    set_quality(*encoder);
    RG_TRY(pictures_, add_track(std::move(encoder)));
    fps_ = av_q2d(pictures_.encoder->framerate);
    return Done{};
}

Result<Done> FilmWriter::encode_sound()
{
    const AVCodec* const codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (codec == nullptr) return making_failed("finding an encoder", AVERROR_ENCODER_NOT_FOUND);
    CodecPtr encoder(avcodec_alloc_context3(codec));
    if (!encoder) return out_of_memory();
    encoder->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder->sample_rate = kSampleRate;
    encoder->time_base = {1, kSampleRate};
    encoder->bit_rate = kSoundBitRate;
    encoder->thread_count = 1;
    av_channel_layout_default(&encoder->ch_layout, kChannels);
    RG_TRY(sound_, add_track(std::move(encoder)));
    return Done{};
}

Result<Done> FilmWriter::copy(const AVStream& stream)
{
    AVStream* const made = avformat_new_stream(muxer_.get(), nullptr);
    if (made == nullptr) return out_of_memory();
    RG_CHECK(
        checked("describing a track", avcodec_parameters_copy(made->codecpar, stream.codecpar)));
    made->codecpar->codec_tag = 0; // MP4's own name for it
    made->time_base = stream.time_base;
    made->avg_frame_rate = stream.avg_frame_rate;
    const bool pictures = stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    copied_[pictures ? 0 : 1] = made;
    return Done{};
}

Result<Done> FilmWriter::start()
{
    AVDictionary* options = nullptr;
    av_dict_set(&options, "movflags", "+faststart", 0);
    const int status = avformat_write_header(muxer_.get(), &options);
    av_dict_free(&options);
    return written("writing the header", status);
}

// Sends `frame` (nullptr: there are no more) and writes every packet that comes out.
Result<Done> FilmWriter::encode(const Track& track, const AVFrame* frame)
{
    RG_CHECK(checked("encoding", avcodec_send_frame(track.encoder.get(), frame)));
    const PacketPtr packet(av_packet_alloc());
    if (!packet) return out_of_memory();
    for (;;) {
        const int status = avcodec_receive_packet(track.encoder.get(), packet.get());
        if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return Done{};
        RG_CHECK(checked("encoding", status));
        // Of all but the last, the muxer sees it from the next one's time.
        if (&track == &pictures_ && packet->pts == last_time_) packet->duration = last_lasts_;
        av_packet_rescale_ts(packet.get(), track.encoder->time_base, track.stream->time_base);
        packet->stream_index = track.stream->index;
        RG_CHECK(write(*packet));
    }
}

Result<Done> FilmWriter::write(AVPacket& packet)
{
    return written("writing the film", av_interleaved_write_frame(muxer_.get(), &packet));
}

// What the muxer says may be what came of a disk without room, and not that.
Result<Done> FilmWriter::written(const std::string& doing, int status) const
{
    const int of_file = muxer_->pb->error;
    return checked(doing, of_file < 0 ? of_file : status);
}

// Containers round times to their own base, so a frame that is nearly where a constant rate has it
// belongs there.
std::int64_t FilmWriter::time_of(double at, double slack)
{
    const double tick = av_q2d(pictures_.encoder->time_base);
    const std::int64_t number = std::llround(at * fps_);
    const double there = static_cast<double>(number) / fps_;
    const bool regular = std::abs(there - at) <= slack && number > picture_number_;
    picture_number_ = std::max(number, picture_number_);
    const std::int64_t time = std::llround((regular ? there : at) / tick);
    return std::max(time, last_time_ + 1);
}

// What the encoder takes: its size, narrow range, colours for two pixels by two.
Result<FramePtr> FilmWriter::encodable(const AVFrame& frame)
{
    const FrameSize size{static_cast<std::uint32_t>(pictures_.encoder->width),
                         static_cast<std::uint32_t>(pictures_.encoder->height)};
    const bool only_odd = even(frame) == size;
    FramePtr picture;
    if (frame.format == AV_PIX_FMT_YUV420P && !is_full_range(frame) && only_odd) {
        picture.reset(av_frame_clone(&frame));
    } else {
        const FrameSize wanted = only_odd ? size_of(frame) : size;
        RG_TRY(picture, scaler_.scaled(frame, wanted, AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709));
    }
    if (!picture) return out_of_memory();
    if (size_of(*picture) == size) return picture;
    return padded(*picture);
}

Result<Done> FilmWriter::add_picture(const AVFrame& frame, double at, double lasts, double slack)
{
    RG_TRY(const FramePtr picture, encodable(frame));
    const double tick = av_q2d(pictures_.encoder->time_base);
    last_time_ = time_of(at, slack);
    last_lasts_ = std::max<std::int64_t>(1, std::llround((lasts > 0 ? lasts : 1 / fps_) / tick));
    picture->pts = last_time_;
    picture->pict_type = AV_PICTURE_TYPE_NONE; // the encoder's to choose
    return encode(pictures_, picture.get());
}

Result<Done> FilmWriter::prepare_sound(const AVFrame& frame, double at)
{
    const AVCodecContext& encoder = *sound_.encoder;
    sound_like_.reset(av_frame_alloc());
    if (!sound_like_) return out_of_memory();
    sound_like_->format = frame.format;
    sound_like_->sample_rate = frame.sample_rate;
    av_channel_layout_copy(&sound_like_->ch_layout, &frame.ch_layout);
    AVChannelLayout from{};
    AVChannelLayout to{};
    av_channel_layout_default(&to, kChannels);
    av_channel_layout_copy(&from, &frame.ch_layout);
    if (from.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&from, frame.ch_layout.nb_channels);
    SwrContext* made = nullptr;
    int status = swr_alloc_set_opts2(&made,
                                     &to,
                                     encoder.sample_fmt,
                                     encoder.sample_rate,
                                     &from,
                                     static_cast<AVSampleFormat>(frame.format),
                                     frame.sample_rate,
                                     0,
                                     nullptr);
    av_channel_layout_uninit(&from);
    resampler_.reset(made);
    if (status >= 0) status = swr_init(made);
    RG_CHECK(checked("converting the sound", status));
    samples_.reset(av_audio_fifo_alloc(encoder.sample_fmt, kChannels, encoder.frame_size));
    if (!samples_) return out_of_memory();
    if (at > kNoticeable) sound_time_ = std::llround(at * kSampleRate);
    return Done{};
}

Result<Done> FilmWriter::add_sound(const AVFrame& frame, double at)
{
    if (frame.nb_samples <= 0) return Done{};
    if (!resampler_) RG_CHECK(prepare_sound(frame, at));
    // The resampler believes what it was told of the samples' layout.
    if (!sounds_alike(frame, *sound_like_))
        return media_refused("the sound changes its format on the way", "decode_failed");
    std::vector<const std::uint8_t*> planes;
    const int count = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(frame.format)) != 0
                          ? frame.ch_layout.nb_channels
                          : 1;
    for (int i = 0; i < count; ++i)
        planes.push_back(frame.extended_data[i]);
    RG_CHECK(pull_sound(planes.data(), frame.nb_samples));
    return encode_buffered_sound(false);
}

// Through the resampler into the buffer; nullptr: what it still holds.
Result<Done> FilmWriter::pull_sound(const std::uint8_t** samples, int count)
{
    const int room = swr_get_out_samples(resampler_.get(), count);
    RG_CHECK(checked("converting the sound", room));
    if (room == 0) return Done{};
    const FramePtr out(av_frame_alloc());
    if (!out) return out_of_memory();
    out->format = sound_.encoder->sample_fmt;
    out->nb_samples = room;
    av_channel_layout_copy(&out->ch_layout, &sound_.encoder->ch_layout);
    if (av_frame_get_buffer(out.get(), 0) < 0) return out_of_memory();
    const int made = swr_convert(resampler_.get(), out->extended_data, room, samples, count);
    RG_CHECK(checked("converting the sound", made));
    std::array<void*, kChannels> planes{out->extended_data[0], out->extended_data[1]};
    if (av_audio_fifo_write(samples_.get(), planes.data(), made) < made) return out_of_memory();
    return Done{};
}

Result<Done> FilmWriter::encode_buffered_sound(bool all)
{
    const int whole = sound_.encoder->frame_size;
    while (av_audio_fifo_size(samples_.get()) >= (all ? 1 : whole)) {
        const FramePtr frame(av_frame_alloc());
        if (!frame) return out_of_memory();
        frame->format = sound_.encoder->sample_fmt;
        frame->sample_rate = kSampleRate;
        frame->nb_samples = std::min(whole, av_audio_fifo_size(samples_.get()));
        av_channel_layout_copy(&frame->ch_layout, &sound_.encoder->ch_layout);
        if (av_frame_get_buffer(frame.get(), 0) < 0) return out_of_memory();
        std::array<void*, kChannels> planes{frame->extended_data[0], frame->extended_data[1]};
        av_audio_fifo_read(samples_.get(), planes.data(), frame->nb_samples);
        frame->pts = sound_time_;
        sound_time_ += frame->nb_samples;
        RG_CHECK(encode(sound_, frame.get()));
    }
    return Done{};
}

Result<Done> FilmWriter::add_packet(AVPacket& packet, const AVStream& of)
{
    const bool pictures = of.codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    const AVStream& into = *copied_[pictures ? 0 : 1];
    av_packet_rescale_ts(&packet, of.time_base, into.time_base);
    packet.stream_index = into.index;
    packet.pos = -1;
    return write(packet);
}

Result<Done> FilmWriter::finish()
{
    if (pictures_.encoder) RG_CHECK(encode(pictures_, nullptr));
    if (resampler_) {
        RG_CHECK(pull_sound(nullptr, 0));
        RG_CHECK(encode_buffered_sound(true));
    }
    if (sound_.encoder) RG_CHECK(encode(sound_, nullptr));
    RG_CHECK(written("writing the index", av_write_trailer(muxer_.get())));
    return checked("writing the film", avio_closep(&muxer_->pb));
}

} // namespace reelgate
