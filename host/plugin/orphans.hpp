// What workers leave behind. A process of a plugin that made itself a session of its own survives
// the kill of its worker's process group; it still carries the worker's mark in its environment, by
// which it is found here, ended and reaped. No process is ever signalled by its number alone.
#pragma once

#include "host/base/async.hpp"
#include "host/base/fd.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace reelgate {

// Every process of a worker carries this variable, beside kWorkerMark and kParentMark.
inline constexpr const char* kDataMark = "REELGATE_DATA"; // the provider's data directory, absolute

// From now on what loses its parent below this process becomes its child, and can be reaped by it.
// Cheap, and once is enough. False where the kernel will not.
bool adopt_orphans();

// A mark no other worker of this process has had: "<provider>/<number>".
std::string new_worker_mark(const std::string& provider);

struct Ended {
    pid_t pid = -1; // for sentences
    Fd pidfd;       // readable once it is gone
};

// Sends SIGKILL to all processes of the worker of ours with this mark, and reaps dead ones that
// this process inherited. Looks at every process once: two milliseconds for 300 of them.
std::vector<Ended> kill_marked(const std::string& mark);

// The same for what workers of an earlier life left below `data_dir`: those whose daemon is gone. A
// worker of a daemon that lives, this one included, is left alone. Call before the first device is
// opened.
std::vector<Ended> kill_leftovers(const std::filesystem::path& data_dir);

// Waits until all of them are gone, or `patience` is over, and reaps those that are our children.
// Blocks: for a daemon that starts. Returns how many are still there.
std::size_t await_end(const std::vector<Ended>& ended, std::chrono::milliseconds patience);

// On the loop, when a worker is gone: ends what it left, again until nothing is left or `patience`
// is over. Returns how many there were.
asio::awaitable<std::size_t> end_orphans(std::string mark, std::chrono::milliseconds patience);

} // namespace reelgate
