// A plugin loaded as the host would load it, and a host small enough to be seen through: what a
// plugin says and hands in is written down. For tests that stand at the C table.
#pragma once

#include "tests/fakes/scratch_dir.hpp"

#include <reelgate/abi/provider.h>
#include <reelgate/ext/cost.h>
#include <reelgate/ext/resume.h>
#include <reelgate/ext/tool.h>
#include <reelgate/ext/warm.h>

#include <nlohmann/json.hpp>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace reelgate::fakes {

struct Answer {
    rg_status status = RG_OK;
    std::string text;

    nlohmann::json json() const { return nlohmann::json::parse(text, nullptr, false); }
};

struct HandedIn {
    std::string path;
    nlohmann::json meta;
};

class TableJob {
public:
    explicit TableJob(nlohmann::json request);
    TableJob(const TableJob&) = delete;
    TableJob& operator=(const TableJob&) = delete;
    ~TableJob();

    void cancel();
    // Cancels as soon as this many reports of progress have come.
    void cancel_after(std::size_t reports) { cancel_after_ = reports; }

    const rg_job* table() const { return &table_; }
    const std::filesystem::path& work_dir() const { return dir_.path(); }

    std::vector<double> progress() const;
    std::vector<HandedIn> artifacts() const;
    std::size_t previews() const { return previews_; }
    std::vector<nlohmann::json> intents() const;
    std::vector<nlohmann::json> accepted() const;

private:
    ScratchDir dir_;
    std::string work_dir_;
    std::string request_;
    rg_job table_{};
    int wake_ = -1;
    std::atomic<bool> cancelled_ = false;
    std::atomic<std::size_t> previews_ = 0;
    std::size_t cancel_after_ = 0;
    mutable std::mutex mutex_;
    std::vector<double> progress_;
    std::vector<HandedIn> artifacts_;
    std::vector<nlohmann::json> intents_;
    std::vector<nlohmann::json> accepted_;

    friend struct JobCalls;
};

// Throws std::runtime_error with the loader's words. The library stays loaded.
const rg_provider* load_plugin(const std::filesystem::path& directory);

Answer describe(const rg_provider* plugin);

// One life of a provider, from create to destroy. A create that fails is an answer, not an
// exception.
class Life {
public:
    Life(const rg_provider* plugin, const nlohmann::json& config, std::filesystem::path data_dir);
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    ~Life();

    const Answer& created() const { return created_; }
    Answer probe();
    Answer run(const TableJob& job);
    Answer resume(const TableJob& job, const nlohmann::json& remote);
    Answer abandon(const nlohmann::json& remote);
    Answer estimate(const nlohmann::json& request);
    Answer amount(const nlohmann::json& remote);
    Answer load(const std::string& model);
    Answer unload(const std::string& model);
    Answer loaded();
    Answer tool(const std::string& name, const nlohmann::json& arguments);

    const rg_provider* plugin() const { return plugin_; }
    void* self() const { return self_; }

private:
    const rg_provider* plugin_;
    std::string data_dir_;
    rg_host host_{};
    void* self_ = nullptr;
    Answer created_;
};

// Copies the plugin in `from` to `into`/`id` under that id, with a manifest and sums to match, and
// with `description` merged into what it describes; a plugin of several ids in one test is several
// copies. `steps` are played by describe. Only the scripted provider reads the last two. Returns
// the copy.
std::filesystem::path copy_plugin(const std::filesystem::path& from,
                                  const std::filesystem::path& into,
                                  const std::string& id,
                                  nlohmann::json description = nlohmann::json::object(),
                                  const nlohmann::json& steps = nlohmann::json::array());

// A request as the host sends it: small, so that tests are quick.
nlohmann::json small_request();

} // namespace reelgate::fakes
