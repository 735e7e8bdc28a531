#include "host/media/convert.hpp"

#include "host/media/film_writer.hpp"
#include "host/media/reading.hpp"

extern "C" {
#include <libavutil/log.h>
}

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

double seconds(double time, const AVStream& stream) { return time * av_q2d(stream.time_base); }

// A file may name any time, and two that are further apart than a number can say.
double seconds_between(std::int64_t first, std::int64_t time, const AVStream& stream)
{
    return seconds(static_cast<double>(time) - static_cast<double>(first), stream);
}

bool is_rgb_codec(AVCodecID codec)
{
    return codec == AV_CODEC_ID_GIF || codec == AV_CODEC_ID_APNG || codec == AV_CODEC_ID_PNG ||
           codec == AV_CODEC_ID_PPM || codec == AV_CODEC_ID_BMP;
}

// A rate of nothing would be divided by.
Result<Done> check_rate(double fps)
{
    if (fps >= kSlowestRate && fps <= kFastestRate) return Done{};
    return media_refused("no film can have " + std::to_string(fps) + " frames a second",
                         "bad_rate");
}

std::int64_t duration_of(const AVFrame& frame)
{
#if LIBAVUTIL_VERSION_MAJOR >= 58
    return frame.duration;
#else
    return frame.pkt_duration;
#endif
}

// What the container says of its pictures, before one of them is decoded.
Result<FramePtr> frame_like(const AVStream& stream)
{
    const AVCodecParameters& said = *stream.codecpar;
    FramePtr like(av_frame_alloc());
    if (!like) return out_of_memory();
    like->width = said.width;
    like->height = said.height;
    like->format = is_rgb_codec(said.codec_id) ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_YUV420P;
    like->colorspace = said.color_space;
    like->color_primaries = said.color_primaries;
    like->color_trc = said.color_trc;
    return like;
}

class Film final : public ReadingListener {
public:
    Film(const MediaReading& reading,
         const ProbeLimits& limits,
         const Conversion& how,
         FilmWriter& writer)
        : pictures_(reading.picture_stream()), sound_(reading.sound_stream()), limits_(limits),
          how_(how), writer_(writer)
    {
    }

    Result<Done> start()
    {
        if (how_.copy_pictures) {
            RG_CHECK(writer_.copy(pictures_));
        } else {
            RG_TRY(const FramePtr like, frame_like(pictures_));
            sized_ = like->width > 0 && like->height > 0;
            if (sized_) RG_CHECK(writer_.encode_pictures(*like, how_.fps));
        }
        if (sound_ != nullptr)
            RG_CHECK(how_.copy_sound ? writer_.copy(*sound_) : writer_.encode_sound());
        if (sized_) return writer_.start();
        if (sound_ != nullptr)
            return media_refused("the file does not say how large its picture is", "decode_failed");
        return Done{}; // when the picture comes
    }

    bool copies_pictures() const override { return how_.copy_pictures; }
    bool copies_sound() const override { return how_.copy_sound; }

    Result<Done> on_picture(const AVFrame& frame) override
    {
        if (!sized_) {
            RG_CHECK(writer_.encode_pictures(frame, how_.fps));
            RG_CHECK(writer_.start());
            sized_ = true;
        }
        const double number = static_cast<double>(count_++);
        const bool timed = frame.best_effort_timestamp != AV_NOPTS_VALUE;
        if (timed && !first_) first_ = frame.best_effort_timestamp;
        const double at = timed ? seconds_between(*first_, frame.best_effort_timestamp, pictures_)
                                : number / how_.fps;
        const double lasts =
            std::max(0.0, seconds(static_cast<double>(duration_of(frame)), pictures_));
        RG_CHECK(check_time(at + lasts));
        return writer_.add_picture(frame, at, lasts, 1.01 * av_q2d(pictures_.time_base));
    }

    Result<Done> on_sound(const AVFrame& frame) override
    {
        double at = 0;
        if (frame.best_effort_timestamp != AV_NOPTS_VALUE)
            at = seconds(static_cast<double>(frame.best_effort_timestamp), *sound_) -
                 start_of_pictures();
        RG_CHECK(check_time(at));
        return writer_.add_sound(frame, at);
    }

