// One job in a worker: what the plugin calls about it becomes frames, and `ack` frames wake the
// call that waits for them.
#pragma once

#include "host/plugin/host_services.hpp"
#include "host/plugin/json.hpp"
#include "host/plugin/outbox.hpp"
#include "host/plugin/table.hpp"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace reelgate {

class WorkerJob final : JobEar {
public:
    // From a `run` frame, or from a `resume` frame.
    WorkerJob(Outbox& outbox, const Json& frame, bool resumes, HostShape shape);

    Result<Done> run(const Table& table, void* self); // on the job's own thread
    void cancel() { face_.cancel(); }
    void acknowledge(std::uint64_t n, rg_status status);

    const std::string id;

private:
    void on_progress(ProgressNote note) override;
    rg_status on_preview(std::string path) override;
    rg_status on_artifact(std::string path, std::string meta_json) override;
    rg_status on_intend(std::string what) override;
    rg_status on_accepted(std::string remote) override;
    void on_late_call(std::string_view function) override;

    rg_status refuse_artifact(const std::string& path, const std::string& why);
    rg_status ask(const char* type, const char* member, const std::string& text);

    Outbox& outbox_;
    std::string work_dir_;
    std::optional<std::string> remote_;
    JobFace face_;

    std::mutex mutex_;
    std::condition_variable answered_;
    std::uint64_t last_number_ = 0;
    std::set<std::uint64_t> waiting_;
    std::map<std::uint64_t, rg_status> answers_;
};

} // namespace reelgate
