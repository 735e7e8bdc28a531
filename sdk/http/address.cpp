#include "address.hpp"

#include <reelgate/http/url.hpp>

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace reelgate::http {
namespace {

struct Range {
    std::uint32_t network;
    int bits;
};

// Everything the IANA special-purpose registry says is not globally reachable.
constexpr std::array kNotPublic4{
    Range{0x00000000, 8 }, // "this network"
    Range{0x0a000000, 8 }, // private
    Range{0x64400000, 10}, // shared, behind a carrier's NAT
    Range{0x7f000000, 8 }, // loopback
    Range{0xa9fe0000, 16}, // link-local, where clouds keep their metadata
    Range{0xac100000, 12}, // private
    Range{0xc0000000, 24}, // protocol assignments
    Range{0xc0000200, 24}, // documentation
    Range{0xc0586300, 24}, // 6to4 relays, retired
    Range{0xc0a80000, 16}, // private
    Range{0xc6120000, 15}, // benchmarks
    Range{0xc6336400, 24}, // documentation
    Range{0xcb007100, 24}, // documentation
    Range{0xe0000000, 3 }, // multicast, reserved, broadcast
};

bool is_public4(std::uint32_t address)
{
    for (const Range& r : kNotPublic4)
        if ((address >> (32 - r.bits)) == (r.network >> (32 - r.bits))) return false;
    return true;
}

std::uint32_t word(std::span<const std::uint8_t, 16> bytes, std::size_t at)
{
    return (std::uint32_t{bytes[at]} << 24U) | (std::uint32_t{bytes[at + 1]} << 16U) |
           (std::uint32_t{bytes[at + 2]} << 8U) | std::uint32_t{bytes[at + 3]};
}

bool is_public6(std::span<const std::uint8_t, 16> bytes)
{
    const std::uint32_t first = word(bytes, 0);
    const bool zero_to_64 = first == 0 && word(bytes, 4) == 0;
    if (zero_to_64 && word(bytes, 8) == 0x0000ffff) return is_public4(word(bytes, 12)); // mapped
    const bool nat64 = first == 0x0064ff9b && word(bytes, 4) == 0 && word(bytes, 8) == 0;
    if (nat64) return is_public4(word(bytes, 12));
    if ((first >> 29U) != 1) return false;                // outside 2000::/3
    if ((first >> 9U) == 0x20010000U >> 9U) return false; // 2001::/23, Teredo among them
    if (first == 0x20010db8U) return false;               // documentation
    if ((first >> 16U) == 0x2002U) return false;          // 6to4 wraps any IPv4 address
    return (first >> 12U) != 0x3fff0U;                    // documentation
}

} // namespace

bool is_public_address(std::string_view address)
{
    const std::string text{address.substr(0, address.find('%'))}; // without a zone
    in_addr four{};
    if (inet_pton(AF_INET, text.c_str(), &four) == 1) return is_public4(ntohl(four.s_addr));
    std::array<std::uint8_t, 16> six{};
    if (inet_pton(AF_INET6, text.c_str(), six.data()) == 1) return is_public6(six);
    return false;
}

bool is_public(const sockaddr& address)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = nullptr;
    if (address.sa_family == AF_INET)
        bytes = &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr;
    else if (address.sa_family == AF_INET6)
        bytes = &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
    if (bytes == nullptr) return false;
    const char* out = inet_ntop(address.sa_family, bytes, text.data(), text.size());
    return out != nullptr && is_public_address(out);
}

} // namespace reelgate::http
