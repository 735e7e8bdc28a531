// The frame of the command line. Each file in commands/ adds its subcommands through one function
// `add_NAME_commands(app, globals, exit_code)`, which main.cpp calls; a subcommand's callback does
// its work and leaves its exit status in `exit_code`.
#pragma once

#include "host/app/exit_codes.hpp"
#include "host/base/log.hpp"
#include "host/base/result.hpp"
#include "host/plugin/trust.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

// What every subcommand knows. Filled before any callback runs.
struct Globals {
    std::filesystem::path data_dir = "reelgate-data";
    std::vector<std::filesystem::path> plugin_dirs; // as given; searched before the built-in ones
    LogFormat log_format = LogFormat::text;
    bool quiet = false; // no notes on stderr; results and errors still appear

    TrustPolicy trust = TrustPolicy::pinned;
    std::filesystem::path trusted_keys; // <exe_dir>/../etc/reelgate/trusted_keys unless given

    // Where this program lies. The worker and the media program are looked up here, and nowhere
    // else: a search path would let a stranger's program run in their place.
    std::filesystem::path exe_dir;

    std::filesystem::path program(std::string_view name) const { return exe_dir / name; }
};

enum class OutputFormat : std::uint8_t { text, json };

// Adds `--format text|json`.
void add_format_option(CLI::App& app, OutputFormat& format);

// Tells the user about `error` and returns the exit status for it: a sentence on stderr and, with
// JSON, an object {"error": {...}} on stdout, so that a pipe always receives JSON.
int report_error(const Error& error, OutputFormat format = OutputFormat::text);

// Result<Done> as an exit status; failures are reported.
int report(const Result<Done>& result, OutputFormat format = OutputFormat::text);

void add_config_commands(CLI::App& app, Globals& globals, int& exit_code);
void add_generate_command(CLI::App& app, Globals& globals, int& exit_code);
void add_jobs_commands(CLI::App& app, Globals& globals, int& exit_code);
void add_plugin_commands(CLI::App& app, Globals& globals, int& exit_code);
void add_providers_commands(CLI::App& app, Globals& globals, int& exit_code);
void add_serve_command(CLI::App& app, Globals& globals, int& exit_code);

} // namespace reelgate
