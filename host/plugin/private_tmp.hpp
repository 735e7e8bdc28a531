// Temporary files of workers. Each worker has a directory of its own, a child of `tmp` in its
// provider's cache directory, and it goes when the worker and all it started are gone. Plugins can
// write all around it: no link is followed here, and what stands in the way of `tmp` is removed.
#pragma once

#include "host/base/async.hpp"
#include "host/base/fd.hpp"
#include "host/base/result.hpp"

#include <filesystem>

namespace reelgate {

// A cache directory inside the data directory is looked for there without following links: a plugin
// may have put one in its place. What leads to the data directory is the operator's.
struct TmpPlace {
    std::filesystem::path data_dir;
    std::filesystem::path cache_dir;
};

class PrivateTmp {
public:
    // Makes it, empty, and holds it: while this object lives, nobody takes it for a leftover, not
    // in another process either. Code: `no_private_tmp`.
    static Result<PrivateTmp> make(const TmpPlace& place);

    const std::filesystem::path& path() const { return path_; }

private:
    PrivateTmp(std::filesystem::path path, Fd lock) : path_(std::move(path)), lock_(std::move(lock))
    {
    }
    std::filesystem::path path_;
    Fd lock_;
};

// Removes every directory of temporary files that nobody holds: of workers that ended, and of those
// whose host died before it could. Lets the loop turn every few hundred names. What cannot be
// removed stays for the next time.
asio::awaitable<void> remove_unheld_tmp(TmpPlace place);

} // namespace reelgate
