// An engine on a store of its own, with providers that do what the test says and a clock that
// stands still. Files are not looked at here: that is for the tests with real workers.
#pragma once

#include "host/engine/engine.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace reelgate {

using namespace std::chrono_literals;

class StoppedClock final : public Clock {
public:
    SteadyTime now() const override { return SteadyTime{} + passed; }
    WallTime wall() const override
    {
        crept += each_reading;
        return WallTime(std::chrono::hours(500'000)) + passed + crept;
    }

    std::chrono::milliseconds passed{0};
    std::chrono::microseconds each_reading{0}; // how far it moves by being read
    mutable std::chrono::microseconds crept{0};
};

// What a provider says of itself that makes one size of film, of any usual length.
inline Description one_model(Charge charge = Charge::paid, std::uint32_t at_once = 1)
{
    Description d;
    d.egress = "none";
    d.max_concurrency = at_once;
    d.billing = charge;
    ModelCapability model;
    model.id = "one";
    model.tasks = {"t2v"};
    model.sizes = {.list = {{640, 384}}};
    model.frames = {.min = 5, .max = 121, .step = 4, .offset = 1};
    model.default_size = {640, 384};
    model.default_frames = 25;
    model.default_fps = 24;
    d.models = {model};
    return d;
}

// Works until it is cancelled, stopped or told to finish.
class BusyProvider final : public Provider {
public:
    BusyProvider(asio::io_context& loop, Description description, ProbeReport report)
        : loop_(loop), description_(std::move(description)), report_(std::move(report))
    {
    }

    Task<Done> open(std::chrono::milliseconds) override
    {
        ++opens;
        if (!is_up) co_return gone();
        co_return Done{};
    }
    const Description* description() const override { return &description_; }
    ProviderStatus status() const override
    {
        ProviderStatus status;
        status.health = is_up ? Health::ready : Health::unhealthy;
        status.restarts = deaths;
        return status;
    }
    Task<ProbeReport> probe() override { co_return report_; }

    Task<Done> run(AttemptOrder order, AttemptListener& listener) override
    {
        const std::string id = order.id;
        ++begun;
        if (dies_at_once) {
            ++deaths;
            co_return gone();
        }
        asio::steady_timer& end = runs.try_emplace(id, loop_).first->second;
        end.expires_at(asio::steady_timer::time_point::max());
        listeners_[id] = &listener;
        boost::system::error_code woken;
        co_await end.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        runs.erase(id);
        listeners_.erase(id);
        co_return ends_with;
    }
    void cancel(const std::string& attempt) override
    {
        if (hears_cancel) finish(attempt);
    }

    // What the test has it do.
    void say(ProviderState state) { report_.state = state; }
    void finish(const std::string& attempt)
    {
        if (const auto run = runs.find(attempt); run != runs.end()) run->second.cancel();
    }
    void intend(const std::string& attempt)
    {
        listeners_.at(attempt)->on_intend(R"({"key":"k"})", [](rg_status) {});
    }
    void accept(const std::string& attempt)
    {
        listeners_.at(attempt)->on_accepted(R"({"id":"r1"})", [](rg_status) {});
    }
    static Error gone()
    {
        return {.category = Category::plugin_crashed, .text = "gone", .phase = Phase::run};
    }
    bool is_up = true;
    bool dies_at_once = false;
    unsigned opens = 0;
    unsigned begun = 0; // runs
    unsigned deaths = 0;
    std::vector<std::string> abandoned;
    std::vector<std::string> calls; // of extensions
    bool hears_cancel = true;
    Error ends_with{.category = Category::cancelled, .text = "cancelled", .billing = Billing::free};
    Task<std::string> abandon(std::string remote) override
    {
        abandoned.push_back(std::move(remote));
        co_return "{}";
    }
    Task<std::string> call(std::string, std::string function, std::string, std::string) override
    {
        calls.push_back(function);
        if (answer_of_find && function == "find") co_return *answer_of_find;
        co_return invalid("there is no such extension", "no_extension");
    }
    asio::awaitable<void> stop() override
    {
        for (auto& [id, end] : runs)
            end.cancel();
        co_return;
    }

    std::map<std::string, asio::steady_timer> runs;
    std::optional<std::string> answer_of_find;

private:
    asio::io_context& loop_;
    Description description_;
    ProbeReport report_;
    std::map<std::string, AttemptListener*> listeners_;
};

// One engine, from its start to the end of its last coroutine.
class EngineStage {
public:
    explicit EngineStage(EngineSettings settings) : settings_(std::move(settings)) {}
    ~EngineStage() { close(); }

    void add(SlotConfig config, Description description, ProbeReport report)
    {
        config.health.interval = 1h; // one look, and then it is frozen
        config.health.hurried = 1h;
        waiting_.emplace_back(
            std::move(config),
            std::make_unique<BusyProvider>(loop, std::move(description), std::move(report)));
    }

    Engine& open()
    {
        StoreOptions where;
        where.directory = scratch / "jobs";
        where.keep_free_bytes = 0;
        auto opened = JobStore::open(loop.get_executor(), clock, where);
        auto artifacts = ArtifactStore::open(scratch / "artifacts");
        if (!opened || !artifacts) throw std::runtime_error("there is no store");
        store_ = *std::move(opened);
        artifacts_ = std::make_unique<ArtifactStore>(*std::move(artifacts));
        const EngineParts parts{.loop = loop,
                                .pool = pool_,
                                .clock = clock,
                                .log = log_,
                                .store = *store_,
                                .artifacts = *artifacts_,
                                .media = media_,
                                .work_root = scratch / "work",
                                .keep_root = scratch / "kept",
                                .inputs_root = scratch / "inputs"};
        engine_ = std::make_unique<Engine>(parts, settings_);
        for (auto& [config, provider] : waiting_)
            engine_->add(std::move(config), std::move(provider));
        engine_->start();
        until([&] {
            return std::all_of(engine_->slots().begin(), engine_->slots().end(), [](const auto& s) {
                return s->probed() || s->provider() == nullptr;
            });
        });
        return *engine_;
    }

    // Turns the loop until `reached`; gives up after a minute.
    bool until(const std::function<bool()>& reached)
    {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        while (!reached()) {
            if (std::chrono::steady_clock::now() >= deadline) {
                ADD_FAILURE() << "waited in vain";
                return false;
            }
            loop.restart();
            loop.run_one_for(20ms);
        }
        return true;
    }

    template <class T>
    T finish(asio::awaitable<T> task)
    {
        std::optional<T> answer;
        asio::co_spawn(loop, keep(std::move(task), answer), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
        until([&] { return answer.has_value(); });
        return *std::move(answer);
    }

    void close()
    {
        if (!engine_) return;
        finish(leave());
        engine_.reset();
        store_.reset();
        waiting_.clear();
    }

    ScratchDir scratch;
    StoppedClock clock;
    asio::io_context loop{1};

private:
    template <class T>
    static asio::awaitable<void> keep(asio::awaitable<T> task, std::optional<T>& answer)
    {
        answer.emplace(co_await std::move(task));
    }

    asio::awaitable<bool> leave()
    {
        co_await engine_->drain(0ms);
        co_await store_->close();
        co_return true;
    }

    EngineSettings settings_;
    asio::thread_pool pool_{2};
    MediaDesk media_{"/nonexistent", {}};
    Log log_{STDERR_FILENO, LogFormat::text, Level::error};
    std::vector<std::pair<SlotConfig, std::unique_ptr<Provider>>> waiting_;
    std::unique_ptr<JobStore> store_;
    std::unique_ptr<ArtifactStore> artifacts_;
    std::unique_ptr<Engine> engine_;
};

} // namespace reelgate
