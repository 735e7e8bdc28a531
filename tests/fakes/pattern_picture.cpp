#include "tests/fakes/pattern_picture.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>
#include <string>

namespace reelgate {
namespace {

using Colour = std::array<std::uint8_t, 3>; // y, u, v in BT.709 studio range

// The eight bars at 75 %, as BT.709 has them.
constexpr std::array<Colour, 8> kBars{
    {{180, 128, 128},
     {168, 44, 136},
     {145, 147, 44},
     {133, 63, 52},
     {63, 193, 204},
     {51, 109, 212},
     {28, 212, 120},
     {60, 128, 128}}
};
constexpr Colour kWhite{235, 128, 128};
constexpr Colour kBlack{16, 128, 128};

// Three columns and five rows a character, the top row first, the left column in bit 2.
constexpr std::string_view kGlyphNames = "0123456789/";
constexpr std::array<std::array<std::uint8_t, 5>, 11> kGlyphs{
    {{7, 5, 5, 5, 7},
     {2, 6, 2, 2, 7},
     {7, 1, 7, 4, 7},
     {7, 1, 7, 1, 7},
     {5, 5, 7, 1, 1},
     {7, 4, 7, 1, 7},
     {7, 4, 7, 5, 7},
     {7, 1, 1, 1, 1},
     {7, 5, 7, 5, 7},
     {7, 5, 7, 1, 7},
     {1, 1, 2, 4, 4}}
};

// One step of splitmix64: neighbouring seeds give pictures that have nothing in common.
std::uint64_t scrambled(std::uint64_t& state)
{
    state += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

std::array<std::size_t, 8> bar_order(std::uint64_t seed)
{
    std::array<std::size_t, 8> order{};
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = order.size() - 1; i > 0; --i)
        std::swap(order[i], order[scrambled(seed) % (i + 1)]);
    return order;
}

constexpr std::uint32_t even(std::uint32_t n) { return n & ~1U; }

} // namespace

PatternPicture::PatternPicture(std::uint32_t width, std::uint32_t height, std::uint64_t seed)
    : width_(width), height_(height)
{
    assert(width % 2 == 0 && height % 2 == 0 && width >= 16 && height >= 16);
    background_[0].resize(std::size_t{width} * height);
    background_[1].resize(background_[0].size() / 4);
    background_[2].resize(background_[0].size() / 4);
    const PicturePlanes planes{
        .data = {background_[0].data(), background_[1].data(), background_[2].data()},
        .stride = {width,                 width / 2,             width / 2            }
    };
    const auto order = bar_order(seed);
    const auto left_edge = [&](std::uint32_t bar) { return even(width * bar / 8); };
    for (std::uint32_t bar = 0; bar < 8; ++bar) {
        const std::uint32_t x = left_edge(bar);
        fill({x, 0, left_edge(bar + 1) - x, height}, kBars[order[bar]], planes);
    }
    // A block whose height is the seed's, so that more seeds than there are orders can be told
    // apart.
    std::uint64_t state = seed ^ 0x5eedU;
    const std::uint32_t block =
        2 + even(static_cast<std::uint32_t>(scrambled(state) % (height / 2)));
    const std::uint32_t block_x = left_edge(static_cast<std::uint32_t>(scrambled(state) % 8));
    fill({block_x, height - block, std::max(2U, even(width / 8)), block}, kBlack, planes);
}

void PatternPicture::fill(const Rect& rect, Colour colour, const PicturePlanes& to) const
{
    const std::uint32_t right = std::min(rect.x + rect.width, width_);
    const std::uint32_t bottom = std::min(rect.y + rect.height, height_);
    if (rect.x >= right || rect.y >= bottom) return;
    for (std::uint32_t y = rect.y; y < bottom; ++y)
        std::memset(to.data[0] + y * to.stride[0] + rect.x, colour[0], right - rect.x);
    for (std::size_t plane = 1; plane < 3; ++plane)
        for (std::uint32_t y = rect.y / 2; y < (bottom + 1) / 2; ++y)
            std::memset(to.data[plane] + y * to.stride[plane] + rect.x / 2,
                        colour[plane],
                        (right + 1) / 2 - rect.x / 2);
}

// White on black in the upper left corner, as large as the width allows.
void PatternPicture::write(std::string_view text, const PicturePlanes& to) const
{
    const auto columns = static_cast<std::uint32_t>(text.size()) * 4 + 1;
    const std::uint32_t dot = std::max(1U, std::min(width_ / 2 / columns, height_ / 4 / 7));
    fill({0, 0, columns * dot, 7 * dot}, kBlack, to);
    std::uint32_t x = dot;
    for (const char c : text) {
        const auto& glyph = kGlyphs[kGlyphNames.find(c)];
        for (std::uint32_t row = 0; row < 5; ++row)
            for (std::uint32_t column = 0; column < 3; ++column)
                if ((glyph[row] >> (2 - column) & 1U) != 0)
                    fill({x + column * dot, (1 + row) * dot, dot, dot}, kWhite, to);
        x += 4 * dot;
    }
}

void PatternPicture::paint(std::uint32_t frame, std::uint32_t frames, const PicturePlanes& to) const
{
    for (std::size_t plane = 0; plane < 3; ++plane) {
        const std::size_t row = plane == 0 ? width_ : width_ / 2;
        const std::size_t rows = plane == 0 ? height_ : height_ / 2;
        for (std::size_t y = 0; y < rows; ++y)
            std::memcpy(
                to.data[plane] + y * to.stride[plane], background_[plane].data() + y * row, row);
    }
    // The bar crosses the picture in about 48 frames: two seconds at 24 fps.
    const std::uint32_t stride = std::max(2U, even(width_ / 48));
    const auto x = static_cast<std::uint32_t>(std::uint64_t{frame} * stride % even(width_));
    fill({x, height_ / 4, std::max(2U, even(width_ / 16)), height_ / 2}, kWhite, to);
    write(std::to_string(frame + 1) + "/" + std::to_string(frames), to);
}

} // namespace reelgate
