// A job at a daemon, followed by a person at a terminal.
#pragma once

#include "host/app/daemon_client.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

namespace reelgate {

// Ctrl-C while this lives: the first is noted, a second one ends the program.
class Interrupts {
public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    bool came() const;
    void pause() const; // a moment, or until one comes
};

// Where the API has it, whatever is in the id.
std::string path_of_job(const std::string& id);

// Polls the video until it has ended; shows how far it is on stderr unless `quiet`. After Ctrl-C
// the job is cancelled and its end is waited for. The video as the daemon tells it.
Result<nlohmann::json> follow_job(const DaemonClient& daemon, const std::string& id, bool quiet);

// Nothing where it is completed, else why not: the failure in the daemon's words.
std::optional<Error> failure_of(const nlohmann::json& video);

// The finished film as a file.
Result<Done>
fetch_film(const DaemonClient& daemon, const std::string& id, const std::filesystem::path& to);

} // namespace reelgate
