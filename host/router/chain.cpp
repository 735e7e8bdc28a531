#include "host/router/chain.hpp"

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

constexpr std::array<std::string_view, 4> kPolicies{"ordered", "cheapest", "fastest", "weighted"};

} // namespace

std::string_view to_string(ChainPolicy policy)
{
    return kPolicies[static_cast<std::size_t>(policy)];
}

std::optional<ChainPolicy> chain_policy_from(std::string_view word)
{
    const auto* const found = std::find(kPolicies.begin(), kPolicies.end(), word);
    if (found == kPolicies.end()) return std::nullopt;
    return static_cast<ChainPolicy>(found - kPolicies.begin());
}

} // namespace reelgate
