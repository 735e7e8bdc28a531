// A provider over worker processes: one at a time, started again when it dies, left alone when it
// dies too often. Does what host/plugin/supervise decides and owns no rule of its own.
#pragma once

#include "host/base/log.hpp"
#include "host/plugin/asking.hpp"
#include "host/plugin/child_process.hpp"
#include "host/plugin/floodgate.hpp"
#include "host/plugin/handshake.hpp"
#include "host/plugin/private_tmp.hpp"
#include "host/plugin/provider.hpp"
#include "host/plugin/provider_settings.hpp"
#include "host/plugin/supervise.hpp"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace reelgate {

struct JailReport {
    std::string what;
    bool applied = false;
    std::string detail;
};

using StartChild =
    std::function<Result<std::unique_ptr<Child>>(asio::any_io_executor loop,
                                                 const std::filesystem::path& program,
                                                 const LaunchOrder& order,
                                                 const Environment& environment,
                                                 WorkerOutput& output,
                                                 ChildEvents& events)>;

class SupervisedProvider final : public Provider, ChildEvents {
public:
    // Starts nothing yet. `log` and `clock` must outlive it. Its workers are processes unless
    // `start_child` makes others.
    SupervisedProvider(asio::any_io_executor loop,
                       const Log& log,
                       const Clock& clock,
                       std::filesystem::path worker_program,
                       Manifest manifest,
                       ProviderSettings settings,
                       StartChild start_child = &start_child_process);
    ~SupervisedProvider() override;

    void start();       // also while it stops: then it is started again, and stop() returns
    void ask_to_stop(); // says so and does not wait; stop() does both
    void reset() override;

    Task<Done> open(std::chrono::milliseconds patience) override;
    const Description* description() const override;
    ProviderStatus status() const override;
    Task<ProbeReport> probe() override;
    Task<Done> run(AttemptOrder order, AttemptListener& listener) override;
    void cancel(const std::string& attempt) override;
    Task<std::string> abandon(std::string remote_json) override;
    Task<std::string> call(std::string extension,
                           std::string function,
                           std::string name,
                           std::string argument_json) override;
    asio::awaitable<void> stop() override;

    const std::string& name() const { return settings_.id; } // the operator's
    supervise::Life life() const { return state_.life; }
    const supervise::State& supervision() const { return state_; }
    const WorkerOutput& output() const { return output_; }
    const std::vector<JailReport>& jail() const { return jail_; }
    std::optional<pid_t> pid() const;
    unsigned late_calls() const { return late_calls_; }
    unsigned starts() const { return starts_; }
    unsigned kills() const { return kills_; }

    // One round trip through the worker's reading thread.
    Task<Done> ping() { return asking_.ping(); }

private:
    struct RunningAttempt;

    void on_frame(const Json& frame) override;
    void on_last_words(const Crash& crash) override;
    void on_wire_broken(const Error& why) override;
    void on_exit(const ExitFacts& facts) override;

    void apply(const supervise::Event& event);
    void perform(const supervise::Action& action);
    void do_spawn();
    void lose_attempts(const ExitFacts& facts);
    asio::awaitable<void>
    bury(std::unique_ptr<Child> child, std::string mark, std::optional<PrivateTmp> tmp);
    void give_tmp(Environment& environment);
    void announce_state();
    void run_clock();
    asio::awaitable<void> tick();
    void wake_waiters();
    asio::awaitable<void> state_change(std::chrono::steady_clock::time_point deadline);

    void on_hello(const Json& frame);
    void on_created(const Json& frame);
    void on_fatal(const Json& frame);
    void on_pong(const Json& frame);
    void on_job_frame(const std::string& type, const Json& frame);
    void on_unheard(const std::string& type, const std::string& id, const Json& frame);
    void on_progress(RunningAttempt& attempt, const Json& frame);
    void on_preview(RunningAttempt& attempt, const Json& frame);
    void deliver_held(RunningAttempt& attempt, bool all);
    void on_artifact(RunningAttempt& attempt, const Json& frame);
    void on_durable(const std::shared_ptr<RunningAttempt>& attempt,
                    const std::string& type,
                    const Json& frame);
    Ack ack_of(const Json& frame);
    void on_done(const std::string& id, RunningAttempt& attempt, const Json& frame);
    void on_log_frame(const Json& frame);
    void misbehaved(std::string_view what, std::string_view detail);
    void tell_losses(bool all);

    Result<Done> send(const Json& frame);
    void settle(const std::string& attempt, Result<Done> verdict);
    Error start_timeout() const;
    Error unavailable() const;

    const Log& log_;
    const Clock& clock_;
    asio::any_io_executor loop_;
    std::filesystem::path program_;
    Manifest manifest_;
    ProviderSettings settings_;
    WorkerOutput output_;
    supervise::State state_;
    std::minstd_rand chance_;
    std::optional<Description> description_;
    std::vector<JailReport> jail_;
    std::optional<Error> last_failure_; // why it cannot take jobs, in full
    unsigned late_calls_ = 0;
    unsigned starts_ = 0;
    std::string mark_;              // of the worker that runs or ran last
    std::optional<PrivateTmp> tmp_; // and its temporary files
    unsigned kills_ = 0;
    Floodgate floodgate_;
    StartChild start_child_;

    Asking asking_;
    std::map<std::string, std::shared_ptr<RunningAttempt>> attempts_;
    asio::steady_timer timer_;
    std::list<asio::steady_timer*> waiters_; // who waits for the next change of state
    Handshake handshake_ = Handshake::none;
    bool stopping_ = false; // somebody is in stop()
    bool ticking_ = false;  // tick() runs
    bool ended_ = false;    // and shall end

    // These run code on the loop that uses the members above: keep them last.
    std::unique_ptr<Child> child_;
    TaskGroup tasks_;
};

} // namespace reelgate
