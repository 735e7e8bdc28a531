// The work "over there": what a vendor's machines would hold, as one file a job in a directory, so
// that it outlives the process that submitted it. How far it is counts in polls and not in time: a
// job of ten steps is done at the tenth poll, whenever that is.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace reelgate::fakes {

struct RemoteJob {
    std::string id = {};           // "r-1": given by create()
    std::string key = {};          // the idempotency key it was submitted with
    std::string state = "running"; // running, done, failed, cancelled, expired
    std::string outcome = "done";  // what `state` becomes with the last step
    std::uint64_t steps = 0;
    std::uint64_t steps_done = 0;
    std::string usd = "0.00";
    bool charge_when_done = false;
    bool charged = false;
    nlohmann::json request = {};
    nlohmann::json script = {}; // of the request that submitted it, for calls that come without one
};

class RemoteJobs {
public:
    explicit RemoteJobs(std::filesystem::path directory) : directory_(std::move(directory)) {}

    // Stores `job` under the next free id and returns it. Safe among threads and processes.
    RemoteJob create(RemoteJob job) const;

    // Replaces what is stored, in one step.
    void save(const RemoteJob& job) const;

    std::optional<RemoteJob> find(const std::string& id) const;
    std::optional<RemoteJob> find_by_key(const std::string& key) const;

private:
    std::filesystem::path file_of(const std::string& id) const;

    std::filesystem::path directory_;
};

} // namespace reelgate::fakes
