// What SupervisedProvider makes of each frame of a worker. Every member is looked at as if it came
// from the network; what is unknown is ignored, what is wrong is logged and costs the attempt it
// names.
#include "host/plugin/config_check.hpp"
#include "host/plugin/frame_members.hpp"
#include "host/plugin/frames.hpp"
#include "host/plugin/supervised_state.hpp"
#include "host/plugin/work_dir.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

// One attempt makes a film, a thumbnail, a sound track; a plugin that offers more is out of its
// mind.
constexpr std::size_t kMaxArtifacts = 256;

// A plugin's own words in our log are cut to this.
constexpr std::size_t kMaxLoggedFields = 4096;

Error refusal(std::string text, std::string code, std::string hint)
{
    return Error{.category = Category::worker_unavailable,
                 .text = std::move(text),
                 .code = std::move(code),
                 .hint = std::move(hint),
                 .phase = Phase::load};
}

Result<Done> speaks_our_protocol(const Json& hello, const std::string& who)
{
    const auto range = hello.find("protocol");
    const bool shaped = range != hello.end() && range->is_array() && range->size() == 2 &&
                        (*range)[0].is_number_integer() && (*range)[1].is_number_integer();
    if (!shaped)
        return refusal(who + ": its hello names no protocol", "bad_hello", "see the plugin guide");
    const auto lowest = (*range)[0].get<std::int64_t>();
    const auto highest = (*range)[1].get<std::int64_t>();
    const std::string sides = who + " speaks worker protocol " + std::to_string(lowest) + " to " +
                              std::to_string(highest) + ", this is " +
                              std::to_string(kProtocolLowest) + " to " +
                              std::to_string(kProtocolHighest);
    if (lowest > kProtocolHighest) return refusal(sides, "protocol_too_new", "update Reelgate");
    if (highest < kProtocolLowest) return refusal(sides, "protocol_too_old", "update the plugin");
    return Done{};
}

ProgressNote note_from(const Json& frame)
{
    const std::string source = text_of(frame, "source");
    ProgressNote note;
    if (source == "measured") note.source = RG_MEASURED;
    if (source == "estimated") note.source = RG_ESTIMATED;
    note.value = std::clamp(real_of(frame, "value"), 0.0, 1.0);
    const auto count = [&](const char* member) {
        return static_cast<std::uint32_t>(
            std::clamp<std::int64_t>(integer_of(frame, member, 0), 0, UINT32_MAX));
    };
    note.step = count("step");
    note.steps = count("steps");
    note.stage = text_of(frame, "stage").substr(0, 256);
    return note;
}

} // namespace

void SupervisedProvider::on_frame(const Json& frame)
{
    using Handler = void (*)(SupervisedProvider&, const std::string&, const Json&);
    static const std::map<std::string, Handler, std::less<>> handlers{
        {"hello",     [](auto& p, const auto&,      const Json& f) { p.on_hello(f); }              },
        {"created",   [](auto& p, const auto&,      const Json& f) { p.on_created(f); }            },
        {"fatal",     [](auto& p, const auto&,      const Json& f) { p.on_fatal(f); }              },
        {"log",       [](auto& p, const auto&,      const Json& f) { p.on_log_frame(f); }          },
        {"pong",
         [](auto& p,              const auto& type, const Json& f) {
             p.apply(supervise::Ponged{});
             p.asking_.answered(type, f);
         }                                      },
        {"probed",    [](auto& p, const auto& type, const Json& f) { p.asking_.answered(type, f); }},
        {"called",    [](auto& p, const auto& type, const Json& f) { p.asking_.answered(type, f); }},
        {"abandoned",
         [](auto& p,              const auto& type, const Json& f) { p.asking_.answered(type, f); }},
        {"progress",  [](auto& p, const auto& type, const Json& f) { p.on_job_frame(type, f); }    },
        {"preview",   [](auto& p, const auto& type, const Json& f) { p.on_job_frame(type, f); }    },
        {"artifact",  [](auto& p, const auto& type, const Json& f) { p.on_job_frame(type, f); }    },
        {"intend",    [](auto& p, const auto& type, const Json& f) { p.on_job_frame(type, f); }    },
        {"accepted",  [](auto& p, const auto& type, const Json& f) { p.on_job_frame(type, f); }    },
        {"done",      [](auto& p, const auto& type, const Json& f) { p.on_job_frame(type, f); }    },
    };
    const std::string& type = frame["type"].get_ref<const std::string&>();
    if (const auto found = handlers.find(type); found != handlers.end())
        found->second(*this, type, frame);
}

