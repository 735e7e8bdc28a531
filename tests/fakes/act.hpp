// What the steps play on: the scene, which is the provider and outlives every call, and the act,
// which is one call. And what a call asks of the C table around it, where the C++ face would not
// let it.
#pragma once

#include "tests/fakes/ledger.hpp"
#include "tests/fakes/remote_jobs.hpp"
#include "tests/fakes/script.hpp"

#include <reelgate/plugin.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

namespace reelgate::fakes {

struct Variant { // the same sources make a free local plugin and a paid remote one
    std::string_view id;
    bool paid = false;
};
extern const Variant kVariant; // in the file that holds the plugin's entry

// Where the plugin was loaded from.
std::filesystem::path plugin_directory();

class Scene {
public:
    Scene() = default; // of describe: there is no configuration and nothing is remembered
    Scene(Host given, const Json& config);
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    ~Scene();

    Host host;
    Script script;
    Ledger ledger{{}, {}};
    RemoteJobs remotes{{}};
    std::string price = "0.00";
    bool idempotent = false; // a known idempotency key gets the old job instead of a new one

    // How many such calls were before this one, in this process and in those before it.
    std::uint64_t next(Call call);

    // Runs `work` on a thread that is joined when the provider is destroyed.
    void beside(std::function<void()> work);

    void set_loaded(const std::string& model, bool loaded);
    Json loaded() const;
    void keep(std::string memory); // until the provider is destroyed

private:
    std::array<std::atomic<std::uint64_t>, kCallNames.size()> played_{};
    mutable std::mutex mutex_;
    std::set<std::string> loaded_;
    std::vector<std::string> kept_;
    std::vector<std::thread> threads_;
};

struct Act {
    Scene& scene;
    const Script& script;
    Call call;
    Job* job = nullptr;                   // of run and resume
    Json subject = {};                    // the request, else what the call was given
    std::optional<RemoteJob> remote = {}; // once it is submitted, or found again
    Json answer = {};                     // what the call gives back
    std::uint64_t notices = 0;            // how often the cancel has been noticed

    void record(std::string_view event, Json fields = Json::object()) const;

    // Progress and time. Once the job is cancelled, both do what the script's cancel rule says:
    // throw the cancel, or go on.
    void report(std::string_view stage,
                double value,
                Source source,
                std::uint32_t step,
                std::uint32_t steps);
    void measured(std::string_view stage, std::uint32_t step, std::uint32_t steps);
    void pass(std::chrono::milliseconds time);
    void notice_cancel();
};

// Plays `steps` one after the other.
void play(Act& act, const Steps& steps);

// What the C table does after the face has returned, in describe, create, probe and run. A step
// cannot hand it over through the face, which exists to prevent it; so it lies with the thread of
// the call.
struct Outer {
    std::optional<std::string> text;   // instead of what the face wrote
    std::optional<rg_status> status;   // instead of what the face returned
    std::optional<std::string> thrown; // through the C boundary
    std::uint64_t late_calls = 0;      // with a job whose run has returned
};
Outer& outer();

Failure failure_of(const Json& words); // the arguments of the steps `fail` and `refuse`
std::string_view default_billing(const Act& act);

} // namespace reelgate::fakes
