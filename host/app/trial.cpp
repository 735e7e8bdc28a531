#include "host/app/trial.hpp"

#include "host/app/output.hpp"
#include "host/app/progress_line.hpp"
#include "host/app/provider_place.hpp"
#include "host/model/file_type.hpp"
#include "host/plugin/in_process.hpp"
#include "host/plugin/orphans.hpp"
#include "host/plugin/schema.hpp"
#include "host/plugin/supervised.hpp"

#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <random>
#include <utility>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

// A directory that ends with its scope: what was not taken out is not wanted.
class WorkDir {
public:
    static Result<WorkDir> make(const fs::path& parent, const std::string& name)
    {
        const fs::path dir = fs::absolute(parent / name).lexically_normal();
        std::error_code failed;
        fs::create_directories(parent, failed);
        // Made by us and by nobody else: a provider may write to its parent.
        fs::remove_all(dir, failed);
        if (::mkdir(dir.c_str(), S_IRWXU) != 0)
            return system_error(Category::internal, "making " + dir.string(), errno);
        return WorkDir(dir);
    }
    WorkDir(WorkDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    WorkDir& operator=(WorkDir&&) = delete;
    ~WorkDir()
    {
        std::error_code ignored; // what cannot be removed is swept with the data directory
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    const fs::path& path() const { return path_; }

private:
    explicit WorkDir(fs::path path) : path_(std::move(path)) {}
    fs::path path_;
};

Result<std::vector<RequestInput>> bring_in(const std::vector<fs::path>& images,
                                           const fs::path& work_dir)
{
    constexpr std::array kRoles{"start_image", "end_image"};
    if (images.size() > kRoles.size())
        return invalid("at most a start image and an end image can be given", "too_many_inputs");
    std::vector<RequestInput> inputs;
    for (std::size_t i = 0; i < images.size(); ++i) {
        const std::string relative = "inputs/" + std::to_string(i) + images[i].extension().string();
        std::error_code failed;
        fs::copy_file(images[i], work_dir / relative, failed);
        if (failed)
            return invalid(images[i].string() + ": " + failed.message(), "input_unreadable");
        inputs.push_back({.role = kRoles[i],
                          .path = relative,
                          .mime = std::string(type_of_extension(images[i].extension().string()))});
    }
    return inputs;
}

// The named model, or the first that can do the task.
Result<const ModelCapability*> model_for(const Wish& wish, const Description& description)
{
    const std::string task = wish.task.value_or("t2v");
    for (const ModelCapability& model : description.models) {
        if (wish.model && model.id != *wish.model) continue;
        if (wish.model || model.has_task(task)) return &model;
    }
    std::string known;
    for (const ModelCapability& model : description.models)
        known += (known.empty() ? "" : ", ") + model.id;
    if (wish.model)
        return Error{.category = Category::model_not_found,
                     .text =
                         description.id + " has no model '" + *wish.model + "'; it has: " + known};
    return Error{.category = Category::unsupported_capability,
                 .text = "no model of " + description.id + " can do " + task + "; it has: " + known,
                 .code = "task_unsupported"};
}

Result<std::string> checked_params(const std::string& params_json, const Description& description)
{
    auto given = parse_json(params_json);
    if (!given) return std::move(given).error().while_doing("params");
    const auto [whole, violations] = fitted(description.params_schema, *std::move(given));
    if (!violations.empty())
        return invalid("params: " + violations[0].sentence, violations[0].code);
    return json_text(whole);
}

Result<fs::path> put(const fs::path& file, fs::path wanted, const Request& request)
{
    if (wanted.empty())
        wanted = "reelgate-" + std::to_string(request.seed % 100'000) + file.extension().string();
    std::error_code failed;
    fs::rename(file, wanted, failed);
    if (!failed) return wanted;
    failed.clear();
    fs::copy_file(
        file, wanted, fs::copy_options::overwrite_existing, failed); // another file system
    if (failed)
        return system_error(Category::storage_full, "writing " + wanted.string(), failed.value());
    return wanted;
}

Milliseconds since(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - start);
}

// Shows progress, and keeps nothing: a trial's submits are on nobody's books but the user's own.
class Watcher final : public AttemptWatcher {
public:
    explicit Watcher(ProgressLine& line) : line_(line) {}
    void on_progress(const ProgressNote& note) override { line_.show(note); }
    void on_preview(const std::string& /*path*/) override {}
    void on_intend(const std::string& /*what*/, Ack ack) override { ack(RG_OK); }
    void on_accepted(const std::string& remote_json, Ack ack) override
    {
        line_.say("accepted: " + printable(remote_json));
        ack(RG_OK);
    }

private:
    ProgressLine& line_;
};

class Trial {
public:
    Trial(const Globals& globals, TrialOrder order)
        : globals_(globals), order_(std::move(order)),
          log_(STDERR_FILENO, globals.log_format, Level::warn), line_(STDERR_FILENO, globals.quiet),
          media_(globals.program("reelgate-media"), {.films = 1, .pictures = 1}),
          signals_(loop_, SIGINT, SIGTERM)
    {
    }

    Result<TrialReport> run()
    {
        std::optional<Result<TrialReport>> report;
        listen_for_signals();
        asio::co_spawn(loop_, whole(report), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
        loop_.run();
        media_.join();
        return *std::move(report);
    }

private:
    asio::awaitable<void> whole(std::optional<Result<TrialReport>>& report)
    {
        provider_ = make_provider();
        report.emplace(co_await attempt());
        co_await provider_->stop();
        signals_.cancel();
    }

    std::unique_ptr<Provider> make_provider()
    {
        ProviderSettings settings = settings_in_place(globals_.data_dir, order_.manifest.id);
        settings.config_json = order_.config_json;
        work_root_ = settings.work_root;
        await_end(kill_leftovers(globals_.data_dir), 2s);
        if (order_.in_process)
            return std::make_unique<InProcessProvider>(
                loop_.get_executor(), log_, clock_, order_.manifest, std::move(settings));
        auto provider = std::make_unique<SupervisedProvider>(loop_.get_executor(),
                                                             log_,
                                                             clock_,
                                                             globals_.program("reelgate-worker"),
                                                             order_.manifest,
                                                             std::move(settings));
        return provider;
    }

    Task<TrialReport> attempt()
    {
        TrialReport report;
        const auto start = std::chrono::steady_clock::now();
        RG_CO_CHECK(co_await provider_->open(order_.patience));
        report.start_took = since(start);

        const std::string id = "trial-" + std::to_string(::getpid());
        RG_CO_TRY(const WorkDir work, WorkDir::make(work_root_, id));
        RG_CO_TRY(const WorkDir keep, WorkDir::make(keep_dir_of(globals_.data_dir), id));
        RG_CO_TRY(AttemptPlan plan, plan_for(work, report));
        plan.id = id;
        plan.keep_dir = keep.path();
        running_ = id;
        Watcher watcher(line_);
        const AttemptTools tools{*provider_, media_};
        auto video = co_await run_attempt(tools, plan, watcher);
        running_.clear();
        if (!video) co_return std::move(video).error();
        report.run_took = since(start) - report.start_took;
        report.facts = video->facts;
        report.request = plan.request;
        RG_CO_TRY(report.output, put(video->file, order_.output, plan.request));
        co_return report;
    }

    Result<AttemptPlan> plan_for(const WorkDir& work, TrialReport& report)
    {
        const Description& description = *provider_->description();
        Wish wish = order_.wish;
        std::error_code failed; // then a copy fails, and says where
        fs::create_directory(work.path() / "inputs", failed);
        RG_TRY(wish.inputs, bring_in(order_.images, work.path()));
        if (!wish.task)
            wish.task = wish.inputs.empty() ? "t2v" : wish.inputs.size() == 1 ? "i2v" : "flf2v";
        RG_TRY(wish.params_json, checked_params(wish.params_json, description));
        RG_TRY(const ModelCapability* model, model_for(wish, description));
        const std::uint64_t seed = std::random_device{}();
        RG_TRY(Normalised normalised, normalise(wish, *model, Adjust::nearest, seed));
        for (const std::string& warning : normalised.warnings)
            line_.say("note: " + warning);
        report.warnings = std::move(normalised.warnings);
        AttemptPlan plan;
        plan.request = std::move(normalised.request);
        plan.work_dir = work.path();
        plan.idempotency_key = work.path().filename().string();
        plan.accept_deviations = order_.accept_deviations;
        return plan;
    }

    void listen_for_signals()
    {
        signals_.async_wait([this](boost::system::error_code stopped, int number) {
            if (stopped) return;
            std::signal(number, SIG_DFL); // a second one ends the program
            line_.say("cancelling; once more to leave at once");
            if (running_.empty()) {
                std::raise(number);
            } else {
                provider_->cancel(running_);
                media_.stop(running_);
            }
        });
    }

    const Globals& globals_;
    TrialOrder order_;
    SystemClock clock_;
    Log log_;
    ProgressLine line_;
    MediaDesk media_;
    asio::io_context loop_{1};
    asio::signal_set signals_;
    fs::path work_root_; // of this provider
    std::string running_;
    std::unique_ptr<Provider> provider_;
};

} // namespace

Result<TrialReport> run_trial(const Globals& globals, TrialOrder order)
{
    return Trial(globals, std::move(order)).run();
}

} // namespace reelgate
