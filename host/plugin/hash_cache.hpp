// Hashes of files that were hashed before, by (device, inode, size, change time). The change time
// is the kernel's: who can write a file cannot set it back.
#pragma once

#include "host/base/clock.hpp"
#include "host/base/result.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace reelgate {

class HashCache {
public:
    // A cache file that is missing or cannot be understood is an empty cache. Without a file the
    // cache lives as long as the object.
    explicit HashCache(std::filesystem::path file = {});

    // The SHA-256 of a plain file; `now` decides whether its change time is old enough to be
    // believed later.
    Result<std::string> sha256(const std::filesystem::path& file, WallTime now);

    // Writes what was learnt, if anything was. Losing it costs time only.
    Result<Done> save();

    std::size_t hits() const { return hits_; }

private:
    std::filesystem::path file_;
    std::map<std::string, std::string> known_;
    std::set<std::string> used_;
    std::size_t hits_ = 0;
    bool changed_ = false;
};

} // namespace reelgate
