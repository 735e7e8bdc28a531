#include "sdk/conformance/subject.hpp"

#include "host/plugin/config_check.hpp"
#include "host/plugin/request_json.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace reelgate::conformance {
namespace {

namespace fs = std::filesystem;

// A check writes to nobody's log: what counts ends up in a verdict.
int null_log()
{
    static const Fd null_device(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    return null_device.get();
}

// A run of this many pixels takes every provider that computes on a processor a noticeable time,
// and none of them minutes.
constexpr std::uint64_t kAffordablePixels = 40'000'000;

constexpr std::uint64_t kSeed = 42;

// Whether it leaves in order is a case of its own; no other waits long for that.
constexpr auto kHurriedBye = 1s;

// Long enough for a thread that goes on without the answer to an intent, and short for one that
// waits.
constexpr auto kHeld = 250ms;

// What a coroutine throws is a bug of ours.
void rethrow(std::exception_ptr failure)
{
    if (failure) std::rethrow_exception(failure);
}

Request request_for(const ModelCapability& model, FrameSize size, std::uint32_t frames)
{
    Request request;
    request.model = model.id;
    request.task = model.tasks.empty() ? "t2v" : model.tasks.front();
    if (model.has_task("t2v")) request.task = "t2v";
    request.prompt = "a red circle moving left to right on a blue background";
    request.size = size;
    request.frames = frames;
    request.fps =
        model.fps.empty() ? (model.default_fps > 0 ? model.default_fps : 24) : model.fps.front();
    request.seed = kSeed;
    return request;
}

} // namespace

Stage::Stage(Subject& its_subject)
    : subject(its_subject), log(null_log(), LogFormat::json, Level::error)
{
}

Stage::~Stage()
{
    // Coroutines that still wait end with the loop; threads of the pool must end first.
    pool.join();
}

bool Stage::turn_until(const std::function<bool()>& reached, std::chrono::milliseconds limit)
{
    const auto deadline = std::chrono::steady_clock::now() + limit;
    loop.restart();
    while (!reached()) {
        const auto now = std::chrono::steady_clock::now();
        if (now >= deadline) return false;
        if (loop.run_one_for(deadline - now) == 0 && loop.stopped()) return reached();
    }
    return true;
}

// Takes part in a run: notes everything and cancels when its plan says so.
class Live::Listener final : public AttemptListener {
public:
    Listener(Live& live, std::string id, CancelPlan plan)
        : live_(live), id_(std::move(id)), plan_(plan), timer_(live.stage_.loop),
          held_(live.stage_.loop)
    {
    }

    void on_progress(const ProgressNote& note) override
    {
        record.progress.push_back(note);
        if (record.progress.size() == 1 && at_first_progress) at_first_progress();
        if (plan_.after_progress && record.progress.size() == *plan_.after_progress) cancel();
    }
    void on_preview(const std::string& /*path*/) override {}
    void on_artifact(const ArtifactOffer& offer) override { record.artifacts.push_back(offer); }
    void on_intend(const std::string& /*what*/, Ack ack) override
    {
        record.durable.emplace_back("intend");
        if (!live_.held_answer_) return ack(RG_OK);
        held_.expires_after(kHeld);
        held_.async_wait([this, ack = std::move(ack)](boost::system::error_code stopped) {
            if (!stopped) ack(live_.held_answer_());
        });
    }
    void on_accepted(const std::string& remote_json, Ack ack) override
    {
        record.durable.emplace_back("accepted");
        record.remote_json = remote_json;
        ack(RG_OK);
    }

    void begun()
    {
        if (plan_.after_progress == 0U) cancel();
        if (!plan_.after_time) return;
        timer_.expires_after(*plan_.after_time);
        timer_.async_wait([this](boost::system::error_code stopped) {
            if (!stopped) cancel();
        });
    }
    void ended()
    {
        timer_.cancel();
        held_.cancel();
        if (record.cancelled)
            record.after_cancel = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::steady_clock::now() - cancelled_at_);
    }
    const std::string& id() const { return id_; }

    RunRecord record;
    std::function<void()> at_first_progress;

private:
    void cancel()
    {
        if (record.cancelled) return;
        record.cancelled = true;
        record.told_before_cancel = record.progress.size();
        cancelled_at_ = std::chrono::steady_clock::now();
        live_.provider_->cancel(id_);
    }

