// One file, demuxed and decoded from its first packet to its last. What comes out goes to a
// listener: probing counts alone, thumbnails and conversion look on.
#pragma once

#include "host/media/layout.hpp"
#include "host/media/track.hpp"

#include <memory>

namespace reelgate {

// Only one video track and one sound track are heard of, the first of each.
class ReadingListener {
public:
    virtual ~ReadingListener() = default;

    // A track that is passed on as it is: on_packet() instead of decoding.
    virtual bool copies_pictures() const { return false; }
    virtual bool copies_sound() const { return false; }
    virtual bool has_enough() const { return false; } // then reading ends at the next packet

    virtual Result<Done> on_picture(const AVFrame& /*frame*/) { return Done{}; }
    virtual Result<Done> on_sound(const AVFrame& /*frame*/) { return Done{}; }
    virtual Result<Done> on_packet(const AVPacket& /*packet*/, bool /*pictures*/) { return Done{}; }
};

struct Cursor {
    const Source* source;
    std::uint64_t at = 0;
};

class MediaReading {
public:
    // Borrows all of them.
    MediaReading(const Source& source, const Layout& layout, const ProbeLimits& limits)
        : layout_(layout), limits_(limits), cursor_{&source}
    {
    }
    MediaReading(const MediaReading&) = delete;
    MediaReading& operator=(const MediaReading&) = delete;

    Result<Done> open();
    Result<Done> read(ReadingListener& listener);

    MediaFacts facts() const;

    // After open().
    const AVStream& picture_stream() const { return video_->stream(); }
    const AVStream* sound_stream() const { return audio_ ? &audio_->stream() : nullptr; }

private:
    Result<Done> open_container();
    Result<Done> open_tracks();
    Result<Done> check_claimed_time() const;
    Result<Done> pass_on(AVPacket& packet, AVFrame& frame, ReadingListener& listener);
    Result<Done> decode(const AVPacket& packet, AVFrame& frame, ReadingListener& listener);
    Result<Done> decode_ppm(AVPacket& packet, AVFrame& frame, ReadingListener& listener);
    Result<Done> finish(AVFrame& frame, ReadingListener& listener);
    Result<Done> check_whole() const;
    Error ends_within_frame() const;

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

// What stands before any decoding: the limit on bytes, the signature, the size the first bytes
// claim, and whether the file says itself that it is cut.
Result<Layout> admitted_layout(const Source& source, const ProbeLimits& limits);

} // namespace reelgate
