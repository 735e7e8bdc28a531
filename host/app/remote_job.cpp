#include "host/app/remote_job.hpp"

#include "host/app/output.hpp"
#include "host/app/progress_line.hpp"

#include <reelgate/http/url.hpp>

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;

constexpr int kPollEvery_ms = 250;
constexpr unsigned kLostPolls = 20; // in a row, until the daemon is given up

std::atomic<bool> interrupted{false};

void on_interrupt(int number)
{
    interrupted = true;
    std::signal(number, SIG_DFL); // a second one ends the program
}

bool has_ended(const Json& video)
{
    const std::string status = video.value("status", "");
    return status == "completed" || status == "failed";
}

// Null where the daemon tells nothing of it.
Json detail_of(const Json& video)
{
    const auto detail = video.find("progress_detail");
    return detail != video.end() && detail->is_object() ? *detail : Json(nullptr);
}

std::optional<double> eta_of(const Json& detail)
{
    const auto eta = detail.is_object() ? detail.find("eta_s") : detail.end();
    if (!detail.is_object() || eta == detail.end() || !eta->is_number()) return std::nullopt;
    return eta->get<double>();
}

ProgressNote note_of(const Json& video, const Json& detail)
{
    ProgressNote note;
    note.stage = video.value("state", "working");
    if (const auto backend = video.find("backend"); backend != video.end() && backend->is_string())
        note.stage += " at " + backend->get<std::string>();
    std::string source = "measured";
    if (detail.is_object()) {
        if (const std::string stage = detail.value("stage", ""); !stage.empty())
            note.stage += ": " + stage;
        note.step = detail.value("step", 0U);
        note.steps = detail.value("steps", 0U);
        source = detail.value("source", source);
    }
    const int percent = video.value("progress", 0);
    if (percent > 0) {
        note.source = source == "estimated" ? RG_ESTIMATED : RG_MEASURED;
        note.value = percent / 100.0;
    }
    return note;
}

} // namespace

std::string path_of_job(const std::string& id) { return "/v1/videos/" + http::escape(id); }

Interrupts::Interrupts()
{
    interrupted = false;
    std::signal(SIGINT, on_interrupt);
}

Interrupts::~Interrupts() { std::signal(SIGINT, SIG_DFL); }

bool Interrupts::came() const { return interrupted; }

void Interrupts::pause() const { ::poll(nullptr, 0, kPollEvery_ms); }

Result<Json> follow_job(const DaemonClient& daemon, const std::string& id, bool quiet)
{
    const Interrupts interrupts;
    ProgressLine line(STDERR_FILENO, quiet);
    bool cancelled = false;
    unsigned lost = 0;
    while (true) {
        auto video = daemon.ask("GET", path_of_job(id));
        if (video && has_ended(*video)) return video;
        if (!video &&
            (video.error().category != Category::worker_unavailable || ++lost > kLostPolls))
            return video;
        if (video) {
            lost = 0;
            const Json detail = detail_of(*video);
            line.show(note_of(*video, detail), eta_of(detail));
        }
        if (interrupts.came() && !cancelled) {
            cancelled = true;
            line.say("cancelling " + id + "; once more to leave at once");
            // One that has just ended needs no cancel: the next look says what became of it.
            [[maybe_unused]] const auto asked =
                daemon.ask("POST", path_of_job(id) + "/cancel", Json::object());
        }
        interrupts.pause();
    }
}

std::optional<Error> failure_of(const Json& video)
{
    if (video.value("status", "") == "completed") return std::nullopt;
    Error error{.category = Category::provider_error, .text = "the job ended without a video"};
    if (const auto told = video.find("error"); told != video.end() && told->is_object()) {
        error.text = told->value("message", error.text);
        error.category = category_from(told->value("code", "")).value_or(error.category);
    }
    if (video.value("state", "") == "cancelled") error.category = Category::cancelled;
    return error;
}

Result<Done>
fetch_film(const DaemonClient& daemon, const std::string& id, const std::filesystem::path& to)
{
    return daemon.download(path_of_job(id) + "/content", to);
}

} // namespace reelgate