    Live& live_;
    std::string id_;
    CancelPlan plan_;
    asio::steady_timer timer_;
    asio::steady_timer held_;
    std::chrono::steady_clock::time_point cancelled_at_;
};

Live::Live(Subject& subject, ProviderSettings settings, const NetworkWatch* watch) : stage_(subject)
{
    const fs::path& programs = subject.options.programs;
    fs::path program = programs / "reelgate-worker";
    if (watch != nullptr && !watch->blind()) {
        program = NetworkWatch::program(programs);
        settings.environment = watch->environment();
    }
    provider_ = std::make_unique<SupervisedProvider>(stage_.loop.get_executor(),
                                                     stage_.log,
                                                     stage_.clock,
                                                     program,
                                                     *subject.manifest,
                                                     std::move(settings));
}

Live::~Live() { stop(); }

Result<Done> Live::open()
{
    auto opened = stage_.wait(provider_->open(kCaseLimit));
    if (!opened) return internal_error("it was not ready within a minute");
    return *std::move(opened);
}

Result<ProbeReport> Live::probe()
{
    auto answer = stage_.wait(provider_->probe());
    if (!answer) return internal_error("the probe was not answered");
    return *std::move(answer);
}

std::shared_ptr<Live::Listener> Live::listener_for(const Request& request, CancelPlan cancel)
{
    auto listener = std::make_shared<Listener>(*this, "check-" + std::to_string(++runs_), cancel);
    listener->record.request = request;
    listener->record.work_dir = stage_.subject.new_dir("runs/work");
    fs::create_directories(listener->record.work_dir / "inputs");
    return listener;
}

// The coroutine owns a share of its listener: a run that does not come back within the limit of a
// case is left behind by the case, and not by the provider.
Task<Done> Live::attempt(AttemptOrder order, std::shared_ptr<Listener> listener)
{
    auto running = provider_->run(std::move(order), *listener);
    // The cancel leaves behind the request, not before it: posted, it runs once run() waits.
    asio::post(stage_.loop, [listener] { listener->begun(); });
    auto verdict = co_await std::move(running);
    listener->ended();
    co_return verdict;
}

AttemptOrder Live::order_for(const Listener& listener) const
{
    const AttemptFacts facts{
        .id = listener.id(), .deadline = kCaseLimit, .idempotency_key = listener.id()};
    return AttemptOrder{.id = listener.id(),
                        .request_json = to_json(listener.record.request, facts),
                        .work_dir = listener.record.work_dir,
                        .remote_json = {}};
}

RunRecord Live::finish(AttemptOrder order, const std::shared_ptr<Listener>& listener)
{
    auto verdict = stage_.wait(attempt(std::move(order), listener));
    listener->record.verdict = verdict
                                   ? *std::move(verdict)
                                   : Result<Done>(internal_error("it did not return in a minute"));
    return listener->record;
}

RunRecord Live::run(const Request& request, CancelPlan cancel)
{
    const auto listener = listener_for(request, cancel);
    return finish(order_for(*listener), listener);
}

RunRecord Live::resume(const Request& request, const std::string& remote_json)
{
    const auto listener = listener_for(request, {});
    AttemptOrder order = order_for(*listener);
    order.remote_json = remote_json;
    return finish(std::move(order), listener);
}

RunRecord Live::run_and_probe(const Request& request, std::optional<Result<ProbeReport>>& report)
{
    const auto listener = listener_for(request, {});
    bool asked = false;
    auto asking = [&asked, &report](SupervisedProvider& provider) -> asio::awaitable<void> {
        report = co_await provider.probe();
        asked = true;
    };
    bool began = false;
    listener->at_first_progress = [this, &asking, &began] {
        began = true;
        asio::co_spawn(stage_.loop, asking(*provider_), rethrow);
    };
    RunRecord record = finish(order_for(*listener), listener);
    // The question has a limit of its own; what it refers to lives until then.
    stage_.turn_until([&] { return asked || !began; }, kCaseLimit);
    listener->at_first_progress = nullptr;
    return record;
}

