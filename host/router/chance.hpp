// Within the router: chance that is the same each time it is asked, so that a decision can be made
// again and come out as it was.
#pragma once

#include <cstdint>
#include <string_view>

namespace reelgate {

// A number in [0, 1) that follows from both.
double chance_of(std::uint64_t seed, std::uint64_t turn);
double chance_of(std::uint64_t seed, std::string_view name);

} // namespace reelgate
