// One request to one server and its answer: the only file behind this header talks to libcurl's
// transfers. Not part of the installed headers.
#pragma once

#include "sink.hpp"

#include <reelgate/http/client.hpp>
#include <reelgate/http/redirect.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace reelgate::http {

struct Exchange {
    const ClientOptions& options;
    const Request& request; // limits, cancel, progress, and the body if the hop has one
    const Hop& hop;
    std::chrono::steady_clock::time_point began; // of the whole call
    bool head_of_redirect_is_enough = false;     // it will be followed, nobody reads its body
    std::uint64_t already_received = 0;          // for progress alone
};

struct Answer {
    Head head;
    std::string error_body;
    bool body_complete = true;
    bool body_end_known = true;
    std::uint64_t received = 0;
    Timings timings;
};

// `multi` is a CURLM* that nobody else uses meanwhile. `left` becomes true once a byte of the
// request may have reached the other side, however the call ends, and is never set to false.
Expected<Answer, Failure> exchange(void* multi, const Exchange& what, Sink& sink, bool& left);

} // namespace reelgate::http
