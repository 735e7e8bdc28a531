#include "host/store/job_document.hpp"

#include "host/store/database.hpp"
#include "host/store/document.hpp"

#include <array>

namespace reelgate::store {

std::int64_t micros_of(WallTime time)
{
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

WallTime time_of(std::int64_t micros)
{
    return WallTime(
        std::chrono::duration_cast<WallTime::duration>(std::chrono::microseconds(micros)));
}

namespace {

// For the enumerations that have a table of words and no way back.
template <class E, std::size_t N>
std::optional<E> one_of(const std::array<E, N>& all, std::string_view word)
{
    for (const E each : all)
        if (to_string(each) == word) return each;
    return std::nullopt;
}

} // namespace

template <>
std::optional<Priority> word_from<Priority>(std::string_view word)
{
    return priority_from(word);
}
template <>
std::optional<Waiting> word_from<Waiting>(std::string_view word)
{
    return waiting_from(word);
}
template <>
std::optional<Egress> word_from<Egress>(std::string_view word)
{
    return egress_from(word);
}
template <>
std::optional<Category> word_from<Category>(std::string_view word)
{
    return category_from(word);
}
template <>
std::optional<Phase> word_from<Phase>(std::string_view word)
{
    return phase_from(word);
}
template <>
std::optional<Scope> word_from<Scope>(std::string_view word)
{
    return scope_from(word);
}
template <>
std::optional<Billing> word_from<Billing>(std::string_view word)
{
    return billing_from(word);
}
template <>
std::optional<Adjust> word_from<Adjust>(std::string_view word)
{
    return one_of(std::array{Adjust::nearest, Adjust::reject}, word);
}

// The lists of members. T is the struct, const or not: the same list writes and reads.

template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, FrameSize>
void members(D& d, T& size)
{
    d("w", size.width);
    d("h", size.height);
}

template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, RequestInput>
void members(D& d, T& input)
{
    d("role", input.role);
    d("path", input.path);
    d("mime", input.mime);
}

template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, Request>
void members(D& d, T& request)
{
    d("model", request.model);
    d("task", request.task);
    d("prompt", request.prompt);
    d("negative_prompt", request.negative_prompt);
    d("size", request.size);
    d("frames", request.frames);
    d("fps", request.fps);
    d("seed", request.seed);
    d("steps", request.steps);
    d("guidance", request.guidance);
    d("audio", request.audio);
    d("inputs", request.inputs);
    d("params", request.params_json);
}

// Without the prompt.
template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, Wish>
void members(D& d, T& wish)
{
    d("model", wish.model);
    d("task", wish.task);
    d("negative_prompt", wish.negative_prompt);
    d("size", wish.size);
    d("frames", wish.frames);
    d("seconds", wish.seconds);
    d("fps", wish.fps);
    d("seed", wish.seed);
    d("steps", wish.steps);
    d("guidance", wish.guidance);
    d("audio", wish.audio);
    d("inputs", wish.inputs);
    d("params", wish.params_json);
    d("require_seed", wish.require_seed);
}

template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, RouteWish>
void members(D& d, T& route)
{
    d("chain", route.chain);
    d("provider", route.provider);
    d("order", route.order);
    d("only", route.only);
    d("ignore", route.ignore);
    d("allow_fallback", route.allow_fallback);
    d("max_price", route.max_price);
    d("egress", route.egress);
    d("allow_media_egress", route.allow_media_egress);
}

// Without the owner.
template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, JobOrder>
void members(D& d, T& order)
{
    d("wish", order.wish);
    d("route", order.route);
    d("adjust", order.adjust);
    d("accept_deviation", order.accept_deviation);
    d("priority", order.priority);
    d("on_oom", order.on_oom);
    d("max_wait", order.max_wait);
    d("deadline", order.deadline);
    d("params_by_plugin", order.params_by_plugin_json);
    d("extra", order.extra_json);
    d("inputs_dir", order.inputs_dir);
    d("user", order.user);
    d("remixed_from", order.remixed_from);
    d("trace_parent", order.trace_parent);
}

template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, Error>
void members(D& d, T& error)
{
    d("category", error.category);
    d("text", error.text);
    d("code", error.code);
    d("hint", error.hint);
    d("phase", error.phase);
    d("scope", error.scope);
    d("billing", error.billing);
    d("provider_code", error.provider_code);
    d("upstream_excerpt", error.upstream_excerpt);
    d("retry_after", error.retry_after);
    d("compute_stopped", error.compute_stopped);
}

template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, StageTime>
void members(D& d, T& stage)
{
    d("name", stage.name);
    d("seconds", stage.seconds);
}

// Without the request and what is a column.
template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, Attempt>
void members(D& d, T& attempt)
{
    d("plugin", attempt.plugin);
    d("plugin_identity", attempt.plugin_identity);
    d("model", attempt.model);
    d("config_revision", attempt.config_revision);
    d("warnings", attempt.warnings);
    d("intent", attempt.intent_json);
    d("remote", attempt.remote_json);
    d("accepted", attempt.accepted);
    d("error", attempt.error);
    d("crashed_worker", attempt.crashed_worker);
    d("host_deaths", attempt.host_deaths);
    d("forgiven", attempt.forgiven);
    d("last_stage", attempt.last_stage);
    d("stages", attempt.stages);
    d("collecting", attempt.collecting);
}

template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, StoredFile>
void members(D& d, T& file)
{
    d("role", file.role);
    d("path", file.path);
    d("mime", file.mime);
    d("sha256", file.sha256);
    d("bytes", file.bytes);
}

template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, MediaFacts>
void members(D& d, T& facts)
{
    d("container", facts.container);
    d("video_codec", facts.video_codec);
    d("pixel_format", facts.pixel_format);
    d("width", facts.width);
    d("height", facts.height);
    d("fps", facts.fps);
    d("frames", facts.frames);
    d("seconds", facts.seconds);
    d("faststart", facts.faststart);
    d("audio_codec", facts.audio_codec);
    d("audio_seconds", facts.audio_seconds);
    d("bytes", facts.bytes);
}

template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, Deviation>
void members(D& d, T& deviation)
{
    d("what", deviation.what);
    d("expected", deviation.expected);
    d("found", deviation.found);
}

template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, JobArtifact>
void members(D& d, T& artifact)
{
    d("files", artifact.files);
    d("facts", artifact.facts);
    d("deviations", artifact.deviations);
}

// What is neither a column, nor the order, nor an attempt.
template <class D, class T>
requires std::is_same_v<std::remove_const_t<T>, Job>
void members(D& d, T& job)
{
    d("waiting", job.waiting);
    d("wait_until", job.wait_until);
    d("crashes", job.crashes);
    d("error", job.error);
    d("cancel_asked", job.cancel_asked);
    d("can_stop", job.can_stop);
    d("compute_stopped", job.compute_stopped);
    d("late", job.late);
    d("retried", job.retried);
    d("deleted", job.deleted);
    d("artifact", job.artifact);
    d("warnings", job.warnings);
    d("seed", job.seed);
}

namespace {

template <class T>
std::string written(const T& value)
{
    DocumentWriter writer;
    members(writer, value);
    // What a plugin says may be no UTF-8: better a replaced character than a job that cannot be
    // stored.
    return writer.take().dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class T>
Result<Done> read(std::string_view document, T& value, const char* what)
{
    const Json parsed = Json::parse(document, nullptr, false);
    DocumentReader reader(parsed);
    members(reader, value);
    if (const std::string why = reader.complaint(); !why.empty())
        return damaged(std::string(what) + ": " + why);
    return Done{};
}

} // namespace

std::string document_of(const JobOrder& order) { return written(order); }
std::string document_of(const Job& job) { return written(job); }
std::string document_of(const Attempt& attempt) { return written(attempt); }
std::string document_of(const Request& request) { return written(request); }

Result<Done> read_document(std::string_view document, JobOrder& order)
{
    // The list replaces the whole wish, the prompt of which is a column.
    std::string prompt = std::move(order.wish.prompt);
    auto done = read(document, order, "an order");
    order.wish.prompt = std::move(prompt);
    return done;
}
Result<Done> read_document(std::string_view document, Job& job)
{
    return read(document, job, "a job");
}
Result<Done> read_document(std::string_view document, Attempt& attempt)
{
    return read(document, attempt, "an attempt");
}
Result<Done> read_document(std::string_view document, Request& request)
{
    return read(document, request, "a request");
}

} // namespace reelgate::store
