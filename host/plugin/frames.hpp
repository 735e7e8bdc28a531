// The worker's wire: a 32-bit little-endian length and that many bytes of UTF-8 JSON, one object
// with a "type". Pure: bytes in, objects out. Both ends use it, and both treat what arrives as
// hostile.
#pragma once

#include "host/base/result.hpp"
#include "host/plugin/json.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace reelgate {

// Films travel as files; no message of the protocol comes near this.
inline constexpr std::size_t kMaxFrame = 1U << 20U;

// A frame nested deeper than this is not one of ours; parsing it would only cost stack.
inline constexpr std::size_t kMaxFrameDepth = 64;

// The lowest and highest protocol version this build speaks.
inline constexpr int kProtocolLowest = 1;
inline constexpr int kProtocolHighest = 1;

// Text that is not UTF-8 goes out with U+FFFD in its place: what a plugin says must never be able
// to break the wire it is said on. Fails only when the frame would be too long (code
// `frame_too_long`).
Result<std::string> encode_frame(const Json& object);

// Bytes arrive in any portions; objects come out in order. The first violation is final: every
// later call says the same (code `protocol_violation`, with the first bytes as text, because it is
// nearly always a stray print).
class FrameReader {
public:
    void feed(std::string_view bytes);
    Result<std::optional<Json>> next();

    // Bytes that are held and are not yet a whole frame.
    std::size_t pending() const { return buffer_.size() - begin_; }

private:
    Error violation(std::string_view what, std::string_view excerpt);

    std::string buffer_;
    std::size_t begin_ = 0;
    std::optional<Error> broken_;
};

} // namespace reelgate
