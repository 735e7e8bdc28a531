// What a provider can do, as data: the part of a plugin's description that routing needs. Parsed
// from JSON in host/plugin, judged here and in the router.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

struct FrameSize {
    std::uint32_t width = 0;
    std::uint32_t height = 0;

    friend bool operator==(const FrameSize&, const FrameSize&) = default;
};

std::string to_string(FrameSize size);
std::optional<FrameSize> frame_size_from(std::string_view text); // "1280x704"

// No side of a picture is longer than this, whatever a model says: H.264 ends there.
inline constexpr std::uint32_t kLongestSide = 16384;

// How far Adjust::nearest may move a side.
inline constexpr std::uint32_t kSideSlack = 16;

// Either a closed list or a lattice: every side a multiple of `multiple_of`, at most `max_pixels`.
// In a lattice 0 means "any multiple" and "no more limit than kLongestSide a side".
struct SizeRule {
    std::vector<FrameSize> list = {};
    std::uint32_t multiple_of = 0;
    std::uint64_t max_pixels = 0;

    bool is_list() const { return !list.empty(); }
    bool is_possible() const; // is there any lawful size?
    bool allows(FrameSize size) const;
    FrameSize smallest() const; // by pixels
    FrameSize largest() const;  // by pixels; of a lattice the one nearest to a square
    FrameSize nearest(FrameSize wanted) const; // always lawful; ties go down
    // The nearest lawful size that moves no side by more than kSideSlack.
    std::optional<FrameSize> close_to(FrameSize wanted) const;
    std::string text() const; // "multiples of 16 up to 921600 pixels"

    friend bool operator==(const SizeRule&, const SizeRule&) = default;
};

// Lawful counts are offset + k * step (k = 0, 1, ...) within [min, max]; Wan-like models take 4n
// + 1.
struct FrameRule {
    std::uint32_t min = 1;
    std::uint32_t max = 1;
    std::uint32_t step = 1;
    std::uint32_t offset = 0;

    bool is_possible() const; // the members below mean something only if so
    bool allows(std::uint32_t frames) const;
    std::uint32_t smallest() const;
    std::uint32_t largest() const;
    std::uint32_t nearest(std::uint32_t frames) const; // ties go down
    std::string text() const;                          // "5 to 121 in steps of 4"

    friend bool operator==(const FrameRule&, const FrameRule&) = default;
};

// How many inputs of each kind a model accepts.
struct InputRule {
    std::uint32_t image = 0;
    std::uint32_t video = 0;
    std::uint32_t audio = 0;
    std::uint32_t mask = 0;

    friend bool operator==(const InputRule&, const InputRule&) = default;
};

struct ModelCapability {
    std::string id;
    std::vector<std::string> tasks;
    InputRule inputs;
    SizeRule sizes;
    FrameRule frames;
    std::vector<double> fps; // empty: any rate
    std::optional<double> min_seconds;
    std::optional<double> max_seconds;
    bool audio = false;
    bool seed = false;
    FrameSize default_size;
    std::uint32_t default_frames = 0;
    double default_fps = 0;
    std::optional<std::uint64_t> vram_peak_mb;
    std::optional<std::string> usd_per_second; // decimal text: money is never a double

    bool has_task(std::string_view task) const;

    friend bool operator==(const ModelCapability&, const ModelCapability&) = default;
};

// The words of tasks that routing knows. A description may use others: they match only themselves.
inline constexpr std::string_view kTasks[] = {
    "t2v", "i2v", "flf2v", "v2v", "extend", "image", "talking_head"};

bool is_known_task(std::string_view task);

} // namespace reelgate
