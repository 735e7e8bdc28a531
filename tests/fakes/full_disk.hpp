// A disk that is full from one moment to another.
#pragma once

#include <sys/resource.h>

#include <csignal>

namespace reelgate {

// No file of this process grows while it lives: to SQLite that is a disk that cannot be written.
class FullDisk {
public:
    FullDisk()
    {
        before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit none = before_;
        none.rlim_cur = 1;
        ::setrlimit(RLIMIT_FSIZE, &none);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk()
    {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, before_handler_);
    }

private:
    rlimit before_{};
    void (*before_handler_)(int) = nullptr;
};

} // namespace reelgate
