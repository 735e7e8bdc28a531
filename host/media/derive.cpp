#include "host/media/derive.hpp"

#include "host/media/reading.hpp"
#include "host/media/still.hpp"

extern "C" {
#include <libavutil/log.h>
}

#include <algorithm>
#include <cstring>

namespace reelgate {
namespace {

FrameSize size_of(const AVFrame& frame)
{
    return {static_cast<std::uint32_t>(frame.width), static_cast<std::uint32_t>(frame.height)};
}

// The frame in the middle, where a film rarely is black; of a film shorter than was said, the last.
class MiddleFrame final : public ReadingListener {
public:
    explicit MiddleFrame(std::uint64_t frames) : wanted_(frames / 2) {}

    bool has_enough() const override { return seen_ > wanted_; }

    Result<Done> on_picture(const AVFrame& frame) override
    {
        if (seen_++ > wanted_) return Done{};
        picture.reset(av_frame_clone(&frame));
        return picture ? Result<Done>(Done{}) : out_of_memory();
    }

    FramePtr picture;

private:
    std::uint64_t wanted_;
    std::uint64_t seen_ = 0;
};

// Frames at equal distances, side by side and below each other.
class Sheet final : public ReadingListener {
public:
    explicit Sheet(std::uint64_t frames)
        : frames_(std::max<std::uint64_t>(frames, 1)),
          tiles_(static_cast<std::uint32_t>(std::min<std::uint64_t>(frames_, kMostTiles)))
    {
    }

    bool has_enough() const override { return placed_ == tiles_; }

    Result<Done> on_picture(const AVFrame& frame) override
    {
        if (!canvas) RG_CHECK(lay_out(size_of(frame)));
        const std::uint64_t number = seen_++;
        while (placed_ < tiles_ && middle_of(placed_) == number)
            RG_CHECK(place(frame));
        return Done{};
    }

    FramePtr canvas;

private:
    // The frame in the middle of a tile's share of the film.
    std::uint64_t middle_of(std::uint32_t tile) const
    {
        return (2 * std::uint64_t{tile} + 1) * frames_ / (2 * std::uint64_t{tiles_});
    }

    Result<Done> lay_out(FrameSize size)
    {
        tile_ = fitted(size, kTileSide);
        const std::uint32_t columns = std::min(tiles_, kSheetColumns);
        const std::uint32_t rows = (tiles_ + columns - 1) / columns;
        FramePtr sheet(av_frame_alloc());
        if (!sheet) return out_of_memory();
        sheet->format = AV_PIX_FMT_RGB24;
        sheet->width = static_cast<int>(tile_.width * columns);
        sheet->height = static_cast<int>(tile_.height * rows);
        if (av_frame_get_buffer(sheet.get(), 0) < 0) return out_of_memory();
        for (int row = 0; row < sheet->height; ++row)
            std::memset(sheet->data[0] + std::ptrdiff_t{row} * sheet->linesize[0],
                        0,
                        static_cast<std::size_t>(sheet->linesize[0]));
        canvas = std::move(sheet);
        return Done{};
    }

    Result<Done> place(const AVFrame& frame)
    {
        constexpr std::uint32_t kBytes = 3; // a pixel
        RG_TRY(const FramePtr small, scaler_.scaled(frame, tile_, AV_PIX_FMT_RGB24, AVCOL_SPC_RGB));
        const std::uint32_t left = placed_ % kSheetColumns * tile_.width * kBytes;
        const std::uint32_t top = placed_ / kSheetColumns * tile_.height;
        for (std::uint32_t row = 0; row < tile_.height; ++row)
            std::memcpy(canvas->data[0] + std::ptrdiff_t{top + row} * canvas->linesize[0] + left,
                        small->data[0] + std::ptrdiff_t{row} * small->linesize[0],
                        std::size_t{tile_.width} * kBytes);
        ++placed_;
        return Done{};
    }

    std::uint64_t frames_;
    std::uint32_t tiles_;
    std::uint64_t seen_ = 0;
    std::uint32_t placed_ = 0;
    FrameSize tile_;
    Scaler scaler_;
};

Result<Done> watch(const Source& film, const ProbeLimits& limits, ReadingListener& listener)
{
    av_log_set_level(AV_LOG_QUIET);
    RG_TRY(const Layout layout, admitted_layout(film, limits));
    MediaReading reading(film, layout, limits);
    RG_CHECK(reading.open());
    return reading.read(listener);
}

} // namespace

Result<std::string> derive_thumbnail(const Source& film, const Derivation& order)
{
    MiddleFrame middle(order.frames);
    RG_CHECK(watch(film, order.limits, middle));
    Scaler scaler;
    const FrameSize small = fitted(size_of(*middle.picture), kThumbnailSide);
    RG_TRY(const FramePtr picture,
           scaler.scaled(*middle.picture, small, AV_PIX_FMT_BGRA, AVCOL_SPC_RGB));
    return write_webp(*picture, order.output);
}

Result<std::string> derive_spritesheet(const Source& film, const Derivation& order)
{
    Sheet sheet(order.frames);
    RG_CHECK(watch(film, order.limits, sheet));
    return write_jpeg(*sheet.canvas, order.output);
}

} // namespace reelgate
