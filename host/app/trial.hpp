// One request on one provider, without a daemon: start the plugin in its worker, wait until it is
// ready, run the attempt, verify the file, put it where the user wants it.
#pragma once

#include "host/app/command.hpp"
#include "host/engine/attempt.hpp"
#include "host/model/request.hpp"
#include "host/plugin/manifest.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace reelgate {

struct TrialOrder {
    Manifest manifest;
    std::string config_json = "{}";
    Wish wish = {};
    std::vector<std::filesystem::path> images = {}; // the start image first, then the end image
    std::filesystem::path output = {};              // empty: a name in the current directory
    bool in_process = false;
    bool accept_deviations = false;
    std::chrono::seconds patience = std::chrono::seconds(60); // from start to ready
};

struct TrialReport {
    std::filesystem::path output;
    MediaFacts facts;
    Request request;
    std::vector<std::string> warnings;
    std::chrono::milliseconds start_took{};
    std::chrono::milliseconds run_took{};
};

// Blocks until it is over. Progress goes to stderr unless `globals.quiet`; the first Ctrl-C cancels
// the attempt, a second one ends the program at once.
Result<TrialReport> run_trial(const Globals& globals, TrialOrder order);

} // namespace reelgate
