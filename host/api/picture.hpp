// A picture that a client put into a body: what it is, by its bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reelgate::api {

struct Picture {
    std::string bytes;
    std::string mime;      // "image/png"
    std::string extension; // ".png"
    std::string field;     // of the body
};

inline constexpr std::size_t kPictureLimit = std::size_t{32} << 20U;

// By its first bytes: PNG, JPEG, WebP, GIF, BMP. Nothing where it is none of them.
std::optional<Picture> picture_of(std::string bytes);

// "data:image/png;base64,..." or bare base64. Nothing where it is neither.
std::optional<std::string> bytes_of_text(std::string_view text);

} // namespace reelgate::api