std::vector<RunRecord> Live::run_all(const std::vector<Request>& requests, std::size_t cancel_first)
{
    std::vector<std::shared_ptr<Listener>> listeners;
    const auto ended = std::make_shared<std::size_t>(0);
    const auto one = [](Live* live,
                        AttemptOrder order,
                        std::shared_ptr<Listener> listener,
                        std::shared_ptr<std::size_t> count) -> asio::awaitable<void> {
        auto verdict = co_await live->attempt(std::move(order), listener);
        listener->record.verdict = std::move(verdict);
        ++*count;
    };
    for (std::size_t i = 0; i < requests.size(); ++i) {
        CancelPlan plan;
        if (i < cancel_first) plan.after_progress = 0;
        const auto& listener = listeners.emplace_back(listener_for(requests[i], plan));
        asio::co_spawn(stage_.loop, one(this, order_for(*listener), listener, ended), rethrow);
    }
    stage_.turn_until([&] { return *ended == requests.size(); }, kCaseLimit);
    std::vector<RunRecord> records;
    for (const auto& listener : listeners)
        records.push_back(listener->record);
    if (*ended < requests.size())
        records.front().verdict = internal_error("not all runs returned within a minute");
    return records;
}

bool Live::stop()
{
    const auto before = provider_->supervision().killing_for;
    struct Stopped {};
    auto stopping = [](SupervisedProvider& provider) -> asio::awaitable<Stopped> {
        co_await provider.stop();
        co_return Stopped{};
    };
    const unsigned kills = provider_->kills();
    const bool stopped = stage_.wait(stopping(*provider_)).has_value();
    return stopped && provider_->kills() == kills && !before;
}

Subject::Subject(const Options& its_options, fs::path scratch)
    : options(its_options), scratch_(std::move(scratch))
{
}

fs::path Subject::new_dir(std::string_view name)
{
    fs::path dir = scratch_ / (std::string(name) + '-' + std::to_string(++made_));
    fs::create_directories(dir);
    fs::permissions(dir, fs::perms::owner_all);
    dirs_.insert(dir);
    return dir;
}

void Subject::sweep()
{
    std::error_code ignored; // the scratch directory goes as a whole in the end
    for (const fs::path& dir : dirs_)
        fs::remove_all(dir, ignored);
    dirs_.clear();
}

bool Subject::is_ours(const fs::path& dir) const { return dirs_.contains(dir); }

ProviderSettings Subject::settings()
{
    ProviderSettings settings;
    settings.id = manifest->id;
    settings.config_json = options.config_json;
    settings.data_dir = new_dir("data");
    settings.cache_dir = new_dir("cache");
    settings.work_root = scratch_ / "runs";
    settings.limits.bye = kHurriedBye;
    fs::create_directories(settings.work_root);
    return settings;
}

std::optional<Verdict> Subject::cannot_run() const
{
    if (!description) return skipped("the plugin could not be described");
    if (manifest->egress != Manifest::Egress::none && !options.online)
        return skipped("its egress is " + std::string(to_string(manifest->egress)) +
                       ": allow it with --online");
    if (description->resources.gpu == "required") return skipped("it needs a GPU");
    if (easiest() == nullptr) return skipped("no model of it makes something from words alone");
    return std::nullopt;
}

Json Subject::whole_config() const
{
    const auto config = checked_config(*description, options.config_json);
    return config ? Json::parse(*config) : Json::object();
}

const ModelCapability* Subject::easiest() const
{
    for (const ModelCapability& model : description->models)
        if (model.has_task("t2v") || model.has_task("image")) return &model;
    return nullptr;
}

Request Subject::smallest(const ModelCapability& model) const
{
    return request_for(model, model.sizes.smallest(), model.frames.smallest());
}

Request Subject::longest(const ModelCapability& model) const
{
    const FrameSize size = model.sizes.smallest();
    const std::uint64_t pixels =
        std::max<std::uint64_t>(1, std::uint64_t{size.width} * size.height);
    const auto affordable = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(kAffordablePixels / pixels, model.frames.largest()));
    return request_for(model, size, model.frames.nearest(std::max(1U, affordable)));
}

Request Subject::heaviest(const ModelCapability& model) const
{
    return request_for(model, model.sizes.largest(), model.frames.largest());
}

std::string sentence_of(const Result<Done>& verdict)
{
    return verdict ? std::string("it said OK") : verdict.error().sentence();
}

} // namespace reelgate::conformance
