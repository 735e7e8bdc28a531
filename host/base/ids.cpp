#include "host/base/ids.hpp"

#include <sys/random.h>

#include <array>
#include <cstdlib>

namespace reelgate {

JobId new_job_id()
{
    std::array<unsigned char, 16> chance{};
    // Sixteen bytes come whole or not at all, and the system has had its chance long since it
    // booted.
    if (::getrandom(chance.data(), chance.size(), 0) != static_cast<ssize_t>(chance.size()))
        std::abort();
    constexpr char kHex[] = "0123456789abcdef";
    std::string text = "video_";
    for (const unsigned char byte : chance) {
        text += kHex[byte >> 4U];
        text += kHex[byte & 15U];
    }
    return JobId(std::move(text));
}

} // namespace reelgate
