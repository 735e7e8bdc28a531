#include "host/plugin/in_process.hpp"

#include "host/plugin/config_check.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/work_dir.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

namespace reelgate {
namespace {

using namespace std::chrono_literals;

constexpr auto kProbePatience = 2s;
constexpr auto kCallPatience = 300s;

// How long stop() waits for calls that are still inside the plugin.
constexpr auto kLeavePatience = 5s;

Error stuck(const Manifest& manifest, std::string_view what)
{
    return Error{.category = Category::timeout,
                 .text = manifest.id + " did not come back from " + std::string(what) +
                         " and, running in this process, cannot be ended",
                 .code = "stuck_in_process",
                 .hint = "restart Reelgate; run the provider with isolation: process",
                 .phase = Phase::run};
}

} // namespace

struct InProcessProvider::Guest final : HostEar {
    Guest(asio::any_io_executor its_loop,
          const Log& its_log,
          Table its_table,
          const ProviderSettings& settings)
        : loop(std::move(its_loop)), log(its_log), id(settings.id), table(its_table),
          host(*this, settings.data_dir, settings.cache_dir, settings.shape)
    {
    }

    // Runs `work` on the loop, unless the loop's side has gone.
    void on_loop(std::function<void()> work)
    {
        const std::lock_guard lock(mutex);
        if (open) asio::post(loop, std::move(work));
    }

    void leave()
    {
        const std::lock_guard lock(mutex);
        open = false;
    }

    void on_log(rg_level level, std::string event, std::string fields_json) override
    {
        log.write(Event::plugin_log,
                  static_cast<Level>(level),
                  {
                      {"provider", id         },
                      {"said",     event      },
                      {"fields",   fields_json}
        });
    }

    asio::any_io_executor loop;
    const Log& log;
    std::string id;
    Table table;
    HostFace host;
    std::atomic<void*> self{nullptr};
    std::atomic<unsigned> inside{0}; // threads that have entered the plugin and not come back

    std::mutex mutex;
    bool open = true;
};

struct InProcessProvider::Visit final : JobEar, std::enable_shared_from_this<Visit> {
    Visit(std::shared_ptr<Guest> its_guest,
          const AttemptOrder& order,
          AttemptListener& its_listener)
        : guest(std::move(its_guest)), id(order.id), work_dir(order.work_dir),
          remote(order.remote_json), listener(&its_listener),
          face(*this, order.request_json, order.work_dir),
          wake(guest->loop, asio::steady_timer::time_point::max())
    {
    }

    // From the plugin's threads ----------------------------------------------------------------

    void on_progress(ProgressNote note) override
    {
        tell([note](AttemptListener& l) { l.on_progress(note); });
    }
    rg_status on_preview(std::string path) override
    {
        if (!open_in_work_dir(work_dir, {.relative = path})) return RG_REJECTED;
        tell([path](AttemptListener& l) { l.on_preview(path); });
        return RG_OK;
    }
    rg_status on_artifact(std::string path, std::string meta_json) override
    {
        const auto meta = parse_json(meta_json.empty() ? "{}" : meta_json);
        if (!meta || !meta->is_object()) return RG_REJECTED;
        const auto word = [&](const char* member, const char* otherwise) {
            const auto found = meta->find(member);
            return found != meta->end() && found->is_string() ? found->get<std::string>()
                                                              : std::string(otherwise);
        };
        const ArtifactOffer offer{path, word("role", "video"), word("mime", ""), json_text(*meta)};
        const bool directory = offer.role == "frames";
        if (!open_in_work_dir(work_dir, {.relative = path, .directory = directory}))
            return RG_REJECTED;
        tell([offer](AttemptListener& l) { l.on_artifact(offer); });
        return RG_OK;
    }
    rg_status on_intend(std::string what) override
    {
        return durable([what](AttemptListener& l, Ack ack) { l.on_intend(what, std::move(ack)); },
                       what);
    }
    rg_status on_accepted(std::string remote_json) override
    {
        return durable([remote_json](AttemptListener& l,
                                     Ack ack) { l.on_accepted(remote_json, std::move(ack)); },
                       remote_json);
    }
    void on_late_call(std::string_view function) override
    {
        guest->log.write(
            Event::worker_misbehaved,
            {
                {"provider", guest->id         },
                {"what",     "plugin.late_call"},
                {"text",     function          }
        });
    }

    void tell(std::function<void(AttemptListener&)> news)
    {
        guest->on_loop([me = shared_from_this(), news = std::move(news)] {
            me->last_sign = std::chrono::steady_clock::now();
            if (me->listener != nullptr) news(*me->listener);
        });
    }

