#include "host/api/wire.hpp"

#include "host/model/file_type.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace reelgate::api {
namespace {

using Json = nlohmann::ordered_json;

std::string_view type_of(unsigned status)
{
    if (status == 429) return "rate_limit_error";
    return status >= 500 ? "server_error" : "invalid_request_error";
}

struct CodeRow {
    std::string_view code;  // ours
    std::string_view told;  // what clients know
    std::string_view param; // the field at fault
    unsigned status;        // 0: the category's
};

// clang-format off
constexpr std::array kCodes{
    CodeRow{"size_unsupported",       "unsupported_capability", "size",                  0},
    CodeRow{"frames_unsupported",     "unsupported_capability", "num_frames",            0},
    CodeRow{"duration_unsupported",   "unsupported_capability", "seconds",               0},
    CodeRow{"fps_unsupported",        "unsupported_capability", "fps",                   0},
    CodeRow{"steps_unsupported",      "unsupported_capability", "num_inference_steps",   0},
    CodeRow{"guidance_unsupported",   "unsupported_capability", "guidance_scale",        0},
    CodeRow{"seed_unsupported",       "unsupported_capability", "seed",                  0},
    CodeRow{"audio_unsupported",      "unsupported_capability", "generate_sound",        0},
    CodeRow{"task_unsupported",       "unsupported_capability", "",                      0},
    CodeRow{"input_unsupported",      "unsupported_capability", "input_reference",       0},
    CodeRow{"unknown_chain",          "invalid_value",          "route",               400},
    CodeRow{"idempotency_key_reused", "idempotency_key_reused", "",                    400},
    CodeRow{"video_expired",          "video_expired",          "",                    404},
    CodeRow{"queue_full",             "queue_full",             "",                    429},
    CodeRow{"media_stopped",          "shutting_down",          "",                    503},
    CodeRow{"shutting_down",          "shutting_down",          "",                    503},
    CodeRow{"already_final",          "unsupported_operation",  "",                    400},
    CodeRow{"not_ambiguous",          "unsupported_operation",  "",                    400},
};
// clang-format on

const CodeRow* row_of(std::string_view code)
{
    const auto* const found = std::find_if(
        kCodes.begin(), kCodes.end(), [&](const CodeRow& row) { return row.code == code; });
    return found == kCodes.end() ? nullptr : found;
}

std::string_view told_code(const Error& error)
{
    switch (error.category) {
    case Category::invalid_params:
        return "invalid_value";
    case Category::not_found:
        return "video_not_found";
    case Category::worker_unavailable:
        return "no_backend_available";
    case Category::timeout:
        return "upstream_timeout";
    case Category::rate_limited:
        return "rate_limit_exceeded";
    case Category::internal:
        return "internal_error";
    default:
        return to_string(error.category);
    }
}

// What `/v1/videos` calls a state.
std::string_view status_word(JobState state)
{
    switch (state) {
    case JobState::queued:
    case JobState::submitting:
        return "queued";
    case JobState::ambiguous:
    case JobState::running:
    case JobState::collecting:
    case JobState::cancelling:
        return "in_progress";
    case JobState::completed:
        return "completed";
    case JobState::failed:
    case JobState::cancelled:
    case JobState::quarantined:
        break;
    }
    return "failed";
}

int percent(const Api& api, const Job& job)
{
    if (job.state == JobState::completed) return 100;
    if (status_word(job.state) != "in_progress") return 0;
    return std::min(99, static_cast<int>(100 * api.engine.hub().furthest(job.id)));
}

// As its content is called when it is saved.
// What the film is, or will be if all goes well.
std::string type_of_film(const Job& job)
{
    const JobArtifact nothing;
    const std::vector<StoredFile>& files = job.artifact ? job.artifact->files : nothing.files;
    const auto film = std::find_if(
        files.begin(), files.end(), [](const StoredFile& file) { return file.role == "video"; });
    return film == files.end() ? "video/mp4" : film->mime;
}

std::string file_name_of(const Job& job)
{
    return job.id.text + std::string(extension_of(type_of_film(job)));
}

// What it does right now, in the words of its plugin. Null where nobody has said anything yet.
Json doing(const Api& api, const Job& job)
{
    const auto latest = api.engine.hub().latest(job.id);
    if (status_word(job.state) != "in_progress" || !latest ||
        latest->attempt != job.attempts.size())
        return nullptr;
    Json now = Json::object();
    now["stage"] = latest->stage;
    now["step"] = latest->step;
    now["steps"] = latest->steps;
    now["source"] = to_string(latest->source);
    now["eta_s"] = latest->eta_s ? Json(*latest->eta_s) : Json(nullptr);
    return now;
}

Json error_of(const Job& job)
{
    Json error = Json::object();
    if (job.state == JobState::cancelled) {
        error["code"] = "cancelled";
        error["message"] = "the job was cancelled";
        return error;
    }
    if (!job.error) return nullptr;
    error["code"] = to_string(job.error->category);
    error["message"] = job.error->text;
    return error;
}

Json seconds_or_null(const std::optional<WallTime>& when)
{
    return when ? Json(unix_seconds(*when)) : Json(nullptr);
}

struct Shape {
    std::string size;
    std::uint64_t frames = 0;
    double fps = 0;
    double seconds = 0;
};

// What came out once that is known, what is being made, else what was asked for.
Shape shape_of(const Job& job)
{
    if (job.artifact) {
        const MediaFacts& f = job.artifact->facts;
        return {to_string(FrameSize{f.width, f.height}), f.frames, f.fps, f.seconds};
    }
    if (const Attempt* attempt = job.current()) {
        const Request& r = attempt->request;
        return {to_string(r.size), r.frames, r.fps, r.fps > 0 ? r.frames / r.fps : 0};
    }
    const Wish& w = job.order.wish;
    const double fps = w.fps.value_or(0);
    const std::uint32_t frames = w.frames.value_or(0);
    return {w.size ? to_string(*w.size) : "",
            frames,
            fps,
            w.seconds.value_or(fps > 0 ? frames / fps : 0)};
}

Json worked_seconds(const Job& job)
{
    const Attempt* attempt = job.current();
    if (job.state != JobState::completed || attempt == nullptr || !attempt->ended) return nullptr;
    return std::chrono::duration<double>(*attempt->ended - attempt->started).count();
}

} // namespace

