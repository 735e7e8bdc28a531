// What the bytes of a file say before any decoder sees them: which container by its signature, how
// large a picture claims to be, where an MP4's index stands, and whether the end of the file is
// there. Only containers listed here are ever opened; a playlist or a script is none, whatever its
// name.
#pragma once

#include "host/base/result.hpp"
#include "host/media/source.hpp"
#include "host/model/capability.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace reelgate {

enum class Container : std::uint8_t { mp4, matroska, y4m, gif, apng, png, jpeg, webp, ppm, bmp };

struct Layout {
    Container container = Container::mp4;
    std::string name;              // as MediaFacts names it; "mov" and "webm" are told apart
    std::optional<FrameSize> size; // what the file's first bytes claim, where they say it
    bool faststart = false;        // MP4 and MOV: the index stands before the data
};

// A picture has no frame rate, even where several stand in one file.
bool is_picture(Container container);

// Fails with `empty`, `not_media` or `unsupported_container`.
Result<Layout> layout_of(const Source& source);

// Fails with `truncated` where the file says itself that more should follow.
Result<Done> check_end(const Source& source, Container container);

} // namespace reelgate
