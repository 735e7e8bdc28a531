// A loop, and providers in real workers on it: what a test of the worker boundary stands on. A test
// reads from top to bottom; the loop turns inside these calls and stands still between them.
#pragma once

#include "host/base/fd.hpp"
#include "host/plugin/manifest.hpp"
#include "host/plugin/supervised.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace reelgate::test {

using namespace std::chrono_literals;

// Longer than anything takes on a loaded machine; who waits this long has failed.
inline constexpr auto kPatience = std::chrono::seconds(60);

// What an attempt told. Intents and acceptances are answered at once, unless it holds them.
class Notebook final : public AttemptListener {
public:
    void on_progress(const ProgressNote& note) override { progress.push_back(note); }
    void on_preview(const std::string& path) override { previews.push_back(path); }
    void on_artifact(const ArtifactOffer& offer) override { artifacts.push_back(offer); }
    void on_intend(const std::string& what_json, Ack ack) override;
    void on_accepted(const std::string& remote_json, Ack ack) override;

    std::vector<ProgressNote> progress;
    std::vector<std::string> previews;
    std::vector<ArtifactOffer> artifacts;
    std::vector<std::string> durable; // "intend {...}", "accepted {...}", in their order
    rg_status intend_answer = RG_OK;
    bool holds = false; // keeps the answers to intents to itself
    std::vector<Ack> held;
};

// One attempt under way.
struct Attempt {
    std::string id;
    std::filesystem::path work_dir;
    Notebook notes;
    std::optional<Result<Done>> verdict;
};

class Stage {
public:
    Stage();
    ~Stage(); // stops the providers, in order
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    // Settings with directories of their own, and clocks that a test can wait for.
    ProviderSettings settings(const std::string& id);

    SupervisedProvider& add(Manifest manifest, ProviderSettings settings);
    // The scripted provider, open.
    SupervisedProvider& add_scripted(const std::string& id);
    SupervisedProvider& add_scripted(ProviderSettings settings);

    // An attempt with a small request; `params_json` is the request's member of that name.
    // By `slot` its waiter can be made to leave.
    Attempt& begin(Provider& provider,
                   const std::string& params_json = "{}",
                   asio::cancellation_slot slot = {});
    // The same, for the scripted provider: its run plays `steps`, a JSON array.
    Attempt& play(Provider& provider, const std::string& steps, asio::cancellation_slot slot = {});
    const Result<Done>& verdict_of(Attempt& attempt);

    // Turns the loop until `reached`; false, and a failure of the test, when patience ran out.
    bool until(const std::function<bool()>& reached, std::string_view what);

    template <class T>
    T wait(asio::awaitable<T> task)
    {
        auto result = std::make_shared<std::optional<T>>();
        auto kept = keep(std::move(task), result);
        asio::co_spawn(loop, std::move(kept), rethrow);
        if (!until([&] { return result->has_value(); }, "an answer"))
            throw std::runtime_error("patience ran out");
        return **std::move(result);
    }
    void finish(asio::awaitable<void> task);

    // The lines of the log that name this event.
    std::vector<std::string> logged(std::string_view event) const;

    static void rethrow(std::exception_ptr failure);
    static Manifest scripted_manifest();

    ScratchDir scratch;
    SystemClock clock;
    asio::io_context loop{1};
    Fd log_file;
    Log log;

private:
    template <class T>
    static asio::awaitable<void> keep(asio::awaitable<T> task,
                                      std::shared_ptr<std::optional<T>> result)
    {
        result->emplace(co_await std::move(task));
    }

    std::list<std::unique_ptr<SupervisedProvider>> providers_;
    std::list<Attempt> attempts_;
};

// The living processes of this group.
std::vector<pid_t> processes_of_group(pid_t group);

// "category/code: text" or "ok", for messages of failed checks.
std::string told(const Result<Done>& verdict);

} // namespace reelgate::test
