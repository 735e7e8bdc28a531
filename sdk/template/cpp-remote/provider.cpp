#include "provider.hpp"

#include <reelgate/http/retry_after.hpp>

#include <cstdint>
#include <string_view>

using namespace reelgate;
using namespace std::chrono_literals;

namespace {

// Unanswered questions in a row. Each is free, so a gap in the network costs no film.
constexpr int kPatience = 10;

// What a status of the service means. What the host does next follows from the category.
struct Meaning {
    int answer;
    rg_status status;
    Category category;
};

constexpr Meaning kMeanings[] = {
    {400, RG_REJECTED, Category::invalid_params},
    {401, RG_FAILED, Category::auth_failed},
    {402, RG_FAILED, Category::quota_exhausted},
    {403, RG_FAILED, Category::auth_failed},
    {404, RG_FAILED, Category::artifact_unavailable},
    {422, RG_REJECTED, Category::invalid_params},
    {429, RG_BUSY, Category::rate_limited},
    {503, RG_BUSY, Category::provider_overloaded},
};

// An answer that is no success, while `phase` was going on.
Failure refused(const http::Response& answer, Phase phase)
{
    const bool submit = phase == Phase::submit;
    Failure failure = failed(Category::provider_error,
                             "the service answered " + std::to_string(answer.status));
    for (const Meaning& row : kMeanings)
        if (row.answer == answer.status) failure = {row.status, row.category, failure.what()};
    if (submit && answer.status == 404) failure.category(to_string(Category::model_not_found));
    // A gateway in between says these of a request that may have gone through.
    if (submit && (answer.status == 500 || answer.status == 502 || answer.status == 504))
        failure = ambiguous(failure.what()).billing(Billing::maybe_billed);
    else if (submit)
        failure.billing(Billing::not_billed);

    failure.phase(phase)
        .provider_code(std::to_string(answer.status))
        .upstream_excerpt(std::string_view(answer.body).substr(0, 2048));
    if (const auto delay = http::retry_after(answer.headers, std::chrono::system_clock::now()))
        failure.retry_after(std::chrono::ceil<std::chrono::seconds>(*delay));
    return failure;
}

// No answer. Whether anything had left decides about money.
Failure unanswered(const http::Failure& what, http::Purpose purpose)
{
    const bool submit = purpose == http::Purpose::submit;
    Failure failure = submit && what.request_left ? ambiguous(what.text)
                                                  : failed(Category::network_error, what.text);
    if (what.kind == http::FailureKind::cancelled) failure = cancelled();
    failure.category(http::words(what, purpose).category);
    if (submit) failure.billing(what.request_left ? Billing::maybe_billed : Billing::not_billed);
    if (what.request_left)
        return failure.phase(submit                               ? Phase::submit
                             : purpose == http::Purpose::download ? Phase::download
                                                                  : Phase::poll);
    return failure.phase(Phase::connect);
}

// Is it worth asking again? Questions are free, so only a verdict ends them.
bool may_pass(const Failure& failure)
{
    const Json& record = failure.record();
    const std::string category = record.at("category");
    return record.value("phase", "") != "run" && category != "cancelled" && category != "auth_failed" &&
           category != "artifact_unavailable";
}

// The object in an answer; an empty one where there is none.
Json object_in(const http::Response& answer)
{
    Json json = Json::parse(answer.body, nullptr, false);
    return json.is_object() ? json : Json::object();
}

std::string text_in(const Json& object, const char* member)
{
    const auto found = object.find(member);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool flag_in(const Json& object, const char* member, bool otherwise)
{
    const auto found = object.find(member);
    return found != object.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

// An id of the service becomes part of an address.
bool is_usable_id(const std::string& id)
{
    constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    return !id.empty() && id.size() <= 200 && id.find_first_not_of(kAllowed) == std::string::npos;
}

} // namespace

Description @CLASS@::describe()
{
    return Description("@ID@", "@NAME@", "0.1.0")
        .license("Apache-2.0")
        .concurrency(4)
        .billing("paid")
        .egress("cloud")
        .cancel_within(30s)
        .model(Json::parse(R"({"id": "standard", "tasks": ["t2v"], "seed": true, "fps": [24],
            "sizes": ["832x480", "1280x720"],
            "frames": {"min": 24, "max": 240},
            "default": {"size": "1280x720", "frames": 120, "fps": 24}})"))
        .config("url", text().title("Address of the service").min(1).otherwise("https://api.example.com/v1"))
        .config("api_key", secret().title("API key").min(1).required())
        .config("poll_s", number().title("Between two questions").min(0).max(60).otherwise(2)
                              .hint("x-unit", "s").hint("x-advanced"));
}

@CLASS@::@CLASS@(Host host, const Json& config)
    : host_(host), url_(config.at("url")), api_key_(config.at("api_key")),
      poll_(static_cast<std::int64_t>(config.at("poll_s").get<double>() * 1000))
{
    if (!url_.starts_with("http://") && !url_.starts_with("https://"))
        throw rejected("url: '" + url_ + "' is no http or https address");
    while (url_.ends_with('/'))
        url_.pop_back();
}

// Could it take a job now? Within 2 s; a read that costs nothing may be asked here.
Json @CLASS@::probe() { return {{"state", "ready"}}; }

void @CLASS@::run(Job& job)
{
    job.intend({{"endpoint", "create"}, {"model", job.request().at("model")}}); // on disk before a byte leaves
    const std::string id = create(job);
    const Json remote = {{"id", id}};
    job.accepted(remote); // on disk before the first question
    resume(job, remote);
}

void @CLASS@::resume(Job& job, const Json& remote)
{
    const std::string id = remote.at("id");
    try {
        follow(job, id);
        download(job, id);
    } catch (const Failure&) {
        if (!job.cancelled()) throw;
        const Json stop = abandon(remote);
        throw cancelled()
            .compute_stopped(stop.at("compute_stopped"))
            .billing(stop.at("billing") == "not_billed" ? Billing::not_billed : Billing::maybe_billed);
    }
}

// Asks the service to stop, and claims no more than it said.
Json @CLASS@::abandon(const Json& remote)
{
    const auto answer = client_.perform(request_to("DELETE", "/videos/" + remote.at("id").get<std::string>()));
    if (!answer || answer->status >= 300)
        return {{"compute_stopped", false}, {"billing", "maybe_billed"}};
    const Json said = object_in(*answer);
    return {{"compute_stopped", flag_in(said, "stopped", false)},
            {"billing", flag_in(said, "charged", true) ? "billed" : "not_billed"}};
}

http::Request
@CLASS@::request_to(const std::string& method, const std::string& path, int cancel_fd) const
{
    http::Request request;
    request.method = method;
    request.url = url_ + path;
    request.headers.add("Authorization", "Bearer " + api_key_);
    request.limits.total_timeout = 20s; // shorter than the time that a cancel may take
    request.limits.max_body_bytes = 1U << 20U;
    request.cancel_fd = cancel_fd;
    return request;
}

std::string @CLASS@::create(Job& job) const
{
    Json wanted;
    for (const char* name : {"model", "prompt", "width", "height", "frames", "fps", "seed"})
        wanted[name] = job.request().at(name);
    http::Request request = request_to("POST", "/videos", job.cancel_fd());
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Idempotency-Key", job.request().at("attempt").at("idempotency_key"));
    request.body = http::Body::bytes(wanted.dump(-1, ' ', false, Json::error_handler_t::replace));

    const auto answer = client_.perform(request);
    if (!answer) throw unanswered(answer.error(), http::Purpose::submit);
    if (answer->status >= 300) throw refused(*answer, Phase::submit);
    const std::string id = text_in(object_in(*answer), "id");
    if (!is_usable_id(id))
        throw ambiguous("the service accepted, and gave no usable id").billing(Billing::maybe_billed);
    return id;
}

void @CLASS@::follow(Job& job, const std::string& id) const
{
    int unanswered = 0;
    while (true) {
        try {
            if (is_done(job, id)) return;
            unanswered = 0;
        } catch (const Failure& failure) {
            if (!may_pass(failure) || ++unanswered > kPatience) throw;
            job.alive("remote");
        }
        job.wait(poll_); // ends at once when cancelled
    }
}

// One question. A word that is not known yet means: it goes on.
bool @CLASS@::is_done(Job& job, const std::string& id) const
{
    const auto answer = client_.perform(request_to("GET", "/videos/" + id, job.cancel_fd()));
    if (!answer) throw unanswered(answer.error(), http::Purpose::poll);
    if (answer->status >= 300) throw refused(*answer, Phase::poll);
    const Json state = object_in(*answer);
    const std::string status = text_in(state, "status");
    if (status == "failed")
        throw failed(Category::provider_error, "the service: " + text_in(state, "error"))
            .phase(Phase::run)
            .billing(flag_in(state, "charged", true) ? Billing::billed : Billing::not_billed);
    if (status == "done") return true;
    const auto share = state.find("progress");
    if (share != state.end() && share->is_number())
        job.progress("remote", share->get<double>(), Source::estimated);
    else
        job.alive("remote");
    return false;
}

void @CLASS@::download(Job& job, const std::string& id) const
{
    http::Request request = request_to("GET", "/videos/" + id + "/content", job.cancel_fd());
    request.limits.total_timeout = 0s; // as long as it moves
    request.limits.max_body_bytes = 4ULL << 30U;
    request.progress = [&job](const http::Progress& p) {
        try {
            const double all = p.to_receive ? static_cast<double>(*p.to_receive) : 0;
            if (all > 0)
                job.progress("download", static_cast<double>(p.received) / all);
            else
                job.alive("download");
        } catch (const Failure&) {
            // Cancelled: the call sees that by itself, and nothing may be thrown through it.
        }
    };
    const auto answer = client_.download(request, (job.work_dir() / "clip.mp4").string());
    if (!answer) throw unanswered(answer.error(), http::Purpose::download);
    if (!answer->saved) throw refused(*answer, Phase::download);
    job.artifact("clip.mp4", "video", "video/mp4");
    host_.info("film.downloaded", {{"bytes", answer->received}});
}

RG_PLUGIN(@CLASS@)
