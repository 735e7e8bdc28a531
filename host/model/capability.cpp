#include "host/model/capability.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <tuple>

namespace reelgate {
namespace {

std::uint64_t pixels(FrameSize size) { return std::uint64_t{size.width} * size.height; }

std::uint32_t gap(std::uint32_t a, std::uint32_t b) { return a > b ? a - b : b - a; }

// What makes one lawful size a better stand-in than another; the smaller picture wins a tie.
auto distance(FrameSize wanted, FrameSize size)
{
    const auto off = std::uint64_t{gap(wanted.width, size.width)} + gap(wanted.height, size.height);
    return std::tuple(off, pixels(size), size.width);
}

FrameSize nearest_of(const std::vector<FrameSize>& list, FrameSize wanted)
{
    return *std::min_element(list.begin(), list.end(), [&](FrameSize a, FrameSize b) {
        return distance(wanted, a) < distance(wanted, b);
    });
}

std::uint32_t step_of(const SizeRule& rule) { return std::max(rule.multiple_of, 1U); }

std::uint64_t most_pixels(const SizeRule& rule)
{
    constexpr std::uint64_t kSquare = std::uint64_t{kLongestSide} * kLongestSide;
    return rule.max_pixels == 0 ? kSquare : std::min(rule.max_pixels, kSquare);
}

std::uint32_t rounded_down(double side, std::uint32_t step)
{
    const auto whole =
        static_cast<std::uint32_t>(std::clamp(side, double{1}, static_cast<double>(kLongestSide)));
    return std::max(whole / step * step, step);
}

std::uint32_t rounded(std::uint32_t side, std::uint32_t step)
{
    const std::uint32_t longest = kLongestSide / step * step;
    const std::uint32_t down = std::min(side, longest) / step * step;
    const std::uint32_t up = down + step;
    if (down == 0) return step;
    const bool go_up = up <= longest && side > down && side - down > up - side;
    return go_up ? up : down;
}

// Keeps the shape of the picture as well as the lattice lets it.
FrameSize shrunk(const SizeRule& rule, FrameSize size)
{
    const std::uint32_t step = step_of(rule);
    const std::uint64_t most = most_pixels(rule);
    const double scale = std::sqrt(static_cast<double>(most) / static_cast<double>(pixels(size)));
    const std::uint64_t longest_strip = most / step;
    // A strip may be so flat that its height has to grow to one step: leave room for that.
    const double widest = std::min(size.width * scale, static_cast<double>(longest_strip));
    const std::uint32_t width = rounded_down(widest, step);
    const std::uint64_t room = most / width;
    return {width, rounded_down(std::min(static_cast<double>(room), size.height * scale), step)};
}

// Multiples of the rule's step that lie at most kSideSlack from `side`.
std::vector<std::uint32_t> sides_close_to(std::uint32_t side, std::uint32_t step)
{
    const std::uint32_t from = side > kSideSlack ? side - kSideSlack : 1;
    const std::uint32_t to = std::min(kLongestSide, std::min(side, kLongestSide) + kSideSlack);
    std::vector<std::uint32_t> sides;
    for (std::uint64_t s = (std::uint64_t{from} + step - 1) / step * step; s <= to; s += step)
        sides.push_back(static_cast<std::uint32_t>(s));
    return sides;
}

std::uint64_t step_of(const FrameRule& rule) { return std::max(rule.step, 1U); }

std::uint64_t first_of(const FrameRule& rule)
{
    const std::uint64_t least = std::max(rule.min, 1U);
    if (least <= rule.offset) return rule.offset;
    const std::uint64_t steps = (least - rule.offset + step_of(rule) - 1) / step_of(rule);
    return rule.offset + steps * step_of(rule);
}

} // namespace

std::string to_string(FrameSize size)
{
    return std::to_string(size.width) + "x" + std::to_string(size.height);
}

std::optional<FrameSize> frame_size_from(std::string_view text)
{
    FrameSize size;
    const char* const end = text.data() + text.size();
    const auto [x, bad_width] = std::from_chars(text.data(), end, size.width);
    if (bad_width != std::errc{} || x == end || *x != 'x') return std::nullopt;
    const auto [rest, bad_height] = std::from_chars(x + 1, end, size.height);
    if (bad_height != std::errc{} || rest != end) return std::nullopt;
    return size;
}

bool SizeRule::is_possible() const
{
    if (is_list()) return true;
    const std::uint64_t step = step_of(*this);
    return step <= kLongestSide && step * step <= most_pixels(*this);
}

bool SizeRule::allows(FrameSize size) const
{
    if (is_list()) return std::find(list.begin(), list.end(), size) != list.end();
    if (size.width == 0 || size.height == 0) return false;
    if (size.width > kLongestSide || size.height > kLongestSide) return false;
    const std::uint32_t step = step_of(*this);
    return size.width % step == 0 && size.height % step == 0 && pixels(size) <= most_pixels(*this);
}

FrameSize SizeRule::smallest() const
{
    if (is_list()) return nearest_of(list, {0, 0});
    return {step_of(*this), step_of(*this)};
}

FrameSize SizeRule::largest() const
{
    if (is_list())
        return *std::max_element(list.begin(), list.end(), [](FrameSize a, FrameSize b) {
            return pixels(a) < pixels(b);
        });
    return nearest({kLongestSide, kLongestSide});
}

FrameSize SizeRule::nearest(FrameSize wanted) const
{
    if (is_list()) return nearest_of(list, wanted);
    if (const auto close = close_to(wanted)) return *close;
    const FrameSize snapped{rounded(wanted.width, step_of(*this)),
                            rounded(wanted.height, step_of(*this))};
    return allows(snapped) ? snapped : shrunk(*this, snapped);
}

std::optional<FrameSize> SizeRule::close_to(FrameSize wanted) const
{
    std::vector<FrameSize> close;
    if (is_list()) {
        for (const FrameSize size : list)
            if (gap(size.width, wanted.width) <= kSideSlack &&
                gap(size.height, wanted.height) <= kSideSlack)
                close.push_back(size);
    } else {
        for (const std::uint32_t width : sides_close_to(wanted.width, step_of(*this)))
            for (const std::uint32_t height : sides_close_to(wanted.height, step_of(*this)))
                if (allows({width, height})) close.push_back({width, height});
    }
    if (close.empty()) return std::nullopt;
    return nearest_of(close, wanted);
}

std::string SizeRule::text() const
{
    if (!is_list())
        return "multiples of " + std::to_string(step_of(*this)) + " up to " +
               std::to_string(most_pixels(*this)) + " pixels";
    constexpr std::size_t kShown = 12; // a sentence, not a catalogue
    std::string out;
    for (std::size_t i = 0; i < std::min(list.size(), kShown); ++i)
        out += (i == 0 ? "" : ", ") + to_string(list[i]);
    return list.size() > kShown ? out + ", ..." : out;
}

bool FrameRule::is_possible() const { return first_of(*this) <= max; }

bool FrameRule::allows(std::uint32_t frames) const
{
    return frames > 0 && frames >= min && frames <= max && frames >= offset &&
           (frames - offset) % step_of(*this) == 0;
}

std::uint32_t FrameRule::smallest() const
{
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(first_of(*this), std::numeric_limits<std::uint32_t>::max()));
}

std::uint32_t FrameRule::largest() const
{
    const std::uint64_t first = first_of(*this);
    if (first > max) return max;
    return static_cast<std::uint32_t>(first + (max - first) / step_of(*this) * step_of(*this));
}

std::uint32_t FrameRule::nearest(std::uint32_t frames) const
{
    const std::uint32_t low = smallest();
    const std::uint32_t high = largest();
    if (frames <= low) return low;
    if (frames >= high) return high;
    const std::uint64_t over = (frames - low) % step_of(*this);
    const bool go_up = over > step_of(*this) - over;
    return static_cast<std::uint32_t>(frames - over + (go_up ? step_of(*this) : 0));
}

std::string FrameRule::text() const
{
    std::string out = std::to_string(smallest()) + " to " + std::to_string(largest());
    if (step_of(*this) > 1) out += " in steps of " + std::to_string(step_of(*this));
    return out;
}

bool ModelCapability::has_task(std::string_view task) const
{
    return std::find(tasks.begin(), tasks.end(), task) != tasks.end();
}

bool is_known_task(std::string_view task)
{
    return std::find(std::begin(kTasks), std::end(kTasks), task) != std::end(kTasks);
}

} // namespace reelgate
