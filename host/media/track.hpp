// One stream of a file: its decoder, and what the frames that come out of it say. Also the little
// of libav that probing needs everywhere: owners of its handles and its failures as Errors.
#pragma once

#include "host/media/probe.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <cstdint>
#include <memory>
#include <string>

namespace reelgate {

struct FreeLibav {
    void operator()(AVFormatContext* it) const;
    void operator()(AVCodecContext* it) const;
    void operator()(AVPacket* it) const;
    void operator()(AVFrame* it) const;
    void operator()(AVIOContext* it) const;
};
using FormatPtr = std::unique_ptr<AVFormatContext, FreeLibav>;
using CodecPtr = std::unique_ptr<AVCodecContext, FreeLibav>;
using PacketPtr = std::unique_ptr<AVPacket, FreeLibav>;
using FramePtr = std::unique_ptr<AVFrame, FreeLibav>;
using IoPtr = std::unique_ptr<AVIOContext, FreeLibav>;

Error media_refused(std::string text, std::string code);

// Being out of memory is the file's doing: the limit on this process is far above what files within
// the other limits need.
Error out_of_memory();
Error libav_error(const std::string& doing, int status);

Result<Done> check_pixels(FrameSize size, const ProbeLimits& limits);

class ReadingListener;

// Both tracks borrow the stream and the limits.
class VideoTrack {
public:
    static Result<std::unique_ptr<VideoTrack>> open(const AVStream& stream,
                                                    const ProbeLimits& limits);

    // Decodes `packet` (nullptr: there are no more) into `frame`, counts what comes out and shows
    // it to `listener`.
    Result<Done> feed(const AVPacket* packet, AVFrame& frame, ReadingListener& listener);

    const AVStream& stream() const { return stream_; }
    std::uint64_t frames() const { return frames_; }
    double seconds() const; // between the first and the last of the frames so far
    void report(MediaFacts& facts) const;

private:
    VideoTrack(const AVStream& stream, CodecPtr decoder, const ProbeLimits& limits);
    std::string doing() const;
    Result<Done> take(const AVFrame& frame);
    void note_time(std::int64_t time);
    double rate() const;
    double claimed_rate() const;

    const AVStream& stream_;
    const ProbeLimits& limits_;
    CodecPtr decoder_;
    FrameSize size_;
    int format_ = -1;
    std::uint64_t frames_ = 0;
    std::uint64_t timed_ = 0; // frames that have a time
    std::int64_t first_ = 0;
    std::int64_t last_ = 0;
};

class AudioTrack {
public:
    static Result<std::unique_ptr<AudioTrack>> open(const AVStream& stream,
                                                    const ProbeLimits& limits);

    Result<Done>
    feed(const AVPacket* packet, AVFrame& frame, ReadingListener& listener); // as VideoTrack
    const AVStream& stream() const { return stream_; }
    void report(MediaFacts& facts) const;

private:
    AudioTrack(const AVStream& stream, CodecPtr decoder, const ProbeLimits& limits);
    Result<Done> take(const AVFrame& frame);

    const AVStream& stream_;
    const ProbeLimits& limits_;
    CodecPtr decoder_;
    double seconds_ = 0;
};

} // namespace reelgate