std::int64_t unix_seconds(WallTime when)
{
    return std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
}

Reply json_reply(const Json& body, unsigned status)
{
    Reply reply;
    reply.status = status;
    reply.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
    return reply;
}

Reply error_reply(unsigned status,
                  std::string_view code,
                  std::string_view message,
                  std::string_view param)
{
    Json error = Json::object();
    error["message"] = message;
    error["type"] = type_of(status);
    error["param"] = param.empty() ? Json(nullptr) : Json(param);
    error["code"] = code;
    Json body = Json::object();
    body["error"] = std::move(error);
    body["detail"] = message;
    Reply reply = json_reply(body, status);
    if (status == 429 || status == 503) {
        reply.headers.emplace_back("retry-after", "5");
        reply.headers.emplace_back("retry-after-ms", "5000");
    }
    return reply;
}

Reply error_reply(const Error& error, std::string_view param)
{
    const CodeRow* row = row_of(error.code);
    const auto by_category = static_cast<unsigned>(traits(error.category).http);
    // A category may be no failure of a call (`cancelled`); whoever is told of one is told so.
    const unsigned usual = by_category >= 400 ? by_category : 500;
    const unsigned status = row != nullptr && row->status != 0 ? row->status : usual;
    const std::string_view code = row != nullptr ? row->told : told_code(error);
    std::string message = error.text;
    if (!error.hint.empty()) message += "; " + error.hint;
    const std::string_view at_fault = row != nullptr && param.empty() ? row->param : param;
    return error_reply(status, code, message, at_fault);
}

Json video_object(const Api& api, const Job& job)
{
    const Shape shape = shape_of(job);
    const Attempt* attempt = job.current();
    const bool done = job.state == JobState::completed;
    const auto position = api.engine.queue_position(job.id);
    const auto& from = job.order.remixed_from;
    Json video = Json::object();
    video["id"] = job.id.text;
    video["object"] = "video";
    video["model"] = attempt ? attempt->model : job.order.wish.model.value_or("");
    video["status"] = status_word(job.state);
    video["progress"] = percent(api, job);
    video["progress_detail"] = doing(api, job);
    video["created_at"] = unix_seconds(job.created);
    video["completed_at"] = done ? seconds_or_null(job.finished) : Json(nullptr);
    video["expires_at"] = done ? seconds_or_null(job.expires) : Json(nullptr);
    video["error"] = error_of(job);
    video["prompt"] = job.order.wish.prompt;
    video["remixed_from_video_id"] = from ? Json(from->text) : Json(nullptr);
    video["seconds"] = std::to_string(std::max(1L, std::lround(shape.seconds)));
    video["size"] = shape.size;
    video["quality"] = "standard";
    const std::string url = api.settings.public_url + "/v1/videos/" + job.id.text + "/content";
    video["url"] = done ? Json(url) : Json(nullptr);
    video["file_path"] = nullptr;
    video["file_name"] = done ? Json(file_name_of(job)) : Json(nullptr);
    video["media_type"] = type_of_film(job);
    video["fps"] = shape.fps;
    video["num_frames"] = shape.frames;
    video["seed"] = job.seed;
    video["inference_time_s"] = worked_seconds(job);
    video["peak_memory_mb"] = nullptr;
    video["stage_durations"] = Json::object();
    for (const StageTime& stage : attempt ? attempt->stages : std::vector<StageTime>())
        video["stage_durations"][stage.name] = stage.seconds;
    video["backend"] = attempt ? Json(attempt->provider) : Json(nullptr);
    video["queue_position"] = position ? Json(*position) : Json(nullptr);
    video["state"] = to_string(job.state);
    video["warnings"] = job.warnings;
    return video;
}

} // namespace reelgate::api
