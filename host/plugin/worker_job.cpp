#include "host/plugin/worker_job.hpp"

#include "host/plugin/frame_members.hpp"
#include "host/plugin/work_dir.hpp"
#include "host/plugin/worker_wire.hpp"

#include <utility>

namespace reelgate {

WorkerJob::WorkerJob(Outbox& outbox, const Json& frame, bool resumes, HostShape shape)
    : id(text_of(frame, "job")), outbox_(outbox), work_dir_(text_of(frame, "work_dir")),
      remote_(resumes ? std::optional(object_text(frame, "remote")) : std::nullopt),
      face_(*this, object_text(frame, "request"), work_dir_, shape)
{
}

Result<Done> WorkerJob::run(const Table& table, void* self)
{
    Result<Done> verdict =
        remote_ ? table.resume(self, face_.c(), *remote_) : table.run(self, face_.c());
    face_.over();
    return verdict;
}

void WorkerJob::acknowledge(std::uint64_t n, rg_status status)
{
    const std::lock_guard lock(mutex_);
    if (!waiting_.erase(n)) return;
    answers_[n] = status;
    answered_.notify_all();
}

void WorkerJob::on_progress(ProgressNote note) { outbox_.progress(id, std::move(note)); }

rg_status WorkerJob::on_preview(std::string path)
{
    if (!open_in_work_dir(work_dir_, {.relative = path})) return RG_REJECTED;
    outbox_.preview(id, std::move(path));
    return RG_OK;
}

rg_status WorkerJob::on_artifact(std::string path, std::string meta_json)
{
    const auto meta = parsed_object(meta_json.empty() ? "{}" : meta_json);
    if (!meta) return refuse_artifact(path, "its meta: " + meta.error().text);
    const bool frames = meta->value("role", Json()) == Json("frames");
    const auto opened = open_in_work_dir(work_dir_, {.relative = path, .directory = frames});
    if (!opened) return refuse_artifact(path, opened.error().text);
    say(outbox_,
        Json{
            {"type", "artifact"},
            {"job",  id        },
            {"path", path      },
            {"meta", *meta     }
    });
    return RG_OK;
}

rg_status WorkerJob::refuse_artifact(const std::string& path, const std::string& why)
{
    const Json fields{
        {"job",  id           },
        {"path", path.substr(0, 200)},
        {"why",      why              }
    };
    say_log(outbox_, "warn", "artifact.refused", fields);
    return RG_REJECTED;
}

rg_status WorkerJob::on_intend(std::string what) { return ask("intend", "what", what); }
rg_status WorkerJob::on_accepted(std::string remote) { return ask("accepted", "remote", remote); }

// Says it and waits until the host has it on disk. There is no time limit of its own: the host
// always answers, and when the host is gone this process ends.
rg_status WorkerJob::ask(const char* type, const char* member, const std::string& text)
{
    const auto content = parsed_object(text);
    if (!content) return RG_REJECTED;
    std::unique_lock lock(mutex_);
    const std::uint64_t n = ++last_number_;
    waiting_.insert(n);
    lock.unlock();
    say(outbox_,
        Json{
            {"type", type    },
            {"job",  id      },
            {"n",    n       },
            {member, *content}
    });
    lock.lock();
    answered_.wait(lock, [&] { return answers_.contains(n); });
    return answers_.extract(n).mapped();
}

void WorkerJob::on_late_call(std::string_view function)
{
    const Json fields{
        {"job",      id      },
        {"function", function}
    };
    say_log(outbox_, "warn", "plugin.late_call", fields);
}

} // namespace reelgate
