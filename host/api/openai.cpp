// /v1/videos as OpenAI's clients speak it, and what belongs to it.
#include "host/api/body.hpp"
#include "host/api/create_body.hpp"
#include "host/api/wire.hpp"
#include "host/base/digest.hpp"
#include "host/base/file.hpp"
#include "host/engine/input_check.hpp"
#include "host/engine/records.hpp"
#include "host/model/file_type.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace reelgate::api {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::uint64_t kPageMost = 100;
constexpr std::uint64_t kPageUsual = 20;
constexpr std::size_t kKeyLongest = 256;

Reply told(const BadField& bad) { return error_reply(bad.status, bad.code, bad.text, bad.param); }

Error video_not_found(const std::string& id)
{
    return Error{.category = Category::not_found,
                 .text = "there is no video '" + id + "'",
                 .code = "video_not_found"};
}

bool is_theirs(const Api& api, const Call& call, const Job& job)
{
    return api.settings.keys.empty() || job.order.owner == call.owner;
}

// The video that the path names, if it is the caller's: of somebody else's nobody is told.
Task<Job> named_job(Api& api, const Call& call)
{
    const std::string name = call.params.at(0);
    const JobId id(name);
    Result<Job> job = co_await api.engine.find(id);
    if (job && !is_theirs(api, call, *job)) co_return video_not_found(name);
    co_return job;
}

// Create.

Result<Done> write_pictures(const std::filesystem::path& directory,
                            const JobOrder& order,
                            const std::vector<Picture>& pictures)
{
    for (std::size_t i = 0; i < pictures.size(); ++i) {
        const auto name = std::filesystem::path(order.wish.inputs[i].path).filename();
        RG_CHECK(replace_file(directory / name, pictures[i].bytes));
    }
    return Done{};
}

// The pictures are on disk before the order is: a job never lacks what it was given.
Task<Done> keep_pictures(Api& api, CreateBody& body)
{
    if (body.pictures.empty()) co_return Done{};
    body.order.inputs_dir = new_job_id().text;
    auto write = [directory = api.engine.inputs_of(body.order.inputs_dir), &body] {
        return write_pictures(directory, body.order, body.pictures);
    };
    co_return co_await on_pool(api.pool, std::move(write));
}

asio::awaitable<void> forget_pictures(Api& api, std::string name)
{
    if (name.empty()) co_return;
    auto remove = [directory = api.engine.inputs_of(name)] {
        std::error_code ignored; // what stays is swept at the next start
        return std::filesystem::remove_all(directory, ignored);
    };
    co_await on_pool(api.pool, std::move(remove));
}

// What the media child says against the first picture that it cannot decode.
asio::awaitable<std::optional<Reply>> picture_refused(Api& api, const CreateBody& body)
{
    if (body.pictures.empty()) co_return std::nullopt;
    auto look = [&api, &body](const MediaTool& tool) -> Result<std::optional<BadInput>> {
        return first_bad_input(
            tool, api.engine.inputs_of(body.order.inputs_dir), body.order.wish.inputs);
    };
    auto looking =
        api.engine.media().run(MediaLane::pictures, body.order.inputs_dir, std::move(look));
    const Result<std::optional<BadInput>> looked = co_await std::move(looking);
    if (!looked) co_return error_reply(looked.error());
    const std::optional<BadInput>& bad = *looked;
    if (!bad) co_return std::nullopt;
    if (bad->error.category != Category::output_invalid) co_return error_reply(bad->error);
    const std::string& field = body.pictures[bad->index].field;
    co_return error_reply(400,
                          "reference_fetch_failed",
                          field + ": the picture cannot be used: " + bad->error.text,
                          field);
}

Task<Admitted> admit(Api& api, CreateBody& body, std::optional<IdempotencyKey> key)
{
    const std::string inputs = body.order.inputs_dir;
    auto submitting = api.engine.submit(std::move(body.order), std::move(key));
    Result<Admitted> admitted = co_await std::move(submitting);
    if (!admitted || admitted->replayed) co_await forget_pictures(api, inputs);
    co_return admitted;
}

asio::awaitable<Reply> create(Api& api, Call call)
{
    auto read = parse_create_body(call.body);
    if (const auto* bad = std::get_if<BadField>(&read)) co_return told(*bad);
    CreateBody& body = std::get<CreateBody>(read);
    body.order.owner = call.owner;
    body.order.trace_parent = call.header("traceparent");
    std::optional<IdempotencyKey> key;
    if (const auto given = call.header("idempotency-key"); !given.empty()) {
        if (given.size() > kKeyLongest)
            co_return error_reply(400, "invalid_value", "Idempotency-Key is longer than 256 bytes");
        key = IdempotencyKey{call.owner + '\n' + std::string(given), sha256_hex(call.body)};
    }
    if (const auto kept = co_await keep_pictures(api, body); !kept) {
        co_await forget_pictures(api, body.order.inputs_dir); // of several, the first may be there
        co_return error_reply(kept.error());
    }
    if (auto why_not = co_await picture_refused(api, body)) {
        co_await forget_pictures(api, body.order.inputs_dir);
        co_return *std::move(why_not);
    }
    auto admitting = admit(api, body, std::move(key));
    const Result<Admitted> admitted = co_await std::move(admitting);
    if (!admitted) co_return error_reply(admitted.error());
    co_return json_reply(video_object(api, admitted->job));
}

