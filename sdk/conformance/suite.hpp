// The cases that every plugin is held to: by its author with `reelgate plugin check`, by ours in
// the gate, by an operator before `trust`. Each case runs against fresh worker processes, so that
// none can spoil the next.
#pragma once

#include "host/base/result.hpp"
#include "host/plugin/manifest.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate::conformance {

enum class Outcome : std::uint8_t { passed, failed, skipped };
std::string_view to_string(Outcome outcome);

struct Verdict {
    Outcome outcome = Outcome::passed;
    std::string detail; // what was found and what to do; why it was skipped
};

Verdict passed(std::string detail = {});
Verdict failed(std::string detail);
Verdict skipped(std::string why);

class Subject;

struct Case {
    std::string_view id;    // "cancel.midway"
    std::string_view what;  // the promise that is tested, as a sentence
    std::string_view needs; // cases that must have passed, with a space between, or empty
    Verdict (*check)(Subject&);
};

// In the order in which they run; a case stands after the one it needs.
std::span<const Case> all_cases();

struct Options {
    std::filesystem::path plugin_dir;
    std::filesystem::path programs; // where reelgate, reelgate-worker and reelgate-media lie
    std::string config_json = "{}";
    bool online = false;           // cases that run a plugin whose egress is not `none`
    std::vector<std::string> only; // ids or groups; empty: all
    std::uint32_t seed = 1;
    std::filesystem::path scratch; // empty: a temporary directory of its own
};

struct CaseResult {
    Case row;
    Verdict verdict;
    std::chrono::milliseconds took{};
};

struct Report {
    std::string id; // of the plugin; its directory where no manifest could be read
    std::string version;
    std::uint32_t seed = 1;
    std::vector<CaseResult> results;

    std::size_t count(Outcome outcome) const;
    bool ok() const { return count(Outcome::failed) == 0; }
};

// Blocks until every case has its verdict. `heard` is told of each at once.
Report check(const Options& options, const std::function<void(const CaseResult&)>& heard);

} // namespace reelgate::conformance
