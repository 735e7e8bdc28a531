// A finished file comes from a provider that nobody vouches for. Whatever it holds, probing it ends
// with facts within the limits or with one of the codes that probe.hpp promises, and leaks nothing.
#include "host/media/probe.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace {

using namespace reelgate;

// Small, so that a minute sees many files: what is over a limit is refused, whatever the limit is.
constexpr ProbeLimits kLimits{
    .max_bytes = 1 << 16, .max_pixels = std::uint64_t{256} * 256, .max_frames = 64};

constexpr std::array<std::string_view, 8> kCodes{"empty",
                                                 "not_media",
                                                 "unsupported_container",
                                                 "unsupported_codec",
                                                 "truncated",
                                                 "too_large",
                                                 "no_video",
                                                 "decode_failed"};

bool is_promised(const Error& error)
{
    return error.category == Category::output_invalid && !error.text.empty() &&
           std::find(kCodes.begin(), kCodes.end(), error.code) != kCodes.end();
}

bool is_sane(const MediaFacts& facts)
{
    const std::uint64_t pixels = std::uint64_t{facts.width} * facts.height;
    return pixels > 0 && pixels <= kLimits.max_pixels && facts.frames > 0 &&
           facts.frames <= kLimits.max_frames && facts.bytes <= kLimits.max_bytes &&
           std::isfinite(facts.fps) && facts.fps >= 0 && std::isfinite(facts.seconds) &&
           facts.seconds >= 0 && std::isfinite(facts.audio_seconds) && facts.audio_seconds >= 0;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const Result<MediaFacts> outcome = probe(Source::over({data, size}), kLimits);
    if (outcome ? !is_sane(*outcome) : !is_promised(outcome.error())) std::abort();
    return 0;
}
