#include "host/media/sample_video.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>

#if defined(REELGATE_UNDER_ASAN)
#include <sanitizer/lsan_interface.h>
#endif

namespace reelgate {
namespace {

constexpr int kSampleRate = 48'000;

void check(int status, const std::string& doing)
{
    if (status < 0) throw std::runtime_error(doing + ": " + std::to_string(status));
}

template <class T>
T* made(T* thing, const std::string& what)
{
    if (thing == nullptr) throw std::runtime_error("no " + what);
    return thing;
}

struct Free {
    void operator()(AVCodecContext* it) const { avcodec_free_context(&it); }
    void operator()(AVPacket* it) const { av_packet_free(&it); }
    void operator()(AVFrame* it) const { av_frame_free(&it); }
    void operator()(AVFormatContext* it) const
    {
        if (it->pb != nullptr) avio_closep(&it->pb);
        avformat_free_context(it);
    }
};
template <class T>
using Ptr = std::unique_ptr<T, Free>;

// Where packets go: into a muxer, or one after the other into a plain file.
class Output {
public:
    Output(const std::filesystem::path& file, const Sample& sample) : sample_(sample)
    {
        if (sample.muxer.empty()) {
            plain_.emplace(file, std::ios::binary);
            return;
        }
        AVFormatContext* format = nullptr;
        check(avformat_alloc_output_context2(&format, nullptr, sample.muxer.c_str(), file.c_str()),
              "muxer " + sample.muxer);
        format_.reset(format);
        check(avio_open(&format->pb, file.c_str(), AVIO_FLAG_WRITE), "opening " + file.string());
    }

    bool wants_header() const
    {
        return format_ && (format_->oformat->flags & AVFMT_GLOBALHEADER) != 0;
    }

    int add(const AVCodecContext& encoder)
    {
        if (!format_) return 0;
        AVStream* stream = made(avformat_new_stream(format_.get(), nullptr), "stream");
        stream->time_base = encoder.time_base;
        stream->avg_frame_rate = encoder.framerate;
        check(avcodec_parameters_from_context(stream->codecpar, &encoder), "parameters");
        return stream->index;
    }

    void start()
    {
        if (!format_) return;
        AVDictionary* options = nullptr;
        if (!sample_.movflags.empty())
            av_dict_set(&options, "movflags", sample_.movflags.c_str(), 0);
        const int status = avformat_write_header(format_.get(), &options);
        av_dict_free(&options);
        check(status, "header");
    }

    void write(AVPacket& packet, int stream, AVRational time_base)
    {
        if (!format_) {
            const std::vector<char> bytes(packet.data, packet.data + packet.size);
            plain_->write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
            return;
        }
        packet.stream_index = stream;
        av_packet_rescale_ts(
            &packet, time_base, format_->streams[static_cast<unsigned>(stream)]->time_base);
        check(av_interleaved_write_frame(format_.get(), &packet), "packet");
    }

