// Real media files for the tests of this room, made with libav. Not linked into any program.
#pragma once

#include "host/model/capability.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace reelgate {

struct Sample {
    std::string muxer =
        "mp4"; // libavformat's; empty: the packets alone, which for pictures is a file
    std::string encoder = "libx264"; // empty: no picture
    std::string audio_encoder = {};  // empty: no sound
    FrameSize size = {64, 48};
    int frames = 8;
    int rate = 24; // frames a second: rate / rate_base
    int rate_base = 1;
    std::string movflags = {}; // "faststart", ...
};

using Bytes = std::vector<std::uint8_t>;

// Throws std::runtime_error when libav cannot make it.
void write_sample(const std::filesystem::path& file, const Sample& sample);

Bytes bytes_of(const std::filesystem::path& file);
void write_bytes(const std::filesystem::path& file, const Bytes& bytes);

// Raw pictures in memory, without libav.
Bytes y4m(FrameSize size, int frames, int rate);
Bytes ppm(FrameSize size, int frames);

// A directory that is gone with its owner.
class TempDir {
public:
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();

    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

} // namespace reelgate
