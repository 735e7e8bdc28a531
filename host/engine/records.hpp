// What the engine writes down for people: why a job went where it went, and what became of it. JSON
// here is an output, read by nobody in the host.
#pragma once

#include "host/model/job.hpp"
#include "host/router/decide.hpp"

#include <string>

namespace reelgate {

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
