// What a case works with: the plugin under test, and blocking ways to start it, ask it and run it.
// A case reads from top to bottom; the loop turns inside these calls and stands still between them.
#pragma once

#include "host/model/request.hpp"
#include "host/plugin/child_process.hpp"
#include "host/plugin/json.hpp"
#include "host/plugin/supervised.hpp"
#include "sdk/conformance/network_watch.hpp"
#include "sdk/conformance/suite.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace reelgate::conformance {

using namespace std::chrono_literals;

// No single question of a case takes longer; what does, hangs.
inline constexpr auto kCaseLimit = std::chrono::seconds(60);
inline constexpr auto kOpenLimit = std::chrono::seconds(10);

// When to cancel a run.
struct CancelPlan {
    std::optional<unsigned> after_progress = {}; // 0: right behind the request
    std::optional<std::chrono::milliseconds> after_time = {};
};

// Everything a run left behind.
struct RunRecord {
    Result<Done> verdict = Done{};
    std::vector<ProgressNote> progress;
    std::vector<ArtifactOffer> artifacts;
    std::vector<std::string> durable; // "intend", "accepted", in their order
    std::optional<std::string> remote_json;
    std::chrono::milliseconds after_cancel{};
    bool cancelled = false;             // the plan's moment came before the end
    std::size_t told_before_cancel = 0; // notes of progress
    std::filesystem::path work_dir;
    Request request;
};

// A loop with everything that lives on it.
class Stage {
public:
    explicit Stage(Subject& subject);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    // Runs the loop until `task` has its result, at most `limit`; nothing if that ran out. What has
    // run out goes on in the next turns and is heard by nobody.
    template <class T>
    std::optional<T> wait(asio::awaitable<T> task, std::chrono::milliseconds limit = kCaseLimit)
    {
        auto result =
            std::make_shared<std::optional<T>>(); // shared with a task that may outlast us
        auto kept = keep(std::move(task), result);
        asio::co_spawn(loop, std::move(kept), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
        turn_until([&] { return result->has_value(); }, limit);
        return std::move(*result);
    }

    // Turns the loop until `reached` or the limit.
    bool turn_until(const std::function<bool()>& reached, std::chrono::milliseconds limit);

    Subject& subject;
    SystemClock clock;
    Log log;
    asio::io_context loop{1};
    asio::thread_pool pool{1};

private:
    template <class T>
    static asio::awaitable<void> keep(asio::awaitable<T> task,
                                      std::shared_ptr<std::optional<T>> result)
    {
        result->emplace(co_await std::move(task));
    }
};

// A provider in its worker, as the daemon would run it.
class Live {
public:
    // With a watch, which must outlive it, the worker is started so that the watch sees it.
    Live(Subject& subject, ProviderSettings settings, const NetworkWatch* watch = nullptr);
    ~Live();

    Result<Done> open(); // waits until it is ready
    Result<ProbeReport> probe();
    RunRecord run(const Request& request, CancelPlan cancel = {});
    std::vector<RunRecord> run_all(const std::vector<Request>& requests, std::size_t cancel_first);
    // Probes once, at the first progress; no report where there was none.
    RunRecord run_and_probe(const Request& request, std::optional<Result<ProbeReport>>& report);
    RunRecord resume(const Request& request, const std::string& remote_json);
    bool stop(); // in order; false when it had to be killed

    SupervisedProvider& provider() { return *provider_; }
    Stage& stage() { return stage_; }
    // Holds every answer to an intent for a moment, in which a run that does not wait goes on; then
    // gives the answer that `answer` returns.
    void hold_intents(std::function<rg_status()> answer) { held_answer_ = std::move(answer); }

private:
    class Listener;
    Task<Done> attempt(AttemptOrder order, std::shared_ptr<Listener> listener);
    RunRecord finish(AttemptOrder order, const std::shared_ptr<Listener>& listener);
    AttemptOrder order_for(const Listener& listener) const;
    std::shared_ptr<Listener> listener_for(const Request& request, CancelPlan cancel);

    Stage stage_;
    std::unique_ptr<SupervisedProvider> provider_;
    unsigned runs_ = 0;
    std::function<rg_status()> held_answer_; // of an intent; none: it is recorded at once
};

// A worker process spoken to frame by frame, for what the daemon itself would never say.
class RawWorker final : ChildEvents {
public:
    RawWorker(Subject& subject, const ProviderSettings& settings);
    ~RawWorker() override;

    Result<Done> start();       // the process
    Result<Done> await_hello(); // and its first frame
    void create(const Json& config);
    Result<Done> open(); // all of these, with the configuration as the daemon completes it
    void begin(const std::string& job, const Request& request);
    void resume(const std::string& job, const Request& request, const Json& remote);
    void answer(const Json& frame, rg_status status); // an `intend` or `accepted`
    void cancel(const std::string& job);
    void send(const Json& frame);

    // The next frame of that type; nothing if the worker ended or the limit ran out.
    std::optional<Json> next(std::string_view type, std::chrono::milliseconds limit = kCaseLimit);
    // How it ended, in its own words where it had any; nothing while it lives.
    std::optional<std::string> end();
    bool gone_within(std::chrono::milliseconds limit);

    bool answers = true; // to `intend` and `accepted`, at once, as the daemon would
    Json hello;          // the frame, once it was awaited
    std::optional<ExitFacts> exit;
    std::optional<Error> broken;
    WorkerOutput output;
    Stage stage;
    std::unique_ptr<ChildProcess> child;

private:
    Json attempt(const char* type, const std::string& job, const Request& request);
    void on_frame(const Json& frame) override;
    void on_last_words(const Crash& /*crash*/) override {}
    void on_wire_broken(const Error& why) override { broken = why; }
    void on_exit(const ExitFacts& facts) override { exit = facts; }

    Subject& subject_;
    ProviderSettings settings_;
    std::deque<Json> frames_;
    std::set<std::string> cancelled_; // jobs
};

class Subject {
public:
    Subject(const Options& options, std::filesystem::path scratch);

    const Options& options;

    // Read once by the case that is about it; the cases behind it build on that.
    std::optional<Manifest> manifest;
    std::optional<Description> description;
    Json described; // as the plugin said it

    ProviderSettings settings(); // of a fresh provider, with directories of its own
    std::filesystem::path new_dir(std::string_view name);
    bool is_ours(const std::filesystem::path& dir) const; // made by new_dir()
    void sweep(); // removes what new_dir() has made: a case leaves hundreds of megabytes of film

    bool is_paid() const { return description->billing == Charge::paid; }

    // Why the plugin may not be run here, or nothing.
    std::optional<Verdict> cannot_run() const;

    // The configuration given, with the defaults of the schema.
    Json whole_config() const;

    // The cheapest lawful request of a model, and one that takes as long as can be afforded.
    Request smallest(const ModelCapability& model) const;
    Request longest(const ModelCapability& model) const;
    // The most work that a lawful request can ask for: only to be cancelled.
    Request heaviest(const ModelCapability& model) const;

    // The first model that makes something from words alone; most cases use it.
    const ModelCapability* easiest() const;

private:
    std::filesystem::path scratch_;
    std::set<std::filesystem::path> dirs_;
    unsigned made_ = 0;
};

// "says (category/code)" of a failed run, for details.
std::string sentence_of(const Result<Done>& verdict);

} // namespace reelgate::conformance
