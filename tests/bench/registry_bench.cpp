// Finding plugins: fifty manifests, scanned in this process and listed by the program.
#include "host/plugin/registry.hpp"
#include "host/plugin/sums.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

namespace reelgate {
namespace {

constexpr int kPlugins = 50;

void write_plugins(const ScratchDir& scratch)
{
    for (int i = 0; i < kPlugins; ++i) {
        const std::string id = "org.example.plugin" + std::to_string(i);
        std::filesystem::create_directories(scratch / id);
        std::ofstream(scratch / (id + "/plugin.json"))
            << R"({"schema": 1, "id": ")" << id
            << R"(", "version": "1.0.0", "name": "Colour bars", "license": "MIT",
 "runtime": "native", "entry": "plugin.so", "abi": {"major": 1, "min_host_minor": 0},
 "machine": "x86_64", "transport": "fd", "start_timeout_s": 30, "egress": "none", "gpu": "none",
 "environment": ["HOME"], "files": "SHA256SUMS"})";
    }
}

void scan_fifty_manifests(benchmark::State& state)
{
    const ScratchDir scratch;
    write_plugins(scratch);
    const std::vector<PluginDir> dirs{
        {scratch.path(), Origin::user}
    };
    for (auto unused : state) {
        (void)unused;
        const auto entries = scan(dirs);
        if (entries.size() != kPlugins || entries.front().broken)
            state.SkipWithError("the plugins were not found");
    }
}
BENCHMARK(scan_fifty_manifests)->Unit(benchmark::kMillisecond);

// From the start of the process to its end.
void plugin_list_of_fifty(benchmark::State& state)
{
    const ScratchDir scratch;
    write_plugins(scratch);
    std::string program = REELGATE_BINARY_DIR "/bin/reelgate";
    std::string dir = scratch.path().string();
    std::string words[] = {program, "plugin", "list", "--plugins-dir", dir};
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (auto unused : state) {
        (void)unused;
        pid_t child = -1;
        int status = -1;
        const int failed =
            ::posix_spawn(&child, program.c_str(), &quiet, nullptr, arguments.data(), environ);
        if (failed != 0 || ::waitpid(child, &status, 0) != child || status != 0)
            state.SkipWithError("the program did not run");
    }
    posix_spawn_file_actions_destroy(&quiet);
}
BENCHMARK(plugin_list_of_fifty)->Unit(benchmark::kMillisecond)->UseRealTime();

// What a start of a worker pays for the hashes: all of them, and with the cache none.
void hash_120_mb(benchmark::State& state)
{
    const bool cached = state.range(0) != 0;
    const ScratchDir scratch;
    std::filesystem::create_directory(scratch / "plugin");
    std::ofstream(scratch / "plugin/model.bin") << std::string(120 << 20U, 'm');
    HashCache warm;
    const WallTime later = SystemClock().wall() + std::chrono::minutes(1);
    (void)warm.sha256(scratch / "plugin/model.bin", later).has_value();
    for (auto unused : state) {
        (void)unused;
        HashCache cold;
        if (!sum_directory(scratch / "plugin", cached ? warm : cold))
            state.SkipWithError("not hashed");
    }
}
BENCHMARK(hash_120_mb)->Arg(0)->Arg(1)->ArgName("cached")->Unit(benchmark::kMillisecond);

} // namespace
} // namespace reelgate