// Retrieve, list, delete.

std::string poll_after_ms(const Job& job)
{
    return job.state == JobState::queued || job.attempts.empty() ? "500" : "1000";
}

asio::awaitable<Reply> retrieve(Api& api, Call call)
{
    const Result<Job> job = co_await named_job(api, call);
    if (!job) co_return error_reply(job.error());
    Reply reply = json_reply(video_object(api, *job));
    if (!is_final(job->state))
        reply.headers.emplace_back("openai-poll-after-ms", poll_after_ms(*job));
    co_return reply;
}

std::optional<std::uint64_t> limit_of(const Call& call)
{
    const auto given = call.query.find("limit");
    if (given == call.query.end()) return kPageUsual;
    std::uint64_t limit = 0;
    const char* const end = given->second.data() + given->second.size();
    const auto [rest, failed] = std::from_chars(given->second.data(), end, limit);
    if (failed != std::errc{} || rest != end || limit < 1 || limit > kPageMost) return std::nullopt;
    return limit;
}

OrderedJson page_json(const Api& api, const JobPage& page)
{
    OrderedJson list = OrderedJson::object();
    list["object"] = "list";
    list["data"] = OrderedJson::array();
    for (const Job& job : page.jobs)
        list["data"].push_back(video_object(api, job));
    const bool empty = page.jobs.empty();
    list["first_id"] = empty ? OrderedJson(nullptr) : OrderedJson(page.jobs.front().id.text);
    list["last_id"] = empty ? OrderedJson(nullptr) : OrderedJson(page.jobs.back().id.text);
    list["has_more"] = page.has_more;
    return list;
}

asio::awaitable<Reply> list(Api& api, Call call)
{
    const auto limit = limit_of(call);
    if (!limit) co_return error_reply(400, "invalid_value", "limit must be from 1 to 100", "limit");
    JobFilter filter;
    filter.limit = *limit;
    if (!api.settings.keys.empty()) filter.owner = call.owner;
    const auto order = call.query.find("order");
    filter.newest_first = order == call.query.end() || order->second != "asc";
    if (const auto after = call.query.find("after"); after != call.query.end())
        filter.after = JobId(after->second);
    auto listing = api.engine.store().list(std::move(filter));
    const Result<JobPage> page = co_await std::move(listing);
    if (!page) co_return error_reply(page.error());
    co_return json_reply(page_json(api, *page));
}

asio::awaitable<Reply> remove(Api& api, Call call)
{
    const Result<Job> job = co_await named_job(api, call);
    if (!job) co_return error_reply(job.error());
    auto removing = api.engine.remove(job->id, api.settings.delete_patience);
    const Result<Done> removed = co_await std::move(removing);
    if (!removed) co_return error_reply(removed.error());
    OrderedJson body = OrderedJson::object();
    body["id"] = job->id.text;
    body["object"] = "video.deleted";
    body["deleted"] = true;
    body["status"] = "deleted";
    co_return json_reply(body);
}

// Content.

std::optional<Reply> no_content_yet(const Job& job)
{
    if (job.state == JobState::completed) return std::nullopt;
    if (!is_final(job.state))
        return error_reply(404, "video_not_ready", "the video is not finished yet");
    return error_reply(
        400, "video_failed", job.error ? job.error->text : "the job ended without a video");
}

Result<FileBody> open_body(const ArtifactStore& artifacts, const StoredFile& file)
{
    RG_TRY(OpenFile opened, artifacts.open_file(file));
    return FileBody{.fd = std::move(opened.fd),
                    .bytes = opened.file.bytes,
                    .modified = opened.modified,
                    .etag = '"' + opened.file.sha256 + '"'};
}

std::string disposition(const Call& call, const std::string& file_name)
{
    const auto download = call.query.find("download");
    const bool attach = download != call.query.end() && download->second != "0";
    return (attach ? "attachment; filename=\"" : "inline; filename=\"") + file_name + '"';
}

asio::awaitable<Reply> content(Api& api, Call call)
{
    const Result<Job> job = co_await named_job(api, call);
    if (!job) co_return error_reply(job.error());
    if (auto why_not = no_content_yet(*job)) co_return *std::move(why_not);
    const auto variant = call.query.find("variant");
    const std::string role = variant == call.query.end() ? "video" : variant->second;
    const auto& files = job->artifact->files;
    const auto file =
        std::find_if(files.begin(), files.end(), [&](const auto& f) { return f.role == role; });
    if (file == files.end())
        co_return error_reply(
            400, "unsupported_operation", "there is no " + role + " of this video", "variant");
    auto opening = [&artifacts = api.artifacts, wanted = *file] {
        return open_body(artifacts, wanted);
    };
    Result<FileBody> body = co_await on_pool(api.pool, std::move(opening));
    if (!body) co_return error_reply(body.error());
    Reply reply;
    reply.content_type = file->mime;
    reply.file = *std::move(body);
    reply.headers.emplace_back(
        "content-disposition",
        disposition(call, job->id.text + std::string(extension_of(file->mime))));
    reply.headers.emplace_back("cross-origin-resource-policy", "cross-origin");
    co_return reply;
}

