#include "host/plugin/worker.hpp"

#include "host/plugin/failure_record.hpp"
#include "host/plugin/frames.hpp"
#include "host/plugin/last_words.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/work_dir.hpp"

#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace reelgate {
namespace {

// A plugin may still hold the job of a run() that has returned; this many are kept for it.
constexpr std::size_t kKeptJobs = 64;

// What can wait for the loading thread: probes and calls, which the host sends one at a time.
constexpr std::size_t kMaxQueuedWork = 64;

constexpr std::size_t kReadBlock = 64 * 1024;

std::string text_of(const Json& frame, const char* member)
{
    const auto found = frame.find(member);
    return found != frame.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string object_text(const Json& frame, const char* member)
{
    const auto found = frame.find(member);
    return found == frame.end() ? "{}"
                                : found->dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::uint64_t number_of(const Json& frame)
{
    const auto found = frame.find("n");
    return found != frame.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

// What a plugin gives as JSON, as JSON; what is none becomes a string, so that nothing is lost.
Json parsed_or_text(const std::string& text)
{
    Json json = Json::parse(text, nullptr, false);
    return json.is_discarded() ? Json(text) : json;
}

rg_status status_of(const Error& error)
{
    switch (error.category) {
    case Category::cancelled:
        return RG_CANCELLED;
    case Category::submit_ambiguous:
        return RG_AMBIGUOUS;
    case Category::provider_overloaded:
        return RG_BUSY;
    case Category::invalid_params:
        return RG_REJECTED;
    default:
        return RG_FAILED;
    }
}

std::uint64_t resident_bytes()
{
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t open_descriptors()
{
    std::error_code unreadable;
    const std::filesystem::directory_iterator descriptors("/proc/self/fd", unreadable);
    return static_cast<std::size_t>(std::distance(begin(descriptors), end(descriptors)));
}

void put_verdict(Json& frame, const Result<Done>& verdict)
{
    frame["status"] = verdict ? rg_status{RG_OK} : status_of(verdict.error());
    if (!verdict) frame["failure"] = parsed_or_text(record_from(verdict.error()));
}

void put_answer(Json& frame, const Result<std::string>& answer)
{
    frame["status"] = answer ? rg_status{RG_OK} : status_of(answer.error());
    if (answer)
        frame["result"] = parsed_or_text(*answer);
    else
        frame["failure"] = parsed_or_text(record_from(answer.error()));
}

} // namespace

// One job: the plugin's calls about it become frames, and `ack` frames wake the call that waits.
class Worker::RunningJob final : JobEar {
public:
    RunningJob(Worker& worker, const Json& frame, bool resumes)
        : id(text_of(frame, "job")), worker_(worker), work_dir_(text_of(frame, "work_dir")),
          remote_(resumes ? std::optional(object_text(frame, "remote")) : std::nullopt),
          face_(*this, object_text(frame, "request"), work_dir_, worker.order_.shape)
    {
    }

    Result<Done> run(const Table& table, void* self)
    {
        Result<Done> verdict =
            remote_ ? table.resume(self, face_.c(), *remote_) : table.run(self, face_.c());
        face_.over();
        return verdict;
    }

    void cancel() { face_.cancel(); }

    void acknowledge(std::uint64_t n, rg_status status)
    {
        const std::lock_guard lock(mutex_);
        if (!waiting_.erase(n)) return;
        answers_[n] = status;
        answered_.notify_all();
    }

    const std::string id;

private:
    void on_progress(ProgressNote note) override { worker_.outbox_.progress(id, std::move(note)); }

    rg_status on_preview(std::string path) override
    {
        if (!open_in_work_dir(work_dir_, {.relative = path})) return RG_REJECTED;
        worker_.outbox_.preview(id, std::move(path));
        return RG_OK;
    }

    rg_status on_artifact(std::string path, std::string meta_json) override
    {
        const Json meta = Json::parse(meta_json.empty() ? "{}" : meta_json, nullptr, false);
        if (!meta.is_object()) return refuse_artifact(path, "its meta is not a JSON object");
        const bool frames = meta.value("role", Json()) == Json("frames");
        const auto opened = open_in_work_dir(work_dir_, {.relative = path, .directory = frames});
        if (!opened) return refuse_artifact(path, opened.error().text);
        worker_.say(Json{
            {"type", "artifact"},
            {"job",  id        },
            {"path", path      },
            {"meta", meta      }
        });
        return RG_OK;
    }

    rg_status refuse_artifact(const std::string& path, const std::string& why)
    {
        const Json fields{
            {"job",  id           },
            {"path", path.substr(0, 200)},
            {"why",      why              }
        };
        worker_.say_log("warn", "artifact.refused", fields);
        return RG_REJECTED;
    }

    rg_status on_intend(std::string what) override { return ask("intend", "what", what); }
    rg_status on_accepted(std::string remote) override { return ask("accepted", "remote", remote); }

    // Says it and waits until the host has it on disk. There is no time limit of its own: the host
    // always answers, and when the host is gone this process ends.
    rg_status ask(const char* type, const char* member, const std::string& text)
    {
        const Json content = Json::parse(text, nullptr, false);
        if (!content.is_object()) return RG_REJECTED;
        std::unique_lock lock(mutex_);
        const std::uint64_t n = ++last_number_;
        waiting_.insert(n);
        lock.unlock();
        worker_.say(Json{
            {"type", type   },
            {"job",  id     },
            {"n",    n      },
            {member, content}
        });
        lock.lock();
        answered_.wait(lock, [&] { return answers_.contains(n); });
        return answers_.extract(n).mapped();
    }

    void on_late_call(std::string_view function) override
    {
        const Json fields{
            {"job",      id      },
            {"function", function}
        };
        worker_.say_log("warn", "plugin.late_call", fields);
    }

    Worker& worker_;
    std::string work_dir_;
    std::optional<std::string> remote_;
    JobFace face_;

    std::mutex mutex_;
    std::condition_variable answered_;
    std::uint64_t last_number_ = 0;
    std::set<std::uint64_t> waiting_;
    std::map<std::uint64_t, rg_status> answers_;
};

Worker::Worker(LaunchOrder order, std::vector<JailMeasure> jail, int wire)
    : order_(std::move(order)), jail_(std::move(jail)), wire_(wire), outbox_(wire)
{
}

int Worker::serve()
{
    writer_ = std::thread([this] {
        const AlternateStack stack;
        outbox_.write_until_closed();
    });
    worker_ = std::thread([this] {
        const AlternateStack stack;
        open_and_say_hello();
        work_until_closed();
    });
    read_frames();
    end_everything();
    return 0;
}

void Worker::open_and_say_hello()
{
    Result<Table> table =
        open_library(order_.library, order_.plugin_name, OnEscape::die, order_.host_minor);
    if (!table) fatal(table.error());
    table_ = *table;
    const Result<std::string> description = table_->describe();
    if (!description)
        fatal(Error(description.error()).while_doing(order_.plugin_name + ": describe"));
    const Json describe = Json::parse(*description, nullptr, false);
    if (!describe.is_object())
        fatal(Error{.category = Category::worker_unavailable,
                    .text = order_.plugin_name + ": describe did not return a JSON object",
                    .code = "bad_description",
                    .phase = Phase::load});

    Json jail = Json::array();
    for (const JailMeasure& m : jail_)
        jail.push_back({
            {"what",    m.what   },
            {"applied", m.applied},
            {"detail",  m.detail }
        });
    say(Json{
        {"type",     "hello"                                                     },
        {"protocol", {kProtocolLowest, kProtocolHighest}                         },
        {"pid",      ::getpid()                                                  },
        {"abi",      {{"major", RG_ABI_MAJOR}, {"minor", table_->plugin_minor()}}},
        {"sdk",      "c"                                                         },
        {"resume",   table_->can_resume()                                        },
        {"jail",     std::move(jail)                                             },
        {"describe", describe                                                    }
    });
}

void Worker::read_frames()
{
    FrameReader reader;
    std::vector<char> block(kReadBlock);
    while (!said_bye_) {
        const ssize_t got = ::recv(wire_, block.data(), block.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        // The host is gone. Nobody wants what runs here, nor what it has started.
        if (got <= 0) ::kill(0, SIGKILL);
        reader.feed({block.data(), static_cast<std::size_t>(got)});
        while (!said_bye_) {
            auto frame = reader.next();
            if (!frame) fatal(frame.error());
            if (!*frame) break;
            handle(**frame);
        }
    }
}

void Worker::handle(const Json& frame)
{
    using Handler = void (*)(Worker&, const Json&);
    static const std::map<std::string, Handler, std::less<>> kHandlers{
        {"ping",    [](Worker& w, const Json& f) { w.say_pong(f); }                       },
        {"run",     [](Worker& w, const Json& f) { w.start_job(f, false); }               },
        {"resume",  [](Worker& w, const Json& f) { w.start_job(f, true); }                },
        {"cancel",  [](Worker& w, const Json& f) { w.cancel_job(text_of(f, "job")); }     },
        {"ack",     [](Worker& w, const Json& f) { w.acknowledge(f); }                    },
        {"create",  [](Worker& w, const Json& f) { w.enqueue([&w, f] { w.create(f); }); } },
        {"probe",   [](Worker& w, const Json& f) { w.enqueue([&w, f] { w.probe(f); }); }  },
        {"abandon", [](Worker& w, const Json& f) { w.enqueue([&w, f] { w.abandon(f); }); }},
        {"call",    [](Worker& w, const Json& f) { w.enqueue([&w, f] { w.call(f); }); }   },
        {"bye",     [](Worker& w, const Json&) { w.said_bye_ = true; }                    },
    };
    // `hello` and `drain` need no answer here; what is unknown belongs to a newer host.
    if (const auto found = kHandlers.find(frame["type"].get_ref<const std::string&>());
        found != kHandlers.end())
        found->second(*this, frame);
}

void Worker::say_pong(const Json& frame)
{
    const std::lock_guard lock(jobs_mutex_);
    say(Json{
        {"type", "pong"          },
        {"n",    number_of(frame)},
        {"rss",  resident_bytes()},
        {"jobs", running_.size() }
    });
}

void Worker::start_job(const Json& frame, bool resumes)
{
    auto job = std::make_shared<RunningJob>(*this, frame, resumes);
    const std::lock_guard lock(jobs_mutex_);
    if (!created_ || job->id.empty() || !running_.emplace(job->id, job).second) {
        Json done{
            {"type", "done" },
            {"job",  job->id}
        };
        put_verdict(done, internal_error("a job came twice, without an id or before `create`"));
        say(done);
        return;
    }
    job_threads_.emplace_back([this, job] {
        const AlternateStack stack;
        name_job_of_thread(job->id);
        run_job(job);
    });
}

void Worker::run_job(const std::shared_ptr<RunningJob>& job)
{
    const Result<Done> verdict = job->run(*table_, self_);
    Json done{
        {"type", "done" },
        {"job",  job->id}
    };
    put_verdict(done, verdict);
    auto frame = encode_frame(done);
    if (!frame) fatal(frame.error());

    outbox_.finish(job->id, *std::move(frame));

    const std::lock_guard lock(jobs_mutex_);
    running_.erase(job->id);
    over_.push_back(job);
    if (over_.size() > kKeptJobs) over_.pop_front();
    // From here on the thread touches nothing but its own stack, so it may go unwaited; one that is
    // not in the list any more is being joined.
    const auto self = std::find_if(job_threads_.begin(), job_threads_.end(), [](const auto& t) {
        return t.get_id() == std::this_thread::get_id();
    });
    if (self == job_threads_.end()) return;
    self->detach();
    job_threads_.erase(self);
}

void Worker::cancel_job(const std::string& id)
{
    const std::lock_guard lock(jobs_mutex_);
    if (const auto job = running_.find(id); job != running_.end()) job->second->cancel();
}

void Worker::acknowledge(const Json& frame)
{
    const std::lock_guard lock(jobs_mutex_);
    const auto job = running_.find(text_of(frame, "job"));
    if (job == running_.end()) return;
    const auto status = frame.find("status");
    const bool given = status != frame.end() && status->is_number_integer();
    job->second->acknowledge(number_of(frame),
                             given ? status->get<rg_status>() : rg_status{RG_FAILED});
}

void Worker::create(const Json& frame)
{
    Json answer{
        {"type", "created"}
    };
    if (created_) {
        put_verdict(answer, internal_error("`create` came twice"));
        return say(answer);
    }
    const std::string data_dir = text_of(frame, "data_dir");
    const std::string cache_dir = text_of(frame, "cache_dir");
    HostEar& ear = *this;
    host_ = std::make_unique<HostFace>(ear, data_dir, cache_dir, order_.shape);
    const std::string config = object_text(frame, "config");
    if (order_.cycles > 0) answer["cycles"] = cycle(config);
    const Result<void*> self = table_->create(host_->c(), config);
    if (self) {
        self_ = *self;
        created_ = true;
        put_verdict(answer, Done{});
    } else {
        put_verdict(answer, self.error());
    }
    say(answer);
}

// Creates and destroys instances and notes what each round left behind: memory in bytes,
// descriptors.
Json Worker::cycle(const std::string& config)
{
    Json rounds = Json::array();
    for (unsigned i = 0; i < order_.cycles; ++i) {
        const Result<void*> self = table_->create(host_->c(), config);
        if (!self) break; // the create that follows says why
        table_->destroy(*self);
        rounds.push_back({
            {"rss",         resident_bytes()  },
            {"descriptors", open_descriptors()}
        });
    }
    return rounds;
}

void Worker::probe(const Json& frame)
{
    Json answer{
        {"type", "probed"        },
        {"n",    number_of(frame)}
    };
    if (created_)
        put_answer(answer, table_->probe(self_));
    else
        put_answer(answer, internal_error("`probe` came before `create`"));
    say(answer);
}

void Worker::abandon(const Json& frame)
{
    Json answer{
        {"type",         "abandoned"},
        { "job", text_of(frame,      "job")}
    };
    put_answer(answer, table_->abandon(self_, object_text(frame, "remote")));
    say(answer);
}

void Worker::call(const Json& frame)
{
    const auto arguments = frame.find("arguments");
    const bool is_text = arguments != frame.end() && arguments->is_string();
    const std::string text =
        is_text ? arguments->get<std::string>() : object_text(frame, "arguments");
    Json answer{
        {"type", "called"        },
        {"n",    number_of(frame)}
    };
    put_answer(answer,
               table_->call(self_,
                            text_of(frame, "extension"),
                            text_of(frame, "function"),
                            text_of(frame, "name"),
                            text));
    say(answer);
}

void Worker::enqueue(Work work)
{
    const std::lock_guard lock(work_mutex_);
    if (work_.size() >= kMaxQueuedWork)
        return; // the host's own clocks notice what stays unanswered
    work_.push_back(std::move(work));
    work_ready_.notify_one();
}

void Worker::work_until_closed()
{
    std::unique_lock lock(work_mutex_);
    while (true) {
        work_ready_.wait(lock, [&] { return work_closed_ || !work_.empty(); });
        if (work_.empty()) return;
        const Work work = std::move(work_.front());
        work_.pop_front();
        lock.unlock();
        work();
        lock.lock();
    }
}

// After `bye`: what runs is cancelled and waited for, the instance is destroyed, the last frames
// leave. A plugin that does not come back from this is the host's to kill.
void Worker::end_everything()
{
    std::unique_lock jobs(jobs_mutex_);
    for (const auto& [id, job] : running_)
        job->cancel();
    std::list<std::thread> threads = std::exchange(job_threads_, {});
    jobs.unlock();
    for (std::thread& thread : threads)
        thread.join();

    enqueue([this] {
        if (created_) table_->destroy(self_);
    });
    {
        const std::lock_guard lock(work_mutex_);
        work_closed_ = true;
        work_ready_.notify_one();
    }
    worker_.join();
    outbox_.close();
    writer_.join();
}

void Worker::on_log(rg_level level, std::string event, std::string fields_json)
{
    constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};
    say_log(kLevels[level], event, parsed_or_text(fields_json.empty() ? "{}" : fields_json));
}

void Worker::say(const Json& frame)
{
    if (auto bytes = encode_frame(frame)) outbox_.say(*std::move(bytes));
}

void Worker::say_log(std::string_view level, std::string_view event, const Json& fields)
{
    const Json frame{
        {"type",   "log" },
        {"level",  level },
        {"event",  event },
        {"fields", fields}
    };
    if (auto bytes = encode_frame(frame)) outbox_.log(*std::move(bytes));
}

// The reason goes out past whatever is queued: nobody needs the rest.
void Worker::fatal(const Error& error)
{
    const Json frame{
        {"type",     "fatal"                  },
        {"category", to_string(error.category)},
        {"code",     error.code               },
        {"text",     error.text               },
        {"hint",     error.hint               }
    };
    if (auto bytes = encode_frame(frame)) outbox_.say(*std::move(bytes));
    outbox_.close();
    if (writer_.joinable()) writer_.join();
    ::_exit(1);
}

} // namespace reelgate
