// Models as a description or a probe lists them.
#pragma once

#include "host/model/capability.hpp"
#include "host/plugin/json_members.hpp"

#include <vector>

namespace reelgate {

inline constexpr std::size_t kMostModels = 256;

// What a model that says nothing is taken to accept.
inline constexpr std::uint32_t kUndeclaredMultiple = 2;
inline constexpr std::uint64_t kUndeclaredPixels = 1920 * 1088;
inline constexpr FrameRule kUndeclaredFrames{.min = 1, .max = 240, .step = 1, .offset = 0};
inline constexpr double kUndeclaredFps = 24;

// The list under `name`; absent is empty. Whatever is absent in a model is filled in: limits as
// above, inputs as its tasks need them, its default from its limits (the first of a list, of a
// lattice the nearest to 832x480 and 49 frames). A default outside the model's own limits is a
// problem, and so are limits that nothing can meet and two models with one id.
std::vector<ModelCapability> read_models(JsonMembers& members, std::string_view name);

} // namespace reelgate
