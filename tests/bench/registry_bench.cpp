// Finding plugins: fifty manifests, scanned in this process and listed by the program.
#include "host/plugin/registry.hpp"
#include "host/plugin/sums.hpp"
#include "tests/bench/table.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <stdexcept>

namespace reelgate::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kPlugins = 50;

// With a library each, that is none: who opened it would fail.
void write_plugins(const ScratchDir& scratch)
{
    for (int i = 0; i < kPlugins; ++i) {
        const std::string id = "org.example.plugin" + std::to_string(i);
        std::filesystem::create_directories(scratch / id);
        std::ofstream(scratch / (id + "/plugin.so")) << "not a library";
        std::ofstream(scratch / (id + "/plugin.json"))
            << R"({"schema": 1, "id": ")" << id
            << R"(", "version": "1.0.0", "name": "Colour bars", "license": "MIT",
 "runtime": "native", "entry": "plugin.so", "abi": {"major": 1, "min_host_minor": 0},
 "machine": "x86_64", "transport": "fd", "start_timeout_s": 30, "egress": "none", "gpu": "none",
 "environment": ["HOME"], "files": "SHA256SUMS"})";
    }
}

// Notices whoever opens one of the libraries.
class Watch {
public:
    explicit Watch(const ScratchDir& scratch) : notify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
    {
        for (int i = 0; i < kPlugins; ++i) {
            const auto library =
                scratch / ("org.example.plugin" + std::to_string(i) + "/plugin.so");
            if (::inotify_add_watch(notify_, library.c_str(), IN_OPEN) < 0)
                throw std::runtime_error("no watch for " + library.string());
        }
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { ::close(notify_); }

    bool seen() const
    {
        std::array<char, 4096> events{};
        return ::read(notify_, events.data(), events.size()) > 0;
    }

private:
    int notify_;
};

Measured scan_fifty_manifests()
{
    const ScratchDir scratch;
    write_plugins(scratch);
    const std::vector<PluginDir> dirs{
        {scratch.path(), Origin::user}
    };
    return {repeat(200, [&] {
        const auto entries = scan(dirs);
        if (entries.size() != kPlugins || entries.front().broken)
            throw std::runtime_error("the plugins were not found");
    })};
}

// From the start of the process to its end.
Measured plugin_list_of_fifty()
{
    const ScratchDir scratch;
    write_plugins(scratch);
    const Watch watch(scratch);
    const std::vector<std::string> words{REELGATE_BINARY_DIR "/bin/reelgate",
                                         "plugin",
                                         "list",
                                         "--plugins-dir",
                                         scratch.path().string()};
    const Samples samples = repeat(100, [&] { run_program(words); });
    if (watch.seen()) throw std::runtime_error("it opened a library");
    return {samples, spawn_floor(100)};
}

// What a start of a worker pays for the hashes: all of them, and with the cache none.
Measured hash_120_mb(bool cached)
{
    const ScratchDir scratch;
    std::filesystem::create_directory(scratch / "plugin");
    std::ofstream(scratch / "plugin/model.bin") << std::string(120 << 20U, 'm');
    HashCache warm;
    const WallTime later = SystemClock().wall() + 1min;
    (void)warm.sha256(scratch / "plugin/model.bin", later).has_value();
    return {repeat(cached ? 100 : 10, [&] {
        HashCache cold;
        if (!sum_directory(scratch / "plugin", cached ? warm : cold))
            throw std::runtime_error("not hashed");
    })};
}

} // namespace

std::vector<Row> registry_rows()
{
    return {
        {"list",        "plugin list, 50 manifests, no library opened", 20ms, plugin_list_of_fifty             },
        {"scan",        "50 manifests read in this process",            {},   scan_fifty_manifests             },
        {"hash",        "120 MB hashed",                                {},   [] { return hash_120_mb(false); }},
        {"hash_cached", "120 MB hashed before",                         {},   [] { return hash_120_mb(true); } },
    };
}

} // namespace reelgate::bench
