#include "host/plugin/config_check.hpp"
#include "host/plugin/in_process_state.hpp"
#include "host/plugin/library.hpp"

#include <system_error>
#include <thread>
#include <utility>

namespace reelgate {
namespace {

using namespace std::chrono_literals;

constexpr auto kProbePatience = 2s;
constexpr auto kCallPatience = 300s;

// A plugin may still hold the job of a run() that has returned; this many are kept for it.
constexpr std::size_t kKeptJobs = 64;

constexpr const char* kStuck = "stuck_in_process";

Error stuck(const Manifest& manifest, std::string_view what)
{
    return Error{.category = Category::timeout,
                 .text = manifest.id + " did not come back from " + std::string(what) +
                         " and, running in this process, cannot be ended",
                 .code = kStuck,
                 .hint = "restart Reelgate; run the provider with isolation: process",
                 .phase = Phase::run};
}

Error no_thread(const std::system_error& why)
{
    return Error{.category = Category::unknown,
                 .text = std::string("there is no thread for the plugin: ") + why.what(),
                 .code = "host_memory",
                 .phase = Phase::run};
}

} // namespace

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

Error InProcessProvider::not_ready() const
{
    return Error{.category = Category::worker_unavailable,
                 .text = manifest_.id + ": " + status_.reason,
                 .code = "not_ready",
                 .phase = Phase::queue};
}

Task<Done> InProcessProvider::open(std::chrono::milliseconds patience)
{
    if (status_.health == Health::ready) co_return Done{};
    if (!loading_) RG_CO_CHECK(begin_loading());
    const auto loading = loading_;
    auto answering = answer_to(loading, patience);
    const auto answered = co_await std::move(answering);
    if (!loading->answer) { // it goes on, and the next open() waits for the same
        become(Health::unhealthy, answered.error().text);
        co_return answered.error();
    }
    if (loading_ == loading) settle_loading(*loading);
    if (status_.health == Health::ready) co_return Done{};
    if (!*loading->answer) co_return loading->answer->error();
    co_return not_ready();
}

// Nothing is loaded beside a call that does not come back.
Result<Done> InProcessProvider::begin_loading()
{
    if (guest_) return not_ready();
    become(Health::starting, "");
    const std::string who = manifest_.id + ' ' + manifest_.version;
    const auto refuse = [this](Error why) {
        become(Health::misconfigured, why.text);
        return why;
    };
    if (manifest_.runtime != Manifest::Runtime::native)
        return refuse(Error{.category = Category::worker_unavailable,
                            .text = who + " is a program of its own and cannot run in this process",
                            .code = "exec_in_process",
                            .hint = "leave out isolation: in_process"});

    // On the loop, and once: a library that hangs here is why in-process is for trusted plugins
    // only.
    auto table = open_library(manifest_.program(), who, OnEscape::contain, settings_.host_minor);
    if (!table) return refuse(std::move(table).error());
    guest_ = std::make_shared<Guest>(loop_, log_, *table, settings_);
    // A copy of everything: the thread may outlive this object.
    loading_ = put([manifest = manifest_, config_json = settings_.config_json](Guest& guest) {
        return load(guest, manifest, config_json);
    });
    return Done{};
}

// On a thread of the plugin's: describe, check, create.
Result<std::string>
InProcessProvider::load(Guest& guest, const Manifest& manifest, const std::string& config_json)
{
    RG_TRY(const std::string text, guest.table.describe());
    RG_TRY(guest.description, checked_description(text, manifest));
    RG_TRY(const std::string config, checked_config(*guest.description, config_json));
    RG_TRY(guest.self, guest.table.create(guest.host.c(), config));
    return std::string();
}

void InProcessProvider::settle_loading(const Exchange& loading)
{
    loading_.reset();
    if (guest_->description) description_ = guest_->description;
    if (*loading.answer) return become(Health::ready, "");
    guest_.reset(); // the next open() tries again
    become(Health::misconfigured, loading.answer->error().text);
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
std::shared_ptr<InProcessProvider::Exchange> InProcessProvider::put(Question question)
{
    auto exchange = std::make_shared<Exchange>();
    ++guest_->inside;
    try {
        std::thread([guest = guest_, exchange, question = std::move(question)] {
            const Result<std::string> answer = question(*guest);
            guest->on_loop([guest, exchange, answer] {
                guest->came_back();
                exchange->settle(answer);
            });
        }).detach();
    } catch (const std::system_error& none) {
        guest_->came_back();
        exchange->settle(no_thread(none));
    }
    return exchange;
}

Task<std::string> InProcessProvider::answer_to(std::shared_ptr<Exchange> exchange,
                                               std::chrono::milliseconds patience)
{
    if (!exchange->answer) {
        asio::steady_timer timer(loop_, patience);
        const auto asked = asked_.insert(asked_.end(), exchange);
        const auto waiter = exchange->waiters.insert(exchange->waiters.end(), &timer);
        boost::system::error_code woken;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        exchange->waiters.erase(waiter);
        asked_.erase(asked);
    }
    if (exchange->answer) co_return *exchange->answer;
    co_return stuck(manifest_, "a call");
}

Task<std::string> InProcessProvider::ask(Question question, std::chrono::milliseconds patience)
{
    if (!guest_ || loading_) co_return not_ready();
    auto answering = answer_to(put(std::move(question)), patience);
    co_return co_await std::move(answering);
}

Task<ProbeReport> InProcessProvider::probe()
{
    auto asking = ask([](Guest& g) { return g.table.probe(g.self); }, kProbePatience);
    const auto answer = co_await std::move(asking);
    if (!answer) co_return answer.error();
    co_return parse_probe(*answer);
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
    if (status_.health != Health::ready) co_return not_ready();
    auto visit = std::make_shared<Visit>(guest_, order, listener);
    if (!visits_.emplace(order.id, visit).second)
        co_return internal_error("attempt " + order.id + " runs already");
    enter(visit);
    auto waiting = await_verdict(visit);
    Result<Done> verdict = co_await std::move(waiting);
    visit->listener = nullptr;
    visits_.erase(order.id);
    over_.push_back(std::move(visit));
    if (over_.size() > kKeptJobs) over_.pop_front();
    co_return verdict;
}

void InProcessProvider::enter(const std::shared_ptr<Visit>& visit)
{
    ++guest_->inside;
    try {
        std::thread([visit] {
            const Guest& guest = *visit->guest;
            const rg_job& job = visit->face.c();
            const Result<Done> verdict = visit->remote
                                             ? guest.table.resume(guest.self, job, *visit->remote)
                                             : guest.table.run(guest.self, job);
            visit->face.over();
            visit->guest->on_loop([visit, verdict] {
                visit->guest->came_back();
                visit->settle(verdict);
            });
        }).detach();
    } catch (const std::system_error& none) {
        guest_->came_back();
        visit->settle(no_thread(none));
    }
}

// The clocks of a worker's supervision, without the kill at their end.
Task<Done> InProcessProvider::await_verdict(std::shared_ptr<Visit> visit)
{
    const auto silent_for = settings_.silent_for.value_or(description_->silent_for);
    const auto cancel_within = settings_.cancel_within.value_or(description_->cancel_within);
    asio::steady_timer timer(loop_);
    visit->waiter = &timer;
    while (!visit->verdict) {
        const auto now = std::chrono::steady_clock::now();
        if (visit->cancelled_at && now >= *visit->cancelled_at + cancel_within) {
            become(Health::unhealthy, "an attempt does not return");
            visit->verdict = stuck(manifest_, "run()");
            break;
        }
        if (!visit->cancelled_at && now >= visit->last_sign + silent_for) {
            visit->stalled = true;
            visit->cancel();
        }
        boost::system::error_code woken;
        timer.expires_at(visit->cancelled_at ? *visit->cancelled_at + cancel_within
                                             : visit->last_sign + silent_for);
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto ours = co_await asio::this_coro::cancellation_state;
        if (ours.cancelled() == asio::cancellation_type::none || visit->verdict) continue;
        visit->cancel();
        visit->verdict =
            Error{.category = Category::cancelled, .text = "nobody waits for it any more"};
    }
    visit->waiter = nullptr;
    const bool failed = !*visit->verdict;
    if (visit->stalled && failed && visit->verdict->error().code != kStuck)
        co_return Error{.category = Category::timeout,
                        .text = manifest_.id + " gave no sign of life and was cancelled",
                        .code = "run_stalled",
                        .phase = Phase::run};
    co_return *visit->verdict;
}

void InProcessProvider::cancel(const std::string& attempt)
{
    if (const auto found = visits_.find(attempt); found != visits_.end()) found->second->cancel();
}

asio::awaitable<void> InProcessProvider::stop()
{
    for (const auto& [id, visit] : visits_)
        visit->cancel();
    const auto guest = guest_;
    asio::steady_timer timer(loop_, settings_.limits.bye);
    while (guest && guest->inside > 0 && timer.expiry() > std::chrono::steady_clock::now()) {
        boost::system::error_code woken;
        guest->leaving = &timer;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        guest->leaving = nullptr;
    }
    end_waiting();
    while (!visits_.empty() || !asked_.empty()) // they have been told, and leave in their turn
        co_await asio::post(loop_, asio::use_awaitable);
    if (guest && guest->inside > 0) { // the instance has to stay
        become(Health::unhealthy, "it was stopped, and a call has not come back");
        co_return;
    }
    if (guest) {
        if (guest->self != nullptr) guest->table.destroy(std::exchange(guest->self, nullptr));
        guest->leave();
    }
    if (guest_ == guest) {
        guest_.reset();
        loading_.reset();
    }
    become(Health::disabled, "stopped");
}

// Whoever still waits for the plugin hears now that it will not come back.
void InProcessProvider::end_waiting()
{
    for (const auto& [id, visit] : visits_)
        visit->settle(stuck(manifest_, "run()"));
    for (const auto& exchange : asked_)
        exchange->wake();
}

} // namespace reelgate
