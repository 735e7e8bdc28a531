// A configured plugin, as the rest of the host sees it: it can be probed, it can run attempts, it
// has a state. Whether it lives in a child process or in this one is not to be told from here.
#pragma once

#include "host/base/async.hpp"
#include "host/base/clock.hpp"
#include "host/model/health.hpp"
#include "host/plugin/description.hpp"
#include "host/plugin/host_services.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace reelgate {

struct AttemptOrder {
    std::string id;                         // unique among the provider's attempts
    std::string request_json;               // as host/plugin/request_json.hpp makes it
    std::filesystem::path work_dir;         // private, holds inputs/
    std::optional<std::string> remote_json; // the work exists already: follow it, never submit
};

struct ArtifactOffer {
    std::string path; // relative to the work directory, and already found there
    std::string role; // video, image, frames, thumbnail
    std::string mime;
    std::string meta_json;
};

// What an attempt tells while it runs, on the loop. Answers to intend and accepted are awaited by
// the plugin: call the Ack once it is on disk.
using Ack = std::function<void(rg_status)>;

class AttemptListener {
public:
    virtual ~AttemptListener() = default;
    virtual void on_progress(const ProgressNote& note) = 0;
    virtual void on_preview(const std::string& path) = 0;
    virtual void on_artifact(const ArtifactOffer& offer) = 0;
    virtual void on_intend(const std::string& what_json, Ack ack) = 0;
    virtual void on_accepted(const std::string& remote_json, Ack ack) = 0;
};

struct ProviderStatus {
    Health health = Health::unknown;
    std::string reason;
    SteadyTime since{};
    unsigned restarts = 0;
};

class Provider {
public:
    virtual ~Provider() = default;

    // Starts it if nobody has, and waits until it takes attempts; the failure says why it does not,
    // or that it has not within `patience`.
    virtual Task<Done> open(std::chrono::milliseconds patience) = 0;

    // Known once it has been open for the first time.
    virtual const Description* description() const = 0;
    virtual ProviderStatus status() const = 0;

    // An operator's: what it has done wrong so far is forgotten, and it may try again now.
    virtual void reset() {}

    virtual Task<ProbeReport> probe() = 0;

    // One attempt, to its verdict. `listener` must live until then. A cancelled attempt ends as a
    // failure of category cancelled.
    virtual Task<Done> run(AttemptOrder order, AttemptListener& listener) = 0;
    virtual void cancel(const std::string& attempt) = 0;

    // Asks the remote side to stop accepted work; JSON with compute_stopped and billing.
    virtual Task<std::string> abandon(std::string remote_json) = 0;

    // A function of one of the plugin's extensions; `name` is for tools only.
    virtual Task<std::string> call(std::string extension,
                                   std::string function,
                                   std::string name,
                                   std::string argument_json) = 0;

    // Ends it in order; no call may be under way that is still awaited afterwards.
    virtual asio::awaitable<void> stop() = 0;
};

} // namespace reelgate
