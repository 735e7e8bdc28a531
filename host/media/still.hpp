// One picture as a file that browsers show.
#pragma once

#include "host/media/scaler.hpp"

#include <filesystem>
#include <string>

namespace reelgate {

// Each answers with the type of what was written; what `file` held is gone.
// WebP becomes JPEG where libavcodec was built without libwebp.
Result<std::string> write_webp(const AVFrame& picture, const std::filesystem::path& file);
Result<std::string> write_jpeg(const AVFrame& picture, const std::filesystem::path& file);

// What goes wrong with what we make ourselves is not the file's doing: it is the disk's where there
// is no room on it, else ours.
Error making_failed(const std::string& doing, int status);

} // namespace reelgate