    void finish()
    {
        if (format_) check(av_write_trailer(format_.get()), "trailer");
    }

private:
    const Sample& sample_;
    Ptr<AVFormatContext> format_;
    std::optional<std::ofstream> plain_;
};

void encode(AVCodecContext& encoder, const AVFrame* frame, Output& output, int stream)
{
    const Ptr<AVPacket> packet(made(av_packet_alloc(), "packet"));
    check(avcodec_send_frame(&encoder, frame), "frame");
    for (;;) {
        const int status = avcodec_receive_packet(&encoder, packet.get());
        if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return;
        check(status, "encoding");
        if (packet->duration == 0 && encoder.codec_type == AVMEDIA_TYPE_VIDEO) packet->duration = 1;
        output.write(*packet, stream, encoder.time_base);
        av_packet_unref(packet.get());
    }
}

Ptr<AVCodecContext> opened(Ptr<AVCodecContext> encoder, const Output& output)
{
    if (output.wants_header()) encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    encoder->thread_count = 1;
    encoder->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    AVDictionary* options = nullptr;
    av_dict_set(&options, "x265-params", "log-level=none", 0); // it writes to stderr else
    av_dict_set(&options, "cpu-used", "8", 0);                 // libaom is slow by default
#if defined(REELGATE_UNDER_ASAN)
    const __lsan::ScopedDisabler x265_never_frees_all_of_its_parameters;
#endif
    const int status = avcodec_open2(encoder.get(), encoder->codec, &options);
    av_dict_free(&options);
    check(status, encoder->codec->name);
    return encoder;
}

Ptr<AVCodecContext> encoder_named(const std::string& name)
{
    const AVCodec* codec = made(avcodec_find_encoder_by_name(name.c_str()), name);
    return Ptr<AVCodecContext>(made(avcodec_alloc_context3(codec), "encoder"));
}

Ptr<AVCodecContext> video_encoder(const Sample& sample, const Output& output)
{
    Ptr<AVCodecContext> encoder = encoder_named(sample.encoder);
    encoder->width = static_cast<int>(sample.size.width);
    encoder->height = static_cast<int>(sample.size.height);
    encoder->time_base = {sample.rate_base, sample.rate};
    encoder->framerate = {sample.rate, sample.rate_base};
    encoder->pix_fmt =
        encoder->codec->pix_fmts != nullptr ? encoder->codec->pix_fmts[0] : AV_PIX_FMT_YUV420P;
    return opened(std::move(encoder), output);
}

Ptr<AVCodecContext> audio_encoder(const Sample& sample, const Output& output)
{
    Ptr<AVCodecContext> encoder = encoder_named(sample.audio_encoder);
    encoder->sample_rate = kSampleRate;
    encoder->sample_fmt = encoder->codec->sample_fmts[0];
    encoder->time_base = {1, kSampleRate};
    av_channel_layout_default(&encoder->ch_layout, 2);
    return opened(std::move(encoder), output);
}

// Stripes that move, so that no two frames are the same and each codec has something to do.
void paint(AVFrame& frame, int number)
{
    const AVPixFmtDescriptor& format =
        *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
    for (int plane = 0; plane < 3 && frame.data[plane] != nullptr && frame.linesize[plane] > 0;
         ++plane) {
        const bool chroma = plane > 0 && (format.flags & AV_PIX_FMT_FLAG_RGB) == 0;
        const int rows = chroma ? -((-frame.height) >> format.log2_chroma_h) : frame.height;
        for (int row = 0; row < rows; ++row)
            std::memset(frame.data[plane] + row * frame.linesize[plane],
                        (row * 5 + number * 16 + plane * 40) & 0xff,
                        static_cast<std::size_t>(frame.linesize[plane]));
    }
}

void encode_video(AVCodecContext& encoder, const Sample& sample, Output& output, int stream)
{
    for (int number = 0; number < sample.frames; ++number) {
        const Ptr<AVFrame> frame(made(av_frame_alloc(), "frame"));
        frame->format = encoder.pix_fmt;
        frame->width = encoder.width;
        frame->height = encoder.height;
        frame->pts = number;
        check(av_frame_get_buffer(frame.get(), 0), "frame");
        paint(*frame, number);
        encode(encoder, frame.get(), output, stream);
    }
    encode(encoder, nullptr, output, stream);
}

// Silence as long as the picture.
void encode_audio(AVCodecContext& encoder, const Sample& sample, Output& output, int stream)
{
    const std::int64_t samples =
        std::int64_t{kSampleRate} * sample.frames * sample.rate_base / sample.rate;
    const std::int64_t step = encoder.frame_size > 0 ? encoder.frame_size : 1024;
    for (std::int64_t at = 0; at < samples; at += step) {
        const Ptr<AVFrame> frame(made(av_frame_alloc(), "frame"));
        frame->format = encoder.sample_fmt;
        frame->sample_rate = kSampleRate;
        frame->nb_samples = static_cast<int>(std::min(step, samples - at));
        check(av_channel_layout_copy(&frame->ch_layout, &encoder.ch_layout), "channels");
        frame->pts = at;
        check(av_frame_get_buffer(frame.get(), 0), "frame");
        for (int plane = 0; plane < AV_NUM_DATA_POINTERS; ++plane)
            if (frame->data[plane] != nullptr)
                std::memset(frame->data[plane], 0, static_cast<std::size_t>(frame->linesize[0]));
        encode(encoder, frame.get(), output, stream);
    }
    encode(encoder, nullptr, output, stream);
}

void append(Bytes& bytes, const std::string& text)
{
    bytes.insert(bytes.end(), text.begin(), text.end());
}

} // namespace

void write_sample(const std::filesystem::path& file, const Sample& sample)
{
    av_log_set_level(AV_LOG_QUIET);
    Output output(file, sample);
    Ptr<AVCodecContext> video;
    Ptr<AVCodecContext> audio;
    int video_stream = 0;
    int audio_stream = 0;
    if (!sample.encoder.empty()) {
        video = video_encoder(sample, output);
        video_stream = output.add(*video);
    }
    if (!sample.audio_encoder.empty()) {
        audio = audio_encoder(sample, output);
        audio_stream = output.add(*audio);
    }
    output.start();
    if (video) encode_video(*video, sample, output, video_stream);
    if (audio) encode_audio(*audio, sample, output, audio_stream);
    output.finish();
}

Bytes bytes_of(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const std::filesystem::path& file, const Bytes& bytes)
{
    std::ofstream out(file, std::ios::binary);
    for (const std::uint8_t byte : bytes)
        out.put(static_cast<char>(byte));
}

Bytes y4m(FrameSize size, int frames, int rate)
{
    Bytes bytes;
    append(bytes,
           "YUV4MPEG2 W" + std::to_string(size.width) + " H" + std::to_string(size.height) + " F" +
               std::to_string(rate) + ":1 C420jpeg\n");
    for (int i = 0; i < frames; ++i) {
        append(bytes, "FRAME\n");
        bytes.insert(bytes.end(), std::size_t{size.width} * size.height * 3 / 2, 0x80);
    }
    return bytes;
}

Bytes ppm(FrameSize size, int frames)
{
    Bytes bytes;
    for (int i = 0; i < frames; ++i) {
        append(bytes,
               "P6\n# a comment\n" + std::to_string(size.width) + " " +
                   std::to_string(size.height) + "\n255\n");
        bytes.insert(bytes.end(), std::size_t{size.width} * size.height * 3, 0x40);
    }
    return bytes;
}

TempDir::TempDir()
{
    std::string name = std::filesystem::temp_directory_path() / "reelgate-media-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
}

TempDir::~TempDir()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

} // namespace reelgate
