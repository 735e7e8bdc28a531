// How commands find the daemon of a data directory: it leaves its address there while it runs, and
// has a lock by which it is known that the address is its own.
#pragma once

#include "host/base/fd.hpp"
#include "host/base/result.hpp"

#include <filesystem>
#include <string>

namespace reelgate {

struct DaemonAddress {
    std::string url; // "http://127.0.0.1:8055"
    int pid = 0;

    friend bool operator==(const DaemonAddress&, const DaemonAddress&) = default;
};

// Takes the directory until the descriptor is closed; the kernel lets go of it however the process
// ends. Code data_dir_taken where another daemon has it. Nothing else in this process may open
// <data>/daemon.lock: closing it would give the lock away.
Result<Fd> take_data_dir(const std::filesystem::path& data_dir);

// <data>/daemon.json
std::filesystem::path address_file(const std::filesystem::path& data_dir);

Result<Done> leave_address(const std::filesystem::path& data_dir, const DaemonAddress& address);

// Of the daemon that has the directory now. What a dead one left counts for nothing: whoever has
// got its port since must not be told anything. Code no_daemon where there is none.
Result<DaemonAddress> left_address(const std::filesystem::path& data_dir);

} // namespace reelgate
