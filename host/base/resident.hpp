// How much memory of a process is in RAM.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace reelgate {

// In bytes; 0 for a process that is gone.
inline std::uint64_t resident_bytes(pid_t process = ::getpid())
{
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    std::ifstream("/proc/" + std::to_string(process) + "/statm") >> total >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace reelgate
