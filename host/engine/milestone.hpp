// The named points of a job's way at which a crash is told apart from a crash a moment later. They
// are logged at debug level; the tests of restarts end the daemon at each of them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace reelgate {

enum class Milestone : std::uint8_t {
    job_stored,
    decided,
    intent_stored,
    request_sent,
    id_received,
    accepted_stored,
    running,
    download_half,
    verified,
    renamed,
};

inline constexpr std::array<std::string_view, 10> kMilestones{"job_stored",
                                                              "decided",
                                                              "intent_stored",
                                                              "request_sent",
                                                              "id_received",
                                                              "accepted_stored",
                                                              "running",
                                                              "download_half",
                                                              "verified",
                                                              "renamed"};

constexpr std::string_view to_string(Milestone milestone)
{
    return kMilestones[static_cast<std::size_t>(milestone)];
}

} // namespace reelgate