    Result<Done> on_packet(const AVPacket& packet, bool pictures) override
    {
        const PacketPtr copy(av_packet_clone(&packet));
        if (!copy) return out_of_memory();
        return writer_.add_packet(*copy, pictures ? pictures_ : *sound_);
    }

private:
    double start_of_pictures() const
    {
        const bool known = !how_.copy_pictures && pictures_.start_time != AV_NOPTS_VALUE;
        return known ? seconds(static_cast<double>(pictures_.start_time), pictures_) : 0;
    }

    // Times are a file's to choose; a writer multiplies them.
    Result<Done> check_time(double at) const
    {
        if (at <= static_cast<double>(limits_.max_seconds)) return Done{};
        return media_refused("the file lasts longer than " + std::to_string(limits_.max_seconds) +
                                 " seconds, no more is converted",
                             "too_large");
    }

    const AVStream& pictures_;
    const AVStream* sound_;
    const ProbeLimits& limits_;
    const Conversion& how_;
    FilmWriter& writer_;
    bool sized_ = true;
    std::uint64_t count_ = 0;
    std::optional<std::int64_t> first_;
};

class Numbered final : public ReadingListener {
public:
    Numbered(const ProbeLimits& limits, const Conversion& how, FilmWriter& writer)
        : limits_(limits), how_(how), writer_(writer)
    {
    }

    Result<Done> on_picture(const AVFrame& frame) override
    {
        const FrameSize size{static_cast<std::uint32_t>(frame.width),
                             static_cast<std::uint32_t>(frame.height)};
        if (count_ == 0) {
            size_ = size;
            RG_CHECK(writer_.encode_pictures(frame, how_.fps));
            RG_CHECK(writer_.start());
        }
        if (size != size_)
            return media_refused("picture " + std::to_string(count_) +
                                     " has another size than the first",
                                 "mixed_sizes");
        if (count_ >= limits_.max_frames)
            return media_refused("there are more than " + std::to_string(limits_.max_frames) +
                                     " pictures, no more are decoded",
                                 "too_large");
        return writer_.add_picture(frame, static_cast<double>(count_++) / how_.fps, 0, 0);
    }

    std::uint64_t count() const { return count_; }

private:
    const ProbeLimits& limits_;
    const Conversion& how_;
    FilmWriter& writer_;
    FrameSize size_;
    std::uint64_t count_ = 0;
};

Result<std::vector<fs::path>> pictures_in(const fs::path& directory)
{
    std::vector<fs::path> files;
    std::error_code failed;
    for (fs::directory_iterator it(directory, failed), end; !failed && it != end;
         it.increment(failed))
        files.push_back(it->path());
    if (failed)
        return system_error(Category::internal, "reading " + directory.string(), failed.value());
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace

Result<Done> convert(const Source& film,
                     const ProbeLimits& limits,
                     const Conversion& how,
                     const fs::path& output)
{
    av_log_set_level(AV_LOG_QUIET);
    RG_CHECK(check_rate(how.fps));
    RG_TRY(const Layout layout, admitted_layout(film, limits));
    MediaReading reading(film, layout, limits);
    RG_CHECK(reading.open());
    RG_TRY(const std::unique_ptr<FilmWriter> writer, FilmWriter::open(output));
    Film converted(reading, limits, how, *writer);
    RG_CHECK(converted.start());
    RG_CHECK(reading.read(converted));
    return writer->finish();
}

Result<Done> convert_numbered(const fs::path& directory,
                              const ProbeLimits& limits,
                              const Conversion& how,
                              const fs::path& output)
{
    av_log_set_level(AV_LOG_QUIET);
    RG_CHECK(check_rate(how.fps));
    RG_TRY(const std::vector<fs::path> files, pictures_in(directory));
    RG_TRY(const std::unique_ptr<FilmWriter> writer, FilmWriter::open(output));
    Numbered pictures(limits, how, *writer);
    for (const fs::path& file : files) {
        RG_TRY(const Source source, Source::open(file));
        RG_TRY(const Layout layout, admitted_layout(source, limits));
        if (!is_picture(layout.container))
            return media_refused("'" + file.filename().string() + "' is no picture", "not_media");
        MediaReading reading(source, layout, limits);
        RG_CHECK(reading.open());
        RG_CHECK(reading.read(pictures));
    }
    if (pictures.count() == 0) return media_refused("there is no picture", "no_video");
    return writer->finish();
}

} // namespace reelgate
