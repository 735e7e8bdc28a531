// Pictures in another size and another pixel format, looking the same.
#pragma once

#include "host/media/track.hpp"

struct SwsContext;

namespace reelgate {

struct FreeScaler {
    void operator()(SwsContext* it) const;
};

bool is_rgb(int pixel_format);

// Values from 0 to 255 instead of 16 to 235.
bool is_full_range(const AVFrame& frame);

// The largest size of the same shape with both sides at most `side`; never larger than `size`.
FrameSize fitted(FrameSize size, std::uint32_t side);

// Good for one kind of picture after another; changing the kind costs a little.
class Scaler {
public:
    // `colours` (AVColorSpace) says how RGB becomes YUV. YUV that becomes YUV keeps what it has.
    Result<FramePtr>
    scaled(const AVFrame& from, FrameSize to, AVPixelFormat format, AVColorSpace colours);

private:
    struct Kind {
        FrameSize from_size;
        FrameSize to_size;
        int from_format = -1;
        int to_format = -1;
        int from_colours = 0;
        int to_colours = 0;
        bool from_full = false;
        bool to_full = false;

        friend bool operator==(const Kind&, const Kind&) = default;
    };
    Result<Done> prepare(const Kind& kind);

    Kind kind_;
    std::unique_ptr<SwsContext, FreeScaler> context_;
};

} // namespace reelgate
