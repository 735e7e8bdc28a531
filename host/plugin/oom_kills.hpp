// How often the kernel has killed for want of memory: the only way to tell such a death from a
// SIGKILL that somebody sent. Counted for the control group of a process where that is to be read,
// else for the whole machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace reelgate {

// The number behind "oom_kill" on a line of its own: memory.events, memory.oom_control and
// /proc/vmstat agree on it.
std::optional<std::uint64_t> oom_kills_in(std::string_view text);

// The files that may hold the count, the most exact first, for a process whose /proc/PID/cgroup
// says `groups`.
std::vector<std::filesystem::path> oom_counters(std::string_view groups);

// Counts from construction, or the forget() before the last, to the moment it is asked.
class OomKills {
public:
    explicit OomKills(pid_t pid);

    // It lives: what was counted up to the last call of this killed somebody else. Not what came
    // since, because a process may be killed while what it said last is on its way.
    void forget();

    // Nothing where no count is to be read.
    std::optional<std::uint64_t> since() const;

private:
    std::filesystem::path counter_;
    std::optional<std::uint64_t> before_;
    std::optional<std::uint64_t> lately_;
};

} // namespace reelgate
