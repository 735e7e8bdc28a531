// A daemon for the occasion: a child that serves on a port of its own for as long as a command
// needs one. It ends with the command, also where that is killed: its standard input is a pipe
// whose other end the command has. What it has not ended is taken up by the next daemon on its data
// directory.
#pragma once

#include "host/app/command.hpp"
#include "host/base/fd.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace reelgate {

class OwnDaemon {
public:
    // Blocks until it listens. What it says goes to <data>/logs/daemon.log; where it ends instead,
    // its last words are in the error. `config`: the file, where there is one.
    static Result<OwnDaemon> start(const Globals& globals,
                                   const std::filesystem::path& data_dir,
                                   const std::optional<std::filesystem::path>& config);
    ~OwnDaemon(); // asks it to end, and waits

    OwnDaemon(OwnDaemon&& other) noexcept;
    OwnDaemon& operator=(OwnDaemon&&) = delete;
    OwnDaemon(const OwnDaemon&) = delete;

private:
    OwnDaemon(pid_t pid, Fd holds) : pid_(pid), holds_(std::move(holds)) {}

    pid_t pid_ = -1;
    Fd holds_; // the end of the pipe that is ours
};

} // namespace reelgate
