#include "host/model/file_type.hpp"

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

struct FileType {
    std::string_view type;
    std::string_view extension;
};

// Where a type has several extensions, files are given the first.
// clang-format off
constexpr std::array kTypes{
    FileType{"video/mp4",        ".mp4"},
    FileType{"video/webm",       ".webm"},
    FileType{"image/jpeg",       ".jpg"},
    FileType{"image/jpeg",       ".jpeg"},
    FileType{"image/png",        ".png"},
    FileType{"image/webp",       ".webp"},
    FileType{"image/gif",        ".gif"},
    FileType{"image/bmp",        ".bmp"},
    FileType{"application/json", ".json"},
};
// clang-format on

} // namespace

std::string_view extension_of(std::string_view type)
{
    const auto* const found = std::find_if(
        kTypes.begin(), kTypes.end(), [type](const auto& t) { return t.type == type; });
    return found == kTypes.end() ? ".bin" : found->extension;
}

std::string_view type_of_extension(std::string_view extension)
{
    const auto* const found =
        std::find_if(kTypes.begin(), kTypes.end(), [extension](const auto& t) {
            return t.extension == extension;
        });
    return found == kTypes.end() ? "application/octet-stream" : found->type;
}

} // namespace reelgate
