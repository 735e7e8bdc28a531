#include "host/engine/input_check.hpp"

namespace reelgate {
namespace {

// Telephones make pictures of 50 megapixels; decoded, one of 64 fits into half the child's memory.
constexpr MediaLimits kInputLimits{
    .file = {.max_bytes = std::uint64_t{32} << 20,
             .max_pixels = std::uint64_t{1} << 26,
             .max_frames = 1000,
             .max_seconds = 600},
    .wall = std::chrono::seconds(20)
};

} // namespace

std::optional<BadInput> first_bad_input(const MediaTool& media,
                                        const std::filesystem::path& directory,
                                        const std::vector<RequestInput>& inputs)
{
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto file = directory / std::filesystem::path(inputs[i].path).filename();
        const Result<MediaFacts> facts = probe_media(media, file, kInputLimits);
        if (!facts) return BadInput{.index = i, .error = facts.error()};
    }
    return std::nullopt;
}

} // namespace reelgate
