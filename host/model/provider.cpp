#include "host/model/provider.hpp"

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

constexpr std::array<std::string_view, 2> kCharges{"free", "paid"};
constexpr std::array<std::string_view, 3> kEgresses{"none", "local", "cloud"};
constexpr std::array<std::string_view, 3> kBreakers{"closed", "half_open", "open"};

} // namespace

std::string_view to_string(Charge charge) { return kCharges[static_cast<std::size_t>(charge)]; }
std::string_view to_string(Egress egress) { return kEgresses[static_cast<std::size_t>(egress)]; }
std::string_view to_string(Breaker breaker) { return kBreakers[static_cast<std::size_t>(breaker)]; }

std::optional<Egress> egress_from(std::string_view word)
{
    const auto* const found = std::find(kEgresses.begin(), kEgresses.end(), word);
    if (found == kEgresses.end()) return std::nullopt;
    return static_cast<Egress>(found - kEgresses.begin());
}

} // namespace reelgate
