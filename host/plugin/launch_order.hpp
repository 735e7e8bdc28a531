// What the daemon tells a worker on its command line, before any frame: what to load and what to
// allow it. Never a secret: command lines can be read by everybody.
#pragma once

#include "host/base/result.hpp"
#include "host/plugin/host_services.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

// What a worker may not do. Each measure is tried and reported; with `strict` a measure that cannot
// be had is a reason not to start.
struct JailOrder {
    bool confine = true;
    bool strict = false;
    bool allow_network = false;                  // false: no socket but local ones
    std::optional<std::uint64_t> memory_mb = {}; // data segment of the process
    std::optional<unsigned> cores = {};          // processors it may run on
    std::uint64_t max_file_kb = std::uint64_t{4} << 20U;
    std::vector<std::string> read_only = {};  // files and directories beyond the system's own
    std::vector<std::string> read_write = {}; // granted devices and the like
    std::string work_root = {}; // holds its work directories; none: files are not confined
};

struct LaunchOrder {
    bool exec = false;                // a program of its own instead of a library
    std::string plugin_dir;           // absolute
    std::string library = {};         // absolute path of plugin.so
    std::vector<std::string> command; // for exec: the program, absolute, and its arguments
    bool stdio = false;               // for exec: frames on 0 and 1
    std::string plugin_name;          // "org.example.bars 1.0.0", for sentences
    std::string data_dir;
    std::string cache_dir;
    JailOrder jail;
    HostShape shape = HostShape::normal; // other than normal only in `plugin check`
    std::uint32_t host_minor = 0;        // likewise
    unsigned cycles = 0; // instances that are created and destroyed before the one that stays
};

std::string to_text(const LaunchOrder& order);
Result<LaunchOrder> launch_order_from(std::string_view text);

} // namespace reelgate
