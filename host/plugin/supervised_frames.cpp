// What SupervisedProvider makes of each frame of a worker. Every member is looked at as if it came
// from the network; what is unknown is ignored, what is wrong is logged and costs the attempt it
// names.
#include "host/plugin/frame_members.hpp"
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

// Each asks for a write to the disk, and whoever asks waits for the answer: so many threads no
// plugin has.
constexpr std::size_t kMaxUnanswered = 64;

// A plugin's own words in our log are cut to this.
constexpr std::size_t kMaxLoggedFields = 4096;

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
        {"pong",      [](auto& p, const auto&,      const Json& f) { p.on_pong(f); }               },
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
    tell_losses(false);
    if (handshake_ == Handshake::over) return;
    const std::string& type = frame["type"].get_ref<const std::string&>();
    if (const auto taken = take_frame(handshake_, type); !taken)
        return on_wire_broken(taken.error());
    if (const auto found = handlers.find(type); found != handlers.end())
        found->second(*this, type, frame);
}

void SupervisedProvider::on_pong(const Json& frame)
{
    const std::uint64_t n = number_of(frame);
    const bool asked_for = asking_.answered("pong", frame);
    if (supervise::awaits_pong(state_, n))
        apply(supervise::Ponged{n});
    else if (!asked_for)
        misbehaved("pong", "answers no ping that waits for an answer");
    // It comes every few seconds whatever a job says: what was held waits no longer than that.
    for (const auto& [id, attempt] : attempts_)
        deliver_held(*attempt, false);
}

void SupervisedProvider::on_job_frame(const std::string& type, const Json& frame)
{
    const std::string id = text_of(frame, "job");
    if (id.size() > kMaxJobId) return misbehaved(type, "names a job at too great a length");
    const auto found = attempts_.find(id);
    if (found == attempts_.end()) return on_unheard(type, id, frame);
    const std::shared_ptr<RunningAttempt> attempt = found->second;
    if (type == "progress") return on_progress(*attempt, frame);
    if (type == "preview") return on_preview(*attempt, frame);
    apply(supervise::SignOfLife{id});
    if (type == "artifact") return on_artifact(*attempt, frame);
    if (type == "done") return on_done(id, *attempt, frame);
    on_durable(attempt, type, frame);
}

// Nobody listens: whoever waited has left, it is late, or the job never was. A job that runs has
// its end and its answers all the same, or its worker would be held to disobey.
void SupervisedProvider::on_unheard(const std::string& type,
                                    const std::string& id,
                                    const Json& frame)
{
    const bool durable = type == "intend" || type == "accepted";
    if (!state_.jobs.contains(id)) {
        if (durable) misbehaved(type, "is about a job that does not run");
        return;
    }
    if (type == "done") apply(supervise::JobDone{id});
    // Nobody is left to write it down.
    if (durable) ack_of(frame)(type == "intend" ? RG_CANCELLED : RG_FAILED);
}

// What does not get by is no sign of life either; what does get by, several times a second, is.
void SupervisedProvider::on_progress(RunningAttempt& attempt, const Json& frame)
{
    attempt.held_progress = note_from(frame);
    deliver_held(attempt, false);
    if (!attempt.held_progress) apply(supervise::SignOfLife{text_of(frame, "job")});
}

void SupervisedProvider::on_preview(RunningAttempt& attempt, const Json& frame)
{
    attempt.held_preview = text_of(frame, "path");
    deliver_held(attempt, false);
    if (!attempt.held_preview) apply(supervise::SignOfLife{text_of(frame, "job")});
}

void SupervisedProvider::deliver_held(RunningAttempt& attempt, bool all)
{
    const SteadyTime now = clock_.now();
    if (attempt.held_progress && (all || attempt.progress.take(now)))
        attempt.listener.on_progress(*std::exchange(attempt.held_progress, std::nullopt));
    if (!attempt.held_preview || (!all && !attempt.previews.take(now))) return;
    const std::string path = *std::exchange(attempt.held_preview, std::nullopt);
    if (open_in_work_dir(attempt.work_dir, {.relative = path})) attempt.listener.on_preview(path);
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

// Answers an `intend` or `accepted` frame, for which the plugin waits; not to the worker after it.
Ack SupervisedProvider::ack_of(const Json& frame)
{
    return [this, life = starts_, job = text_of(frame, "job"), n = integer_of(frame, "n", 0)](
               rg_status status) {
        const Json answer{
            {"type",   "ack" },
            {"job",    job   },
            {"n",      n     },
            {"status", status}
        };
        if (child_ && starts_ == life) child_->send(answer);
    };
}

// The answer comes when the listener has it on disk, or at once with a failure: when the frame
// cannot be understood, and to an intent after the cancel, because nothing that costs money may
// start then. What was accepted is taken at any time: it exists.
void SupervisedProvider::on_durable(const std::shared_ptr<RunningAttempt>& attempt,
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
    if (++attempt->unanswered > kMaxUnanswered)
        return on_wire_broken(Error{.category = Category::plugin_crashed,
                                    .text = "the worker asks and does not wait for the answers",
                                    .code = "protocol_violation",
                                    .phase = Phase::run});
    Ack counted = [attempt, ack = std::move(ack)](rg_status status) {
        --attempt->unanswered;
        ack(status);
    };
    if (intends)
        attempt->listener.on_intend(json_text(*content), std::move(counted));
    else
        attempt->listener.on_accepted(json_text(*content), std::move(counted));
}

void SupervisedProvider::on_done(const std::string& id, RunningAttempt& attempt, const Json& frame)
{
    deliver_held(attempt, true);
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
    if (event == "plugin.late_call") ++late_calls_;
    if (!floodgate_.let_by(Floodgate::Kind::log_line, clock_.now())) return;
    const std::string fields = json_of(frame, "fields").substr(0, kMaxLoggedFields);
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
    if (!floodgate_.let_by(Floodgate::Kind::complaint, clock_.now())) return;
    log_.write(Event::worker_misbehaved,
               {
                   {"provider",         settings_.id},
                   {      "what",              what            },
                   { "text", shortened(detail,             kMaxLoggedFields)}
    });
}

void SupervisedProvider::tell_losses(bool all)
{
    const auto losses = floodgate_.losses(clock_.now(), all);
    if (!losses) return;
    log_.write(Event::worker_misbehaved,
               {
                   {"provider", settings_.id},
                   {"what",     "flood"     },
                   {"text",     *losses     }
    });
    output_.note(*losses, clock_.wall());
}

} // namespace reelgate
