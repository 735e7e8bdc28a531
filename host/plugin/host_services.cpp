#include "host/plugin/host_services.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace reelgate {
namespace {

// Longer texts are cut: a name is not a place for a film.
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxText = 64 * 1024;

std::string copied(rg_bytes bytes, std::size_t limit)
{
    if (bytes.data == nullptr) return {};
    return {bytes.data, std::min(bytes.size, limit)};
}

rg_bytes bytes_of(const std::string& text) { return {text.data(), text.size()}; }

void log_from_plugin(void* self, int32_t level, rg_bytes event, rg_bytes fields)
{
    const auto known = std::clamp<int32_t>(level, RG_DEBUG, RG_ERROR);
    static_cast<HostEar*>(self)->on_log(
        static_cast<rg_level>(known), copied(event, kMaxName), copied(fields, kMaxText));
}

// Extensions of the host come here as they are made; asking for one that is not there is no
// failure.
const void* host_extension(void* /*self*/, const char* /*id*/) { return nullptr; }

ProgressNote note_from(const rg_progress& p)
{
    ProgressNote note;
    if (p.source == RG_ESTIMATED || p.source == RG_MEASURED)
        note.source = static_cast<rg_source>(p.source);
    note.value = std::isfinite(p.value) ? std::clamp(p.value, 0.0, 1.0) : 0.0;
    note.step = p.step;
    note.steps = p.steps;
    note.stage = copied(p.stage, kMaxName);
    return note;
}

} // namespace

HostFace::HostFace(HostEar& ear,
                   std::filesystem::path data_dir,
                   std::filesystem::path cache_dir,
                   HostShape shape)
    : data_dir_(data_dir.string()), cache_dir_(cache_dir.string()), host_{}
{
    host_.struct_size = sizeof host_;
    host_.abi_minor = RG_ABI_MINOR;
    host_.self = &ear;
    host_.data_dir = bytes_of(data_dir_);
    host_.cache_dir = bytes_of(cache_dir_);
    host_.log = log_from_plugin;
    host_.extension = host_extension;
    switch (shape) {
    case HostShape::normal:
        break;
    case HostShape::newer_minor:
        host_.abi_minor = RG_ABI_MINOR + 7;
        break;
    case HostShape::short_struct:
        // What lies behind the size is not there: who reads it all the same finds nothing.
        host_.struct_size = offsetof(rg_host, log);
        host_.log = nullptr, host_.extension = nullptr;
        break;
    case HostShape::null_members:
        host_.log = nullptr, host_.extension = nullptr;
        break;
    }
}

// The C functions behind rg_job.
struct JobCalls {
    // The face, unless run() of its job has returned.
    static JobFace* open(void* self, const char* function)
    {
        auto* face = static_cast<JobFace*>(self);
        if (!face->over_) return face;
        face->ear_.on_late_call(function);
        return nullptr;
    }

    static int32_t is_cancelled(void* self)
    {
        return static_cast<JobFace*>(self)->cancelled_ ? 1 : 0;
    }

    static void progress(void* self, const rg_progress* p)
    {
        JobFace* face = open(self, "progress");
        if (face != nullptr && RG_HAS(p, stage)) face->ear_.on_progress(note_from(*p));
    }

    static rg_status preview(void* self, rg_bytes path)
    {
        JobFace* face = open(self, "preview");
        if (face == nullptr) return RG_FAILED;
        return face->ear_.on_preview(copied(path, kMaxText));
    }

    static rg_status artifact(void* self, rg_bytes path, rg_bytes meta)
    {
        JobFace* face = open(self, "artifact");
        if (face == nullptr) return RG_FAILED;
        return face->ear_.on_artifact(copied(path, kMaxText), copied(meta, kMaxText));
    }

    // After a cancel nothing that costs money may start: the intent is refused.
    static rg_status intend(void* self, rg_bytes what)
    {
        JobFace* face = open(self, "intend");
        if (face == nullptr) return RG_FAILED;
        if (face->cancelled_) return RG_CANCELLED;
        return face->ear_.on_intend(copied(what, kMaxText));
    }

    static rg_status accepted(void* self, rg_bytes remote)
    {
        JobFace* face = open(self, "accepted");
        if (face == nullptr) return RG_FAILED;
        return face->ear_.on_accepted(copied(remote, kMaxText));
    }
};

JobFace::JobFace(JobEar& ear,
                 std::string request_json,
                 std::filesystem::path work_dir,
                 HostShape shape)
    : ear_(ear), request_(std::move(request_json)), work_dir_(work_dir.string()),
      cancel_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), job_{}
{
    job_.struct_size = sizeof job_;
    job_.cancel_fd = cancel_event_.get();
    job_.self = this;
    job_.request_json = bytes_of(request_);
    job_.work_dir = bytes_of(work_dir_);
    job_.is_cancelled = JobCalls::is_cancelled;
    job_.progress = JobCalls::progress;
    job_.preview = JobCalls::preview;
    job_.artifact = JobCalls::artifact;
    job_.intend = JobCalls::intend;
    job_.accepted = JobCalls::accepted;
    if (shape == HostShape::short_struct) {
        job_.struct_size = offsetof(rg_job, preview);
        job_.preview = nullptr, job_.artifact = nullptr;
        job_.intend = nullptr, job_.accepted = nullptr;
    }
    if (shape == HostShape::null_members) job_.preview = nullptr;
}

void JobFace::cancel()
{
    if (cancelled_.exchange(true)) return;
    const std::lock_guard lock(event_mutex_);
    if (cancel_event_) ::eventfd_write(cancel_event_.get(), 1);
}

void JobFace::over()
{
    over_ = true;
    const std::lock_guard lock(event_mutex_);
    cancel_event_.reset();
}

} // namespace reelgate
