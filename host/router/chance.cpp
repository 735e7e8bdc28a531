#include "host/router/chance.hpp"

namespace reelgate {

double chance_of(std::uint64_t seed, std::uint64_t turn)
{
    // The finisher of SplitMix64: neighbouring seeds give numbers that have nothing in common.
    std::uint64_t x = seed + (turn + 1) * 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
    x ^= x >> 31U;
    return static_cast<double>(x >> 11U) * 0x1.0p-53;
}

double chance_of(std::uint64_t seed, std::string_view name)
{
    std::uint64_t hash = 0xcbf29ce484222325ULL; // FNV-1a
    for (const char c : name)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return chance_of(seed, hash);
}

} // namespace reelgate
