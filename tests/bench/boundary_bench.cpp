// The worker boundary: how long a worker takes to be ready, what a message through it costs beside
// what two processes pay at the least, and how soon a death is known. Attempts are timed from the
// request to the verdict, so what is said here is never less than the thing itself.
#include "host/plugin/manifest.hpp"
#include "host/plugin/supervised.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

class NoListener final : public AttemptListener {
public:
    void on_progress(const ProgressNote& /*note*/) override {}
    void on_preview(const std::string& /*path*/) override {}
    void on_artifact(const ArtifactOffer& /*offer*/) override {}
    void on_intend(const std::string& /*what*/, Ack ack) override { ack(RG_OK); }
    void on_accepted(const std::string& /*remote*/, Ack ack) override { ack(RG_OK); }
};

Manifest plugin(const std::string& id)
{
    auto manifest = read_manifest(REELGATE_BINARY_DIR "/plugins/" + id);
    if (!manifest) throw std::runtime_error(manifest.error().sentence());
    return *manifest;
}

// One provider in a worker, and the loop it lives on.
class Bench {
public:
    explicit Bench(const std::string& id) : null_(::open("/dev/null", O_WRONLY | O_CLOEXEC))
    {
        settings.id = id;
        settings.data_dir = scratch_ / "data";
        settings.cache_dir = scratch_ / "data/cache";
        settings.work_root = scratch_ / "work";
        std::filesystem::create_directories(settings.cache_dir);
        std::filesystem::create_directories(settings.work_root / "a/inputs");
        settings.limits.first_rest = 1ms;
        settings.limits.crashes = 1'000'000;
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    ~Bench() { stop(); }

    // From nothing to ready.
    Seconds start()
    {
        const auto began = clock_.now();
        provider_ = std::make_unique<SupervisedProvider>(loop_.get_executor(),
                                                         log_,
                                                         clock_,
                                                         REELGATE_BINARY_DIR "/bin/reelgate-worker",
                                                         plugin(settings.id),
                                                         settings);
        if (!wait(provider_->open(30s))) throw std::runtime_error("not ready");
        return clock_.now() - began;
    }

    void stop()
    {
        if (!provider_) return;
        auto stopping = stop_provider();
        static_cast<void>(wait(std::move(stopping)));
        provider_.reset();
    }

    Seconds ping()
    {
        const auto began = clock_.now();
        if (!wait(provider_->ping())) throw std::runtime_error("no pong");
        return clock_.now() - began;
    }

    // From the request to the verdict, which is a failure.
    Seconds fail(const std::string& request_json)
    {
        AttemptOrder order{.id = "a",
                           .request_json = request_json,
                           .work_dir = settings.work_root / "a",
                           .remote_json = {}};
        const auto began = clock_.now();
        if (wait(provider_->run(std::move(order), listener_)))
            throw std::runtime_error("no failure");
        return clock_.now() - began;
    }

    void await_ready()
    {
        loop_.restart();
        while (provider_->life() != supervise::Life::ready)
            loop_.run_one();
    }

    ProviderSettings settings;

private:
    Task<Done> stop_provider()
    {
        co_await provider_->stop();
        co_return Done{};
    }

    Result<Done> wait(Task<Done> task)
    {
        std::optional<Result<Done>> result;
        auto kept = keep(std::move(task), result);
        asio::co_spawn(loop_, std::move(kept), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
        loop_.restart();
        while (!result)
            loop_.run_one();
        return *result;
    }

    static asio::awaitable<void> keep(Task<Done> task, std::optional<Result<Done>>& result)
    {
        result = co_await std::move(task);
    }

    ScratchDir scratch_;
    Fd null_;
    SystemClock clock_;
    asio::io_context loop_{1};
    Log log_{null_.get(), LogFormat::json, Level::error};
    NoListener listener_;
    std::unique_ptr<SupervisedProvider> provider_;
};

// The median of many, in microseconds one way, of round trips.
template <class RoundTrip>
void one_way(benchmark::State& state, RoundTrip trip)
{
    std::vector<double> micros;
    for (auto unused : state) {
        (void)unused;
        const Seconds took = trip();
        state.SetIterationTime(took.count() / 2);
        micros.push_back(took.count() * 1e6 / 2);
    }
    const auto middle = micros.begin() + static_cast<std::ptrdiff_t>(micros.size() / 2);
    std::nth_element(micros.begin(), middle, micros.end());
    state.counters["median_us"] = *middle;
}

// Two processes, a socket pair, 64 bytes there and back: less is not to be had.
void one_way_floor(benchmark::State& state)
{
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return state.SkipWithError("no socket pair");
    std::array<char, 64> message{};
    const pid_t echo = ::fork();
    if (echo == 0) {
        ::close(ends[0]);
        while (::read(ends[1], message.data(), message.size()) > 0)
            if (::write(ends[1], message.data(), message.size()) < 0) break;
        ::_exit(0);
    }
    ::close(ends[1]);
    one_way(state, [&]() -> Seconds {
        const auto began = std::chrono::steady_clock::now();
        if (::write(ends[0], message.data(), message.size()) < 0 ||
            ::read(ends[0], message.data(), message.size()) < 0)
            throw std::runtime_error("the echo is gone");
        return std::chrono::steady_clock::now() - began;
    });
    ::close(ends[0]);
    ::waitpid(echo, nullptr, 0);
}
BENCHMARK(one_way_floor)->UseManualTime()->Iterations(2000)->Unit(benchmark::kMicrosecond);

void one_way_ping(benchmark::State& state)
{
    Bench bench("org.example.cbars");
    bench.start();
    one_way(state, [&] { return bench.ping(); });
}
BENCHMARK(one_way_ping)->UseManualTime()->Iterations(2000)->Unit(benchmark::kMicrosecond);

// A request that the plugin's run() rejects at once, and its verdict.
void one_way_request(benchmark::State& state)
{
    Bench bench("org.example.cbars");
    bench.start();
    one_way(state, [&] { return bench.fail("{}"); });
}
BENCHMARK(one_way_request)->UseManualTime()->Iterations(2000)->Unit(benchmark::kMicrosecond);

void spawn_to_ready(benchmark::State& state)
{
    Bench bench("org.example.cbars");
    for (auto unused : state) {
        (void)unused;
        state.SetIterationTime(bench.start().count());
        bench.stop();
    }
}
BENCHMARK(spawn_to_ready)->UseManualTime()->Iterations(50)->Unit(benchmark::kMillisecond);

void death_to_known(benchmark::State& state, const std::string& step)
{
    Bench bench("scripted");
    bench.settings.limits.ping_every = 50ms;
    bench.settings.limits.ping_limit = 300ms; // what a hang is held against here; 15 s by default
    bench.start();
    const std::string request =
        R"({"model": "pattern", "params": {"script": {"run": [)" + step + "]}}}";
    for (auto unused : state) {
        (void)unused;
        bench.await_ready();
        state.SetIterationTime(bench.fail(request).count());
    }
}
BENCHMARK_CAPTURE(death_to_known, crash, R"({"crash": "segv"})")
    ->UseManualTime()
    ->Iterations(20)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(death_to_known, exit, R"({"crash": {"by": "_exit", "code": 3}})")
    ->UseManualTime()
    ->Iterations(20)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(death_to_known, hang_of_the_process, R"("freeze")")
    ->UseManualTime()
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond);

} // namespace
} // namespace reelgate