void SupervisedProvider::on_hello(const Json& frame)
{
    // A second one would create a second instance behind the back of the attempts that run.
    if (std::exchange(greeted_, true))
        return on_wire_broken(Error{.category = Category::plugin_crashed,
                                    .text = "the worker said hello twice",
                                    .code = "protocol_violation",
                                    .phase = Phase::run});
    if (state_.life != supervise::Life::starting) return;
    const std::string who = manifest_.id + ' ' + manifest_.version;
    const auto refuse = [&](const Error& why) {
        last_failure_ = why;
        log_.write(Event::plugin_refused,
                   {
                       {"provider", settings_.id  },
                       {"text",     why.sentence()}
        });
        apply(supervise::Fatal{why.text});
    };
    if (const auto speaks = speaks_our_protocol(frame, who); !speaks) return refuse(speaks.error());
    auto description = checked_description(json_of(frame, "describe"), manifest_);
    if (!description) return refuse(description.error());
    const auto config = checked_config(*description, settings_.config_json);
    description_ = *std::move(description);
    if (!config) return refuse(config.error());
    settings_.limits.silent_for = settings_.silent_for.value_or(description_->silent_for);
    settings_.limits.cancel_within = settings_.cancel_within.value_or(description_->cancel_within);

    jail_.clear();
    if (const auto jail = frame.find("jail"); jail != frame.end() && jail->is_array())
        for (const Json& m : *jail)
            if (m.is_object())
                jail_.push_back({text_of(m, "what"),
                                 m.value("applied", Json(false)) == Json(true),
                                 text_of(m, "detail")});

    child_->send(Json{
        {"type",     "hello"                                                              },
        {"protocol", kProtocolHighest                                                     },
        {"features", Json::array()                                                        },
        {"host",     {{"abi", {{"major", RG_ABI_MAJOR}, {"minor", settings_.host_minor}}}}},
        {"limits",   {{"frame", kMaxFrame}}                                               }
    });
    child_->send(Json{
        {"type",                       "create"             },
        {"config",                     Json::parse(*config,   nullptr, false)},
        {"data_dir",                      settings_.data_dir.string()                                          },
        {"cache_dir",settings_.cache_dir.string()}
    });
}

void SupervisedProvider::on_created(const Json& frame)
{
    if (state_.life != supervise::Life::starting) return;
    if (status_of(frame) != RG_OK) {
        Error why = failure_in(frame, Phase::load);
        if (why.code.empty()) why.code = "create_failed";
        last_failure_ = why;
        log_.write(Event::plugin_refused,
                   {
                       {"provider", settings_.id  },
                       {"text",     why.sentence()}
        });
        return apply(supervise::Fatal{why.text});
    }
    last_failure_.reset();
    log_.write(Event::worker_ready,
               {
                   {"provider", settings_.id}
    });
    apply(supervise::Created{});
}

void SupervisedProvider::on_fatal(const Json& frame)
{
    const auto category = category_from(text_of(frame, "category"));
    const Error why{.category = category.value_or(Category::worker_unavailable),
                    .text = text_of(frame, "text"),
                    .code = text_of(frame, "code"),
                    .hint = text_of(frame, "hint"),
                    .phase = Phase::load};
    if (state_.life == supervise::Life::starting) {
        last_failure_ = why;
        log_.write(Event::plugin_refused,
                   {
                       {"provider", settings_.id  },
                       {"text",     why.sentence()}
        });
    }
    apply(supervise::Fatal{why.text});
}

void SupervisedProvider::on_job_frame(const std::string& type, const Json& frame)
{
    const std::string id = text_of(frame, "job");
    const auto found = attempts_.find(id);
    // Late, or invented: the attempt has its verdict, nobody listens any more, or it never was.
    if (found == attempts_.end()) return refuse_durable(type, frame);
    const std::shared_ptr<RunningAttempt> attempt = found->second;
    apply(supervise::SignOfLife{id});
    if (type == "progress") return attempt->listener.on_progress(note_from(frame));
    if (type == "preview") {
        const std::string path = text_of(frame, "path");
        if (open_in_work_dir(attempt->work_dir, {.relative = path}))
            attempt->listener.on_preview(path);
        return;
    }
    if (type == "artifact") return on_artifact(*attempt, frame);
    if (type == "done") return on_done(id, *attempt, frame);
    on_durable(*attempt, type, frame);
}

