// Which part of a file a client wants. Single ranges only: a list of them is answered with the
// whole, as the standard allows.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace reelgate::api {

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t length = 0;
    bool is_whole = true;
};

// `header` is the value of Range, empty if there is none. Nothing where no byte of `size` is
// wanted: 416.
std::optional<ByteRange> range_of(std::string_view header, std::uint64_t size);

} // namespace reelgate::api
