// How commands find the daemon of a data directory: it leaves its address there while it runs.
#pragma once

#include "host/base/result.hpp"

#include <filesystem>
#include <string>

namespace reelgate {

struct DaemonAddress {
    std::string url; // "http://127.0.0.1:8055"
    int pid = 0;
};

// <data>/daemon.json
std::filesystem::path address_file(const std::filesystem::path& data_dir);

Result<Done> leave_address(const std::filesystem::path& data_dir, const DaemonAddress& address);

// What the last daemon left; one that was killed has not taken it away. Code no_daemon where there
// is none.
Result<DaemonAddress> left_address(const std::filesystem::path& data_dir);

} // namespace reelgate