// Cancel, decide, and why it went where it went.

asio::awaitable<Reply> cancel(Api& api, Call call)
{
    const Result<Job> job = co_await named_job(api, call);
    if (!job) co_return error_reply(job.error());
    const Result<CancelAnswer> answer = co_await api.engine.cancel(job->id);
    if (!answer) co_return error_reply(answer.error());
    const auto& stopped = answer->compute_stopped;
    OrderedJson body = OrderedJson::object();
    body["state"] = to_string(answer->state);
    body["compute_stopped"] = stopped ? OrderedJson(*stopped) : OrderedJson(nullptr);
    body["billing"] = to_string(answer->billing);
    co_return json_reply(body);
}

std::optional<Resolution> resolution_from(const std::string& word)
{
    if (word == "wait") return Resolution::wait;
    if (word == "lost") return Resolution::lost;
    if (word == "charged") return Resolution::charged;
    return std::nullopt;
}

asio::awaitable<Reply> resolve(Api& api, Call call)
{
    const Result<Job> job = co_await named_job(api, call);
    if (!job) co_return error_reply(job.error());
    const auto body = parse_body(call.body);
    std::optional<BadField> fault;
    Fields in(body, fault);
    const auto resolution = resolution_from(in.text({"verdict"}).value_or(""));
    if (!resolution)
        co_return error_reply(
            400, "invalid_value", "verdict must be wait, lost or charged", "verdict");
    auto resolving = api.engine.resolve(job->id, *resolution);
    const Result<Job> resolved = co_await std::move(resolving);
    if (!resolved) co_return error_reply(resolved.error());
    co_return json_reply(video_object(api, *resolved));
}

asio::awaitable<Reply> retry(Api& api, Call call)
{
    const Result<Job> job = co_await named_job(api, call);
    if (!job) co_return error_reply(job.error());
    const Result<Job> again = co_await api.engine.retry(job->id);
    if (!again) co_return error_reply(again.error());
    co_return json_reply(video_object(api, *again));
}

asio::awaitable<Reply> route(Api& api, Call call)
{
    const Result<Job> job = co_await named_job(api, call);
    if (!job) co_return error_reply(job.error());
    const auto records = co_await api.engine.store().routes(job->id);
    if (!records) co_return error_reply(records.error());
    OrderedJson all = OrderedJson::array();
    for (const std::string& record : *records)
        all.push_back(OrderedJson::parse(record, nullptr, false));
    OrderedJson body = OrderedJson::object();
    body["id"] = job->id.text;
    body["decisions"] = std::move(all);
    co_return json_reply(body);
}

asio::awaitable<Reply> explain(Api& api, Call call)
{
    const auto body = parse_body(call.body);
    auto read = read_create_body(body);
    if (const auto* bad = std::get_if<BadField>(&read)) co_return told(*bad);
    JobOrder& order = std::get<CreateBody>(read).order;
    order.owner = call.owner;
    std::optional<BadField> fault;
    std::map<std::string, Health> assumed;
    Fields in(body, fault);
    const nlohmann::json states = in.object("assume");
    for (const auto& [provider, state] : states.items()) {
        const auto health = health_from(state.is_string() ? state.get<std::string>() : "");
        if (!health)
            co_return error_reply(400,
                                  "invalid_value",
                                  "assume: '" + provider + "' is not given a health state",
                                  "assume");
        assumed.emplace(provider, *health);
    }
    const Explained told = api.engine.explain(order, assumed);
    Reply reply;
    reply.body = explanation(told.decision, {told.chain, told.config_revision, told.at});
    co_return reply;
}

// clang-format off
constexpr Endpoint kEndpoints[] = {
    {Verb::post,    "/v1/videos",              Access::key, kJsonLimit, create},
    {Verb::get,     "/v1/videos",              Access::key, 0,          list},
    {Verb::get,     "/v1/videos/{id}",         Access::key, 0,          retrieve},
    {Verb::remove, "/v1/videos/{id}",         Access::key, 0,          remove},
    {Verb::get,     "/v1/videos/{id}/content", Access::key, 0,          content},
    {Verb::post,    "/v1/videos/{id}/cancel",  Access::key, kSmallBody, cancel},
    {Verb::get,     "/v1/videos/{id}/route",   Access::key, 0,          route},
    {Verb::post,    "/v1/jobs/{id}/cancel",    Access::key, kSmallBody, cancel},
    {Verb::post,    "/v1/jobs/{id}/resolve",   Access::key, kSmallBody, resolve},
    {Verb::post,    "/v1/jobs/{id}/retry",     Access::key, kSmallBody, retry},
    {Verb::post,    "/v1/routes/explain",      Access::key, kJsonLimit, explain},
};
// clang-format on

} // namespace

std::span<const Endpoint> openai_endpoints() { return kEndpoints; }

} // namespace reelgate::api