    rg_status durable(std::function<void(AttemptListener&, Ack)> question, const std::string& text)
    {
        const auto content = parse_json(text);
        if (!content || !content->is_object()) return RG_REJECTED;
        auto answer = std::make_shared<std::promise<rg_status>>();
        tell([question = std::move(question), answer](AttemptListener& l) {
            question(l, [answer](rg_status status) { answer->set_value(status); });
        });
        // When the listener has gone, the question is dropped and the promise with it.
        std::future<rg_status> given = answer->get_future();
        answer.reset();
        try {
            return given.get();
        } catch (const std::future_error&) {
            return RG_FAILED;
        }
    }

    std::shared_ptr<Guest> guest;
    std::string id;
    std::filesystem::path work_dir;
    std::optional<std::string> remote;
    AttemptListener* listener; // the loop's; null once nobody listens
    JobFace face;
    asio::steady_timer wake;
    SteadyTime last_sign = std::chrono::steady_clock::now();
    std::optional<SteadyTime> cancelled_at;
    bool stalled = false;
    std::optional<Result<Done>> verdict;
};

InProcessProvider::InProcessProvider(asio::any_io_executor loop,
                                     const Log& log,
                                     const Clock& clock,
                                     Manifest manifest,
                                     ProviderSettings settings)
    : loop_(std::move(loop)), log_(log), clock_(clock), manifest_(std::move(manifest)),
      settings_(std::move(settings))
{
    become(Health::disabled, "not started");
}

InProcessProvider::~InProcessProvider()
{
    if (guest_) guest_->leave();
}

void InProcessProvider::become(Health health, std::string reason)
{
    status_.health = health;
    status_.reason = std::move(reason);
    status_.since = clock_.now();
}

Task<Done> InProcessProvider::open(std::chrono::milliseconds patience)
{
    if (guest_ && guest_->self) co_return Done{};
    become(Health::starting, "");
    const std::string who = manifest_.id + ' ' + manifest_.version;
    if (manifest_.runtime != Manifest::Runtime::native)
        co_return Error{.category = Category::worker_unavailable,
                        .text = who + " is a program of its own and cannot run in this process",
                        .code = "exec_in_process",
                        .hint = "leave out isolation: in_process"};

    // On the loop, and once: a library that hangs here is why in-process is for trusted plugins
    // only.
    auto table = open_library(manifest_.program(), who, OnEscape::contain, settings_.host_minor);
    if (!table) {
        become(Health::misconfigured, table.error().text);
        co_return std::move(table).error();
    }
    guest_ = std::make_shared<Guest>(loop_, log_, *table, settings_);
    auto loading = [this](Guest&) { return load(); };
    auto created = co_await ask(loading, patience);
    if (!created) {
        become(Health::misconfigured, created.error().text);
        co_return std::move(created).error();
    }
    become(Health::ready, "");
    co_return Done{};
}

// On a thread of the plugin's: describe, check, create. open() waits, so nobody else touches these.
Result<std::string> InProcessProvider::load()
{
    RG_TRY(const std::string text, guest_->table.describe());
    RG_TRY(description_, checked_description(text, manifest_));
    RG_TRY(const std::string config, checked_config(*description_, settings_.config_json));
    RG_TRY(void* self, guest_->table.create(guest_->host.c(), config));
    guest_->self = self;
    return std::string();
}

const Description* InProcessProvider::description() const
{
    return description_ ? &*description_ : nullptr;
}

ProviderStatus InProcessProvider::status() const
{
    ProviderStatus status = status_;
    const bool full = description_ && visits_.size() >= description_->max_concurrency;
    if (status.health == Health::ready && full) status.health = Health::busy;
    return status;
}

// Asks on a thread that owns a share of the guest, so that a call which never returns harms nobody.
Task<std::string> InProcessProvider::ask(std::function<Result<std::string>(Guest&)> question,
                                         std::chrono::milliseconds patience)
{
    struct Exchange {
        explicit Exchange(const asio::any_io_executor& loop) : wake(loop) {}
        asio::steady_timer wake;
        std::optional<Result<std::string>> answer;
    };
    auto exchange = std::make_shared<Exchange>(loop_);
    ++guest_->inside;
    std::thread([guest = guest_, exchange, question = std::move(question)]() mutable {
        Result<std::string> answer = question(*guest);
        --guest->inside;
        guest->on_loop([exchange, answer = std::move(answer)] {
            exchange->answer = answer;
            exchange->wake.cancel();
        });
    }).detach();

    boost::system::error_code woken;
    exchange->wake.expires_after(patience);
    co_await exchange->wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (exchange->answer) co_return *std::move(exchange->answer);
    co_return stuck(manifest_, "a call");
}

Task<ProbeReport> InProcessProvider::probe()
{
    if (!guest_ || !guest_->self) co_return internal_error("probed before it was open");
    const std::function<Result<std::string>(Guest&)> question = [](Guest& g) {
        return g.table.probe(g.self);
    };
    RG_CO_TRY(const std::string answer, co_await ask(question, kProbePatience));
    co_return parse_probe(answer);
}

Task<std::string> InProcessProvider::abandon(std::string remote_json)
{
    return ask([remote_json](Guest& g) { return g.table.abandon(g.self, remote_json); },
               kCallPatience);
}

Task<std::string> InProcessProvider::call(std::string extension,
                                          std::string function,
                                          std::string name,
                                          std::string argument_json)
{
    return ask(
        [extension, function, name, argument_json](Guest& g) {
            return g.table.call(g.self, extension, function, name, argument_json);
        },
        kCallPatience);
}

Task<Done> InProcessProvider::run(AttemptOrder order, AttemptListener& listener)
{
    if (status_.health != Health::ready || !guest_)
        co_return Error{.category = Category::worker_unavailable,
                        .text = manifest_.id + ": " + status_.reason,
                        .code = "not_ready",
                        .phase = Phase::queue};
    auto visit = std::make_shared<Visit>(guest_, order, listener);
    if (!visits_.emplace(order.id, visit).second)
        co_return internal_error("attempt " + order.id + " runs already");
    ++guest_->inside;
    std::thread([visit] {
        Guest& guest = *visit->guest;
        Result<Done> verdict = visit->remote
                                   ? guest.table.resume(guest.self, visit->face.c(), *visit->remote)
                                   : guest.table.run(guest.self, visit->face.c());
        visit->face.over();
        --guest.inside;
        guest.on_loop([visit, verdict = std::move(verdict)] {
            visit->verdict = verdict;
            visit->wake.cancel();
        });
    }).detach();
    auto waiting = await_verdict(visit);
    Result<Done> verdict = co_await std::move(waiting);
    visit->listener = nullptr;
    visits_.erase(order.id);
    co_return verdict;
}

// The clocks of a worker's supervision, without the kill at their end.
Task<Done> InProcessProvider::await_verdict(std::shared_ptr<Visit> visit)
{
    const auto silent_for = description_->silent_for;
    const auto cancel_within = description_->cancel_within;
    while (!visit->verdict) {
        const auto now = std::chrono::steady_clock::now();
        if (visit->cancelled_at && now >= *visit->cancelled_at + cancel_within) {
            become(Health::unhealthy, "an attempt does not return");
            co_return stuck(manifest_, "run()");
        }
        if (!visit->cancelled_at && now >= visit->last_sign + silent_for) {
            visit->stalled = true;
            visit->cancelled_at = now;
            visit->face.cancel();
        }
        boost::system::error_code woken;
        visit->wake.expires_at(visit->cancelled_at ? *visit->cancelled_at + cancel_within
                                                   : visit->last_sign + silent_for);
        co_await visit->wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    if (visit->stalled && !*visit->verdict)
        co_return Error{.category = Category::timeout,
                        .text = manifest_.id + " gave no sign of life and was cancelled",
                        .code = "run_stalled",
                        .phase = Phase::run};
    co_return *visit->verdict;
}

void InProcessProvider::cancel(const std::string& attempt)
{
    const auto found = visits_.find(attempt);
    if (found == visits_.end() || found->second->cancelled_at) return;
    found->second->cancelled_at = std::chrono::steady_clock::now();
    found->second->face.cancel();
    found->second->wake.cancel();
}

asio::awaitable<void> InProcessProvider::stop()
{
    for (const auto& [id, visit] : visits_)
        visit->face.cancel();
    if (!guest_) co_return;
    const auto deadline = std::chrono::steady_clock::now() + kLeavePatience;
    asio::steady_timer pause(loop_);
    while (guest_->inside > 0 && std::chrono::steady_clock::now() < deadline) {
        boost::system::error_code woken;
        pause.expires_after(10ms);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    // With a thread still inside, the instance has to stay.
    if (void* self = guest_->self; self != nullptr && guest_->inside == 0) {
        guest_->self = nullptr;
        guest_->table.destroy(self);
    }
    become(Health::disabled, "stopped");
}

} // namespace reelgate
