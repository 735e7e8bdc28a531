// A worker spoken to frame by frame.
#include "host/plugin/request_json.hpp"
#include "sdk/conformance/subject.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace reelgate::conformance {

namespace fs = std::filesystem;

RawWorker::RawWorker(Subject& subject, const ProviderSettings& settings)
    : stage(subject), subject_(subject), settings_(settings)
{
}

RawWorker::~RawWorker()
{
    if (!child) return;
    child->kill();
    gone_within(kCaseLimit);
    struct Joined {};
    auto joining = [](ChildProcess& process) -> asio::awaitable<Joined> {
        co_await process.join();
        co_return Joined{};
    };
    stage.wait(joining(*child));
}

Result<Done> RawWorker::start()
{
    LaunchOrder order = launch_order_for(*subject_.manifest, settings_);
    RG_TRY(child,
           ChildProcess::start(stage.loop.get_executor(),
                               subject_.options.programs / "reelgate-worker",
                               order,
                               settings_.environment,
                               output,
                               *this));
    return Done{};
}

Result<Done> RawWorker::await_hello()
{
    if (const auto started = start(); !started) return started.error();
    auto frame = next("hello", kOpenLimit);
    if (!frame)
        return internal_error(
            end().value_or("it said no hello within " + std::to_string(kOpenLimit / 1s) + " s"));
    hello = *std::move(frame);
    return Done{};
}

void RawWorker::create(const Json& config)
{
    send(Json{
        {"type",      "create"                    },
        {"config",    config                      },
        {"data_dir",  settings_.data_dir.string() },
        {"cache_dir", settings_.cache_dir.string()}
    });
}

Result<Done> RawWorker::open()
{
    if (const auto ready = await_hello(); !ready) return ready.error();
    create(subject_.whole_config());
    const auto created = next("created", kOpenLimit);
    if (created && created->value("status", Json()) == Json(RG_OK)) return Done{};
    return internal_error(end().value_or("it could not be created"));
}

Json RawWorker::attempt(const char* type, const std::string& job, const Request& request)
{
    const AttemptFacts facts{.id = job, .deadline = kCaseLimit, .idempotency_key = job};
    const fs::path work_dir = subject_.new_dir("runs/work");
    fs::create_directories(work_dir / "inputs");
    return Json{
        {"type",    type                       },
        {"job",     job                        },
        {"request", Json::parse(to_json(request, facts))},
        {"work_dir",         work_dir.string()                          }
    };
}

void RawWorker::begin(const std::string& job, const Request& request)
{
    send(attempt("run", job, request));
}

void RawWorker::resume(const std::string& job, const Request& request, const Json& remote)
{
    Json frame = attempt("resume", job, request);
    frame["remote"] = remote;
    send(frame);
}

void RawWorker::answer(const Json& frame, rg_status status)
{
    send(Json{
        {"type",   "ack"            },
        {"job",    frame.value("job", Json())},
        {"n",        frame.value("n",                       Json())},
        {"status", status}
    });
}

void RawWorker::cancel(const std::string& job)
{
    cancelled_.insert(job);
    send(Json{
        {"type", "cancel"},
        {"job",  job     }
    });
}

void RawWorker::send(const Json& frame) { child->send(frame); }

// After a cancel the answer to an intent is no, as the daemon's would be.
void RawWorker::on_frame(const Json& frame)
{
    frames_.push_back(frame);
    const Json type = frame["type"];
    if (!answers || (type != "intend" && type != "accepted")) return;
    const Json job = frame.value("job", Json());
    const bool is_cancelled = job.is_string() && cancelled_.contains(job.get<std::string>());
    answer(frame, type == "intend" && is_cancelled ? RG_CANCELLED : RG_OK);
}

std::optional<Json> RawWorker::next(std::string_view type, std::chrono::milliseconds limit)
{
    const auto found = [&] {
        return std::find_if(
            frames_.begin(), frames_.end(), [&](const Json& f) { return f["type"] == type; });
    };
    stage.turn_until([&] { return exit || found() != frames_.end(); }, limit);
    const auto frame = found();
    if (frame == frames_.end()) return std::nullopt;
    Json taken = std::move(*frame);
    frames_.erase(frame);
    return taken;
}

std::optional<std::string> RawWorker::end()
{
    if (const auto fatal = next("fatal", 0ms)) {
        const auto member = [&](const char* name) {
            const Json text = fatal->value(name, Json());
            return text.is_string() ? text.get<std::string>() : std::string("?");
        };
        return member("text") + " (" + member("code") + ")";
    }
    if (broken) return broken->sentence();
    if (exit) return "it " + exit->sentence();
    return std::nullopt;
}

bool RawWorker::gone_within(std::chrono::milliseconds limit)
{
    return stage.turn_until([&] { return exit.has_value(); }, limit);
}

} // namespace reelgate::conformance
