#include "host/model/artifact.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace reelgate {
namespace {

// A time base of milliseconds (WebM) or hundredths (GIF) cannot say 24 frames a second exactly.
constexpr double kRateTolerance = 0.01;

std::string text_of(double value)
{
    std::array<char, 32> room{};
    const auto end = std::to_chars(room.data(), room.data() + room.size(), value).ptr;
    return {room.data(), end};
}

bool rates_differ(double promised, double found)
{
    return !(std::abs(promised - found) <= promised * kRateTolerance); // so that NaN differs too
}

} // namespace

Promise promise_of(const Request& request)
{
    return {
        .size = request.size, .frames = request.frames, .fps = request.fps, .audio = request.audio};
}

std::vector<Deviation> deviations(const Promise& promise, const MediaFacts& found)
{
    std::vector<Deviation> all;
    const auto compare = [&all](const char* what, std::uint64_t expected, std::uint64_t is) {
        if (expected != 0 && expected != is)
            all.push_back({what, std::to_string(expected), std::to_string(is)});
    };
    compare("width", promise.size.width, found.width);
    compare("height", promise.size.height, found.height);
    compare("frames", promise.frames, found.frames);
    if (promise.fps != 0 && found.fps != 0 && rates_differ(promise.fps, found.fps))
        all.push_back({"fps", text_of(promise.fps), text_of(found.fps)});
    if (promise.audio && !found.audio_codec) all.push_back({"audio", "yes", "no"});
    return all;
}

} // namespace reelgate
