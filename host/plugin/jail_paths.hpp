// Which files a confined worker may reach. Pure but for looking at the file system: nothing here
// takes anything away.
#pragma once

#include "host/jail/landlock.hpp"
#include "host/plugin/launch_order.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace reelgate {

// What the environment of the worker says about where programs and libraries lie.
struct SearchPaths {
    std::string programs;  // PATH
    std::string libraries; // LD_LIBRARY_PATH
};

// The system's own directories, the plugin's, those of the order, and where the interpreter of an
// exec plugin really lies: `#!/usr/bin/env python3` may lead to a Python in somebody's home. There
// is no /tmp: temporary files go into the cache directory.
std::vector<Grant> grants_for(const LaunchOrder& order, const SearchPaths& search);

// The directories that the program which `command` starts needs beyond its own: its prefix, and if
// it is a script that of its interpreter. Never a whole home, nor what holds `data_dir`.
std::vector<std::filesystem::path> program_prefixes(const std::filesystem::path& program,
                                                    const SearchPaths& search,
                                                    const std::filesystem::path& data_dir);

} // namespace reelgate
