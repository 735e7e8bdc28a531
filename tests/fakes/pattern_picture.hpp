// The pictures of the test pattern: colour bars chosen by the seed, a bright bar that moves with
// every frame, and a counter "frame/frames" that a person can read. Pure arithmetic, no codec.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace reelgate {

// Where one yuv420p picture goes. Width and height are those the picture was made for.
struct PicturePlanes {
    std::array<std::uint8_t*, 3> data{};
    std::array<std::size_t, 3> stride{};
};

class PatternPicture {
public:
    // Both sides even and at least 16.
    PatternPicture(std::uint32_t width, std::uint32_t height, std::uint64_t seed);

    // Paints frame `frame` (from 0) of `frames`. The same arguments give the same bytes, and two
    // frames that follow each other always differ.
    void paint(std::uint32_t frame, std::uint32_t frames, const PicturePlanes& to) const;

private:
    struct Rect {
        std::uint32_t x, y, width, height;
    };

    void fill(const Rect& rect, std::array<std::uint8_t, 3> colour, const PicturePlanes& to) const;
    void write(std::string_view text, const PicturePlanes& to) const;

    std::uint32_t width_;
    std::uint32_t height_;
    std::array<std::vector<std::uint8_t>, 3> background_; // tightly packed planes
};

} // namespace reelgate
