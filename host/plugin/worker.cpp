#include "host/plugin/worker.hpp"

#include "host/base/resident.hpp"
#include "host/plugin/frame_members.hpp"
#include "host/plugin/frames.hpp"
#include "host/plugin/last_words.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/worker_wire.hpp"

#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

namespace reelgate {
namespace {

// A plugin may still hold the job of a run() that has returned; this many are kept for it.
constexpr std::size_t kKeptJobs = 64;

// What can wait for the loading thread: probes and calls, which the host sends one at a time.
constexpr std::size_t kMaxQueuedWork = 64;

constexpr std::size_t kReadBlock = 64 * 1024;

std::size_t open_descriptors()
{
    std::error_code unreadable;
    const std::filesystem::directory_iterator descriptors("/proc/self/fd", unreadable);
    return static_cast<std::size_t>(std::distance(begin(descriptors), end(descriptors)));
}

void say_never_began(Outbox& outbox, const std::string& job, const Error& why)
{
    Json done{
        {"type", "done"},
        {"job",  job   }
    };
    put_verdict(done, why);
    say(outbox, done);
}

} // namespace

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
    const auto describe = parsed_object(*description);
    if (!describe) fatal(bad_description("did not return a JSON object: " + describe.error().text));

    Json jail = Json::array();
    for (const JailMeasure& m : jail_)
        jail.push_back({
            {"what",    m.what   },
            {"applied", m.applied},
            {"detail",  m.detail }
        });
    auto hello = encode_frame(Json{
        {"type",     "hello"                                                     },
        {"protocol", {kProtocolLowest, kProtocolHighest}                         },
        {"pid",      ::getpid()                                                  },
        {"abi",      {{"major", RG_ABI_MAJOR}, {"minor", table_->plugin_minor()}}},
        {"sdk",      "c"                                                         },
        {"resume",   table_->can_resume()                                        },
        {"jail",     std::move(jail)                                             },
        {"describe", *describe                                                   }
    });
    if (!hello) fatal(bad_description("returned too much: " + hello.error().text));
    outbox_.say(*std::move(hello));
}

Error Worker::bad_description(const std::string& what) const
{
    return Error{.category = Category::worker_unavailable,
                 .text = order_.plugin_name + ": describe " + what,
                 .code = "bad_description",
                 .phase = Phase::load};
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
    static const std::map<std::string, Handler, std::less<>> handlers{
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
    if (const auto found = handlers.find(frame["type"].get_ref<const std::string&>());
        found != handlers.end())
        found->second(*this, frame);
}

void Worker::say_pong(const Json& frame)
{
    const std::lock_guard lock(jobs_mutex_);
    say(outbox_,
        Json{
            {"type", "pong"          },
            {"n",    number_of(frame)},
            {"rss",  resident_bytes()},
            {"jobs", running_.size() }
    });
}

void Worker::start_job(const Json& frame, bool resumes)
{
    auto job = std::make_shared<WorkerJob>(outbox_, frame, resumes, order_.shape);
    const std::lock_guard lock(jobs_mutex_);
    if (!created_ || job->id.empty() || !running_.emplace(job->id, job).second)
        return say_never_began(
            outbox_, job->id, internal_error("a job came twice, without an id or before `create`"));
    try {
        job_threads_.emplace_back([this, job] {
            const AlternateStack stack;
            name_job_of_thread(job->id);
            run_job(job);
        });
    } catch (const std::system_error& none) { // no room for a stack: its neighbours go on
        running_.erase(job->id);
        say_never_began(outbox_,
                        job->id,
                        Error{.category = Category::unknown,
                              .text = std::string("there is no thread for the job: ") + none.what(),
                              .code = "host_memory",
                              .phase = Phase::load});
    }
}

void Worker::run_job(const std::shared_ptr<WorkerJob>& job)
{
    const Result<Done> verdict = job->run(*table_, self_);
    Json done{
        {"type", "done" },
        {"job",  job->id}
    };
    put_verdict(done, verdict);
    auto frame = encode_frame(done);
    if (!frame) fatal(frame.error());

    // Once the host has the verdict it may send the same name again: it is free before.
    std::unique_lock lock(jobs_mutex_);
    running_.erase(job->id);
    over_.push_back(job);
    if (over_.size() > kKeptJobs) over_.pop_front();
    lock.unlock();
    outbox_.finish(job->id, *std::move(frame));

    lock.lock();
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
        return say(outbox_, answer);
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
    say(outbox_, answer);
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
    const Json answer{
        {"type", "probed"        },
        {"n",    number_of(frame)}
    };
    ask(answer, "probe", [this] { return table_->probe(self_); });
}

void Worker::abandon(const Json& frame)
{
    const Json answer{
        {"type",         "abandoned"},
        { "job", text_of(frame,      "job")}
    };
    ask(answer, "abandon", [&] { return table_->abandon(self_, object_text(frame, "remote")); });
}

void Worker::call(const Json& frame)
{
    const auto arguments = frame.find("arguments");
    const bool is_text = arguments != frame.end() && arguments->is_string();
    const std::string text =
        is_text ? arguments->get<std::string>() : object_text(frame, "arguments");
    const Json answer{
        {"type", "called"        },
        {"n",    number_of(frame)}
    };
    ask(answer, "call", [&] {
        return table_->call(self_,
                            text_of(frame, "extension"),
                            text_of(frame, "function"),
                            text_of(frame, "name"),
                            text);
    });
}

// Without an instance there is nothing to ask, and the plugin must not see a null one.
void Worker::ask(const Json& answer,
                 std::string_view what,
                 const std::function<Result<std::string>()>& question)
{
    if (created_) return say_answer(outbox_, answer, question());
    const std::string why = '`' + std::string(what) + "` came before `create`";
    say_answer(outbox_, answer, internal_error(why));
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
    say_log(
        outbox_, kLevels[level], event, parsed_or_text(fields_json.empty() ? "{}" : fields_json));
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
