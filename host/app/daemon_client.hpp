// The HTTP API as the commands use it: a daemon is found, asked, and what it answers is a value.
#pragma once

#include "host/app/daemon_address.hpp"

#include <nlohmann/json.hpp>
#include <reelgate/http/client.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace reelgate {

class DaemonClient {
public:
    // The daemon that runs on the data directory; no_daemon where none answers. `key` is sent with
    // each call where it is not empty, and to nobody but the process that has the directory.
    static Result<DaemonClient> find(const std::filesystem::path& data_dir, std::string key);

    // The JSON of an answer; one that is an error is an Error in the daemon's own words.
    Result<nlohmann::json> ask(const std::string& method,
                               const std::string& path,
                               const std::optional<nlohmann::json>& body = {}) const;

    // The same, but whatever was answered with a body is a value, and says its status.
    struct Answer {
        int status = 0;
        nlohmann::json body;
    };
    Result<Answer> exchange(const std::string& method,
                            const std::string& path,
                            const std::optional<nlohmann::json>& body = {}) const;

    // A finished file, whole or not at all.
    Result<Done> download(const std::string& path, const std::filesystem::path& to) const;

    const DaemonAddress& address() const { return address_; }

private:
    DaemonClient(std::filesystem::path data_dir, DaemonAddress address, std::string key);
    Result<http::Request> request(const std::string& method, const std::string& path) const;

    std::filesystem::path data_dir_;
    DaemonAddress address_;
    std::string key_;
    http::Client http_;
};

// $REELGATE_API_KEY, or empty.
std::string key_from_environment();

} // namespace reelgate
