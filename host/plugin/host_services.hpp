// What a plugin may call: rg_host and rg_job over plain C++. The plugin's threads come in here at
// any time, so everything is guarded: text is copied, sizes are bounded, and a call with a job
// whose run() has returned is ignored and counted.
#pragma once

#include "host/base/fd.hpp"

#include <reelgate/abi/provider.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace reelgate {

struct ProgressNote {
    rg_source source = RG_NONE;
    double value = 0; // 0..1, meaningless with RG_NONE
    std::uint32_t step = 0;
    std::uint32_t steps = 0;
    std::string stage;
};

// The two ears of the host side. Called from any thread of the plugin.
class HostEar {
public:
    virtual ~HostEar() = default;
    virtual void on_log(rg_level level, std::string event, std::string fields_json) = 0;
};

class JobEar {
public:
    virtual ~JobEar() = default;
    virtual void on_progress(ProgressNote note) = 0;
    virtual rg_status on_preview(std::string path) = 0;
    virtual rg_status on_artifact(std::string path, std::string meta_json) = 0;
    virtual rg_status on_intend(std::string what_json) = 0;     // returns once it is on disk
    virtual rg_status on_accepted(std::string remote_json) = 0; // likewise
    virtual void on_late_call(std::string_view function) = 0;
};

// How the host shows itself: as it is, or, for `plugin check`, as another host would.
enum class HostShape : std::uint8_t { normal, newer_minor, short_struct, null_members };

class HostFace {
public:
    HostFace(HostEar& ear,
             std::filesystem::path data_dir,
             std::filesystem::path cache_dir,
             HostShape shape = HostShape::normal);
    HostFace(const HostFace&) = delete;
    HostFace& operator=(const HostFace&) = delete;

    const rg_host& c() const { return host_; }

private:
    std::string data_dir_;
    std::string cache_dir_;
    rg_host host_;
};

// One job as the plugin sees it. Keep it alive after run() has returned for as long as a badly
// behaved plugin may still call: over() makes it deaf.
class JobFace {
public:
    JobFace(JobEar& ear,
            std::string request_json,
            std::filesystem::path work_dir,
            HostShape shape = HostShape::normal);
    JobFace(const JobFace&) = delete;
    JobFace& operator=(const JobFace&) = delete;

    const rg_job& c() const { return job_; }
    void cancel();
    bool is_cancelled() const { return cancelled_; }
    void over(); // run() has returned: later calls are counted, and the descriptor is gone

private:
    friend struct JobCalls;

    JobEar& ear_;
    std::string request_;
    std::string work_dir_;
    std::mutex event_mutex_; // cancel() and over() come from different threads
    Fd cancel_event_;
    std::atomic<bool> cancelled_{false};
    std::atomic<bool> over_{false};
    rg_job job_;
};

} // namespace reelgate
