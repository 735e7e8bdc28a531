// Where the body of a wanted answer goes. Not part of the installed headers.
#pragma once

#include <reelgate/http/failure.hpp>
#include <reelgate/http/headers.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reelgate::http {

struct Head {
    int status = 0;
    Headers headers;
    std::optional<std::uint64_t> length; // of the body as it will be written, if it is known
};

// Each call may refuse; the transfer then ends with that failure.
class Sink {
public:
    virtual ~Sink() = default;
    virtual std::optional<Failure> begin(const Head& head) = 0; // status 200 to 299 only
    virtual std::optional<Failure> write(std::string_view bytes) = 0;
};

} // namespace reelgate::http
