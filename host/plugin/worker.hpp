// A worker's life between its first and its last frame. Four kinds of threads: the caller of
// serve() reads and never enters the plugin, so that a ping is answered whatever the plugin does;
// one writes; one loads, creates, probes and calls; one for each running job.
#pragma once

#include "host/plugin/json.hpp"
#include "host/plugin/launch_order.hpp"
#include "host/plugin/outbox.hpp"
#include "host/plugin/table.hpp"
#include "host/plugin/worker_jail.hpp"
#include "host/plugin/worker_job.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace reelgate {

class Worker final : HostEar {
public:
    Worker(LaunchOrder order, std::vector<JailMeasure> jail, int wire);

    // Loads the plugin, says hello and serves until `bye` (returns 0), until the host is gone or
    // until the wire is broken (does not return: the process group is ended, so that nothing is
    // left behind).
    int serve();

private:
    using Work = std::function<void()>;

    void on_log(rg_level level, std::string event, std::string fields_json) override;

    void read_frames();
    void handle(const Json& frame);
    void start_job(const Json& frame, bool resumes);
    void run_job(const std::shared_ptr<WorkerJob>& job);
    void cancel_job(const std::string& id);
    void acknowledge(const Json& frame);
    void say_pong(const Json& frame);

    void open_and_say_hello();
    Error bad_description(const std::string& what) const;
    void create(const Json& frame);
    Json cycle(const std::string& config);
    void probe(const Json& frame);
    void abandon(const Json& frame);
    void call(const Json& frame);
    void ask(const Json& answer,
             std::string_view what,
             const std::function<Result<std::string>()>& question);

    void enqueue(Work work);
    void work_until_closed();
    void end_everything();

    [[noreturn]] void fatal(const Error& error);

    LaunchOrder order_;
    std::vector<JailMeasure> jail_;
    int wire_;
    Outbox outbox_;
    std::thread writer_;

    std::mutex work_mutex_;
    std::condition_variable work_ready_;
    std::deque<Work> work_;
    bool work_closed_ = false;
    std::thread worker_;

    // Written by the loading thread before hello, read by others only after the host's answer to
    // it.
    std::optional<Table> table_;
    std::unique_ptr<HostFace> host_;
    std::atomic<void*> self_{nullptr};
    std::atomic<bool> created_{false};

    std::mutex jobs_mutex_;
    std::map<std::string, std::shared_ptr<WorkerJob>> running_;
    std::deque<std::shared_ptr<WorkerJob>> over_; // kept for plugins that call too late
    std::list<std::thread> job_threads_;
    bool said_bye_ = false;
};

} // namespace reelgate
