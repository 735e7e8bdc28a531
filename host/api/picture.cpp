#include "host/api/picture.hpp"

#include "host/model/file_type.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

namespace reelgate::api {
namespace {

struct Kind {
    std::string_view magic;
    std::size_t at;
    std::string_view mime;
};

constexpr std::array kKinds{
    Kind{"\x89PNG\r\n\x1a\n", 0, "image/png" },
    Kind{"\xff\xd8\xff",      0, "image/jpeg"},
    Kind{"WEBP",              8, "image/webp"},
    Kind{"GIF8",              0, "image/gif" },
    Kind{"BM",                0, "image/bmp" },
};

// Both alphabets, with or without padding, broken into lines or not.
std::optional<std::string> from_base64(std::string_view text)
{
    std::string packed;
    packed.reserve(text.size() + 3);
    for (const char c : text)
        if (c != '\n' && c != '\r' && c != ' ') packed += c == '-' ? '+' : c == '_' ? '/' : c;
    while (!packed.empty() && packed.back() == '=')
        packed.pop_back();
    if (packed.empty() || packed.size() % 4 == 1) return std::nullopt;
    const std::size_t padding = (4 - packed.size() % 4) % 4;
    packed.append(padding, '=');
    std::string bytes(packed.size() / 4 * 3, '\0');
    const int written = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                        reinterpret_cast<const unsigned char*>(packed.data()),
                                        static_cast<int>(packed.size()));
    if (written < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(written) - padding);
    return bytes;
}

} // namespace

std::optional<Picture> picture_of(std::string bytes)
{
    const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) {
        return bytes.size() > k.at + k.magic.size() &&
               std::string_view(bytes).substr(k.at, k.magic.size()) == k.magic;
    });
    if (kind == kKinds.end()) return std::nullopt;
    return Picture{
        std::move(bytes), std::string(kind->mime), std::string(extension_of(kind->mime)), {}};
}

std::optional<std::string> bytes_of_text(std::string_view text)
{
    if (text.starts_with("data:")) {
        const std::size_t comma = text.find(',');
        if (comma == std::string_view::npos) return std::nullopt;
        if (text.substr(0, comma).find(";base64") == std::string_view::npos) return std::nullopt;
        text.remove_prefix(comma + 1);
    }
    return from_base64(text);
}

} // namespace reelgate::api
