// Starts a worker process. posix_spawn and never fork: 1.3 ms against 74 ms with 8 GB resident.
#pragma once

#include "host/base/fd.hpp"
#include "host/base/result.hpp"
#include "host/plugin/launch_order.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace reelgate {

struct SpawnedWorker {
    pid_t pid = -1; // good for its process group until the process has been waited for
    Fd pidfd;
    Fd wire; // frames
    Fd last_words;
    Fd output; // stdout and stderr of the plugin
};

// The environment of a worker: a short allow list of ours, and what is passed here.
using Environment = std::vector<std::pair<std::string, std::string>>;

// The mark that every process of a worker carries in its environment, to find those it leaves
// behind.
inline constexpr const char* kWorkerMark = "REELGATE_WORKER";
inline constexpr const char* kParentMark = "REELGATE_PARENT"; // our process id

// Ends a worker that nobody will watch, with its group, and takes its exit.
void kill_and_reap(pid_t pid);

// Must run on the thread that lives as long as the worker may: the parent-death signal belongs to
// the thread that spawned, and a child of a pool thread dies with that thread.
Result<SpawnedWorker> spawn_worker(const std::filesystem::path& program,
                                   const LaunchOrder& order,
                                   const Environment& extra);

} // namespace reelgate