void SupervisedProvider::on_artifact(RunningAttempt& attempt, const Json& frame)
{
    const auto meta = frame.find("meta");
    ArtifactOffer offer{
        .path = text_of(frame, "path"), .role = "video", .mime = {}, .meta_json = "{}"};
    if (meta != frame.end() && meta->is_object()) {
        offer.meta_json = json_text(*meta);
        offer.mime = text_of(*meta, "mime");
        if (const std::string role = text_of(*meta, "role"); !role.empty()) offer.role = role;
    }
    const bool directory = offer.role == "frames";
    const auto opened =
        open_in_work_dir(attempt.work_dir, {.relative = offer.path, .directory = directory});
    if (!opened || ++attempt.artifacts > kMaxArtifacts) {
        attempt.spoiled = opened ? Error{.category = Category::output_invalid,
                                         .text = "the plugin offered more artifacts than " +
                                                 std::to_string(kMaxArtifacts),
                                         .code = "too_many_artifacts",
                                         .phase = Phase::verify}
                                 : opened.error();
        return misbehaved("artifact", attempt.spoiled->text);
    }
    attempt.listener.on_artifact(offer);
}

// Answers an `intend` or `accepted` frame, for which the plugin waits.
Ack SupervisedProvider::ack_of(const Json& frame)
{
    return [this, job = text_of(frame, "job"), n = integer_of(frame, "n", 0)](rg_status status) {
        const Json answer{
            {"type",   "ack" },
            {"job",    job   },
            {"n",      n     },
            {"status", status}
        };
        if (child_) child_->send(answer);
    };
}

// Nobody is left to write it down.
void SupervisedProvider::refuse_durable(const std::string& type, const Json& frame)
{
    if (type == "intend") ack_of(frame)(RG_CANCELLED);
    if (type == "accepted") ack_of(frame)(RG_FAILED);
}

// The answer comes when the listener has it on disk, or at once with a failure: when the frame
// cannot be understood, and to an intent after the cancel, because nothing that costs money may
// start then. What was accepted is taken at any time: it exists.
void SupervisedProvider::on_durable(RunningAttempt& attempt,
                                    const std::string& type,
                                    const Json& frame)
{
    Ack ack = ack_of(frame);
    const bool intends = type == "intend";
    const auto clock = state_.jobs.find(text_of(frame, "job"));
    if (intends && clock != state_.jobs.end() && clock->second.cancel_sent)
        return ack(RG_CANCELLED);
    const auto content = frame.find(intends ? "what" : "remote");
    if (content == frame.end() || !content->is_object()) {
        misbehaved(type, "without an object");
        return ack(RG_REJECTED);
    }
    if (intends)
        attempt.listener.on_intend(json_text(*content), std::move(ack));
    else
        attempt.listener.on_accepted(json_text(*content), std::move(ack));
}

void SupervisedProvider::on_done(const std::string& id, RunningAttempt& attempt, const Json& frame)
{
    Result<Done> verdict = Done{};
    if (status_of(frame) != RG_OK)
        verdict = failure_in(frame, Phase::run);
    else if (attempt.spoiled)
        verdict = *attempt.spoiled;
    // A cancel that came of silence is a stall, whatever the plugin calls it.
    const auto clock = state_.jobs.find(id);
    if (clock != state_.jobs.end() && clock->second.stalled && !verdict)
        verdict = Error{.category = Category::timeout,
                        .text = manifest_.id + " gave no sign of life and was cancelled",
                        .code = "run_stalled",
                        .hint = "raise silent_for if its steps really take this long",
                        .phase = Phase::run};
    settle(id, std::move(verdict));
    apply(supervise::JobDone{id});
}

void SupervisedProvider::on_log_frame(const Json& frame)
{
    const std::string level = text_of(frame, "level");
    const std::string event = text_of(frame, "event").substr(0, 256);
    const std::string fields = json_of(frame, "fields").substr(0, kMaxLoggedFields);
    if (event == "plugin.late_call") ++late_calls_;
    const Level known = level == "error"  ? Level::error
                        : level == "warn" ? Level::warn
                        : level == "info" ? Level::info
                                          : Level::debug;
    log_.write(Event::plugin_log,
               known,
               {
                   {"provider", settings_.id},
                   {"said",     event       },
                   {"fields",   fields      }
    });
    output_.note(level + ' ' + event + ' ' + fields, clock_.wall());
    // A line names no job, so it is a sign of life only where it can be of one job alone.
    if (attempts_.size() == 1) apply(supervise::SignOfLife{attempts_.begin()->first});
}

void SupervisedProvider::misbehaved(std::string_view what, std::string_view detail)
{
    log_.write(Event::worker_misbehaved,
               {
                   {"provider", settings_.id},
                   {"what",     what        },
                   {"text",     detail      }
    });
}

} // namespace reelgate
