// What `generate` and `providers try` are told of the film that is wanted.
#pragma once

#include "host/app/command.hpp"
#include "host/model/request.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

// What the command line said, before it is a request.
struct TryOptions {
    std::string plugin;
    std::string prompt;
    std::string negative_prompt;
    std::vector<std::string> settings;
    std::optional<std::string> config_json;
    std::vector<std::string> params;
    std::optional<std::string> model;
    std::optional<std::string> task;
    std::optional<std::string> size;
    std::optional<std::uint32_t> frames;
    std::optional<double> seconds;
    std::optional<double> fps;
    std::optional<std::uint64_t> seed;
    std::optional<std::uint32_t> steps;
    std::optional<double> guidance;
    std::vector<std::filesystem::path> images;
    std::filesystem::path output;
    unsigned patience_s = 60;
    bool audio = false;
    bool in_process = false;
    bool accept_deviations = false;
    OutputFormat format = OutputFormat::text;
};

void add_request_options(CLI::App& command, TryOptions& options);

// NAME=VALUE pairs as a JSON object: the value is JSON where it is JSON and text where it is not,
// and a dot in the name leads into an object: limits.seconds=3.
Result<std::string> object_of(const std::vector<std::string>& pairs, std::string_view option);

Result<Wish> wish_from(const TryOptions& options);

// One run of the plugin without a daemon; reports what came of it. Its exit status.
int run_try(const Globals& globals, const TryOptions& options);

} // namespace reelgate
