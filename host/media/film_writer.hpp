// The MP4 that browsers play: H.264 (MPEG-4 part 2 where libavcodec has no encoder for it) in
// yuv420p with even sides, AAC or the sound as it was, the index before the data.
#pragma once

#include "host/media/scaler.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

struct AVAudioFifo;
struct SwrContext;

namespace reelgate {

struct FreeSound {
    void operator()(SwrContext* it) const;
    void operator()(AVAudioFifo* it) const;
};
struct CloseMuxer {
    void operator()(AVFormatContext* it) const;
};

// First the tracks, each encoded or copied; then start(); then pictures, sound and packets in the
// order in which they come; then finish(). Failures to write are making_failed.
class FilmWriter {
public:
    static Result<std::unique_ptr<FilmWriter>> open(const std::filesystem::path& file);

    // `like` is a frame, or what is known of one: size, format and colours.
    Result<Done> encode_pictures(const AVFrame& like, double fps);
    Result<Done> encode_sound();
    Result<Done> copy(const AVStream& stream);
    Result<Done> start();

    // Shown `at` seconds after the start, for `lasts` seconds where nothing follows. A frame within
    // `slack` seconds of where it stands at a constant rate is put there.
    Result<Done> add_picture(const AVFrame& frame, double at, double lasts, double slack);
    // The first sound begins `at` seconds; what follows follows at once.
    Result<Done> add_sound(const AVFrame& frame, double at);
    // Of a stream that is copied; `packet` is changed.
    Result<Done> add_packet(AVPacket& packet, const AVStream& of);
    Result<Done> finish();

private:
    struct Track {
        CodecPtr encoder; // none where it is copied
        AVStream* stream = nullptr;
    };

    FilmWriter() = default;
    Result<Track> add_track(CodecPtr encoder);
    Result<Done> encode(const Track& track, const AVFrame* frame);
    Result<Done> write(AVPacket& packet);
    Result<Done> written(const std::string& doing, int status) const;
    Result<FramePtr> encodable(const AVFrame& frame);
    std::int64_t time_of(double at, double slack);
    Result<Done> prepare_sound(const AVFrame& frame, double at);
    Result<Done> pull_sound(const std::uint8_t** samples, int count);
    Result<Done> encode_buffered_sound(bool all);

    std::unique_ptr<AVFormatContext, CloseMuxer> muxer_;
    Track pictures_;
    Track sound_;
    std::array<AVStream*, 2> copied_{}; // pictures, sound

    Scaler scaler_;
    double fps_ = 0;
    std::int64_t last_time_ = -1; // of a picture, in the encoder's time base
    std::int64_t last_lasts_ = 0;
    std::int64_t picture_number_ = -1; // at a constant rate

    std::unique_ptr<SwrContext, FreeSound> resampler_;
    std::unique_ptr<AVAudioFifo, FreeSound> samples_;
    FramePtr sound_like_; // what the resampler was made for
    std::int64_t sound_time_ = 0;
};

} // namespace reelgate
