// What the engine writes down for people: why a job went where it went, and what became of it. JSON
// here is an output, read by nobody in the host.
#pragma once

#include "host/model/job.hpp"
#include "host/router/decide.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>

namespace reelgate {

// As timestamp() writes it.
nlohmann::ordered_json time_or_null(const std::optional<WallTime>& when);

struct RecordFrame {
    std::string chain;
    std::uint64_t config_revision = 0;
    WallTime at = {};
};

// Codes and numbers, no prose of providers: they may echo secrets.
std::string route_record(const Decision& decision, const RecordFrame& frame);

// The same, with what would be sent to the provider chosen.
std::string explanation(const Decision& decision, const RecordFrame& frame);

// summary.json of a finished job.
std::string job_summary(const Job& job);

} // namespace reelgate
