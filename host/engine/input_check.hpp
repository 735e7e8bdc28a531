// What clients send is opened once, in the media child, before there is a job: a provider never
// gets a picture that is a bomb or half a file.
#pragma once

#include "host/media/media.hpp"
#include "host/model/request.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace reelgate {

struct BadInput {
    std::size_t index = 0; // among the inputs
    Error error;           // of probe_media()
};

// The first of `inputs`, which lie in `directory`, that cannot be decoded within 32 MiB, 64
// megapixels, 1000 frames and 20 seconds. BLOCKS: call it on the pool.
std::optional<BadInput> first_bad_input(const MediaTool& media,
                                        const std::filesystem::path& directory,
                                        const std::vector<RequestInput>& inputs);

} // namespace reelgate
