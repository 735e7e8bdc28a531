// The worker boundary: how long a worker takes to be ready, what a message through it costs beside
// what two processes pay at the least, and how soon a death is known.
#include "host/plugin/manifest.hpp"
#include "host/plugin/supervised.hpp"
#include "tests/bench/table.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace reelgate::bench {
namespace {

using namespace std::chrono_literals;
using Moment = std::chrono::steady_clock::time_point;

constexpr auto kEmpty = REELGATE_BINARY_DIR "/tests/bench/plugins/bench-empty";
constexpr auto kScripted = REELGATE_BINARY_DIR "/plugins/scripted";

// When the first progress of an attempt was said, and when it was here.
class ProgressClock final : public AttemptListener {
public:
    void on_progress(const ProgressNote& note) override
    {
        heard = std::chrono::steady_clock::now();
        std::int64_t ns = 0;
        std::from_chars(note.stage.data(), note.stage.data() + note.stage.size(), ns);
        said = Moment(std::chrono::nanoseconds(ns));
    }
    void on_preview(const std::string& /*path*/) override {}
    void on_artifact(const ArtifactOffer& /*offer*/) override {}
    void on_intend(const std::string& /*what*/, Ack ack) override { ack(RG_OK); }
    void on_accepted(const std::string& /*remote*/, Ack ack) override { ack(RG_OK); }

    Moment said;
    Moment heard;
};

// One provider in a worker, and the loop it lives on.
class Bench {
public:
    explicit Bench(const char* directory)
        : null_(::open("/dev/null", O_WRONLY | O_CLOEXEC)), manifest_(read_manifest(directory))
    {
        if (!manifest_) throw std::runtime_error(manifest_.error().sentence());
        settings.id = manifest_->id;
        settings.data_dir = scratch_ / "data";
        settings.cache_dir = scratch_ / "data/cache";
        settings.work_root = scratch_ / "work";
        std::filesystem::create_directories(settings.cache_dir);
        std::filesystem::create_directories(settings.work_root / "a/inputs");
        settings.limits.first_rest = settings.limits.longest_rest = 1ms;
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
                                                         *manifest_,
                                                         settings);
        if (const auto open = wait(provider_->open(30s)); !open)
            throw std::runtime_error(open.error().sentence());
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

    struct Journey {
        Seconds there; // from the request to the plugin's run()
        Seconds back;  // from the plugin's progress to the listener
    };
    Journey journey()
    {
        const auto began = clock_.now();
        if (const auto verdict = run("{}"); !verdict)
            throw std::runtime_error(verdict.error().sentence());
        return {listener_.said - began, listener_.heard - listener_.said};
    }

    // From the request to the verdict, which is a failure.
    Seconds death(const std::string& request_json)
    {
        const auto began = clock_.now();
        if (run(request_json)) throw std::runtime_error("no failure");
        return clock_.now() - began;
    }

    // The first worker, or the one after so many others: a death is known before the dead is gone.
    void await_worker(std::size_t number)
    {
        loop_.restart();
        while (provider_->starts() < number || provider_->life() != supervise::Life::ready)
            loop_.run_one();
    }

    ProviderSettings settings;

private:
    Result<Done> run(const std::string& request_json)
    {
        AttemptOrder order{.id = "a",
                           .request_json = request_json,
                           .work_dir = settings.work_root / "a",
                           .remote_json = {}};
        return wait(provider_->run(std::move(order), listener_));
    }

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
    Result<Manifest> manifest_;
    SystemClock clock_;
    asio::io_context loop_{1};
    Log log_{null_.get(), LogFormat::json, Level::error};
    ProgressClock listener_;
    std::unique_ptr<SupervisedProvider> provider_;
};

constexpr std::size_t kMessages = 2000;

// Two processes, a socket pair, 64 bytes there and back, halved: less is not to be had.
Samples message_floor()
{
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw std::runtime_error("no socket pair");
    std::array<char, 64> message{};
    const pid_t echo = ::fork();
    if (echo == 0) {
        ::close(ends[0]);
        while (::read(ends[1], message.data(), message.size()) > 0)
            if (::write(ends[1], message.data(), message.size()) < 0) break;
        ::_exit(0);
    }
    ::close(ends[1]);
    Samples samples = repeat(kMessages, [&] {
        if (::write(ends[0], message.data(), message.size()) < 0 ||
            ::read(ends[0], message.data(), message.size()) <= 0)
            throw std::runtime_error("the echo is gone");
    });
    ::close(ends[0]);
    ::waitpid(echo, nullptr, 0);
    for (Seconds& sample : samples)
        sample /= 2;
    return samples;
}

// A child of ours that dies of a signal, from the word that makes it to its being reaped.
Samples death_floor(std::size_t times)
{
    Samples samples;
    for (std::size_t i = 0; i < times; ++i) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
        const pid_t child = ::fork();
        if (child == 0) {
            const rlimit none{};
            ::setrlimit(RLIMIT_CORE, &none);
            char go = 0;
            if (::read(ends[0], &go, 1) == 1) ::raise(SIGSEGV);
            ::_exit(0);
        }
        const auto began = std::chrono::steady_clock::now();
        if (::write(ends[1], "", 1) != 1) throw std::runtime_error("the child is gone");
        ::waitpid(child, nullptr, 0);
        samples.emplace_back(std::chrono::steady_clock::now() - began);
        ::close(ends[0]);
        ::close(ends[1]);
    }
    return samples;
}

Measured spawn_to_ready()
{
    constexpr std::size_t kTimes = 100;
    Bench bench(kEmpty);
    Samples samples;
    for (std::size_t i = 0; i < kTimes; ++i) {
        samples.push_back(bench.start());
        bench.stop();
    }
    return {samples, spawn_floor(kTimes)};
}

Measured one_way(Seconds Bench::Journey::*leg)
{
    Bench bench(kEmpty);
    bench.start();
    Samples samples;
    for (std::size_t i = 0; i < kMessages; ++i)
        samples.push_back(bench.journey().*leg);
    return {samples, message_floor()};
}

Measured ping_halved()
{
    Bench bench(kEmpty);
    bench.start();
    Samples samples;
    for (std::size_t i = 0; i < kMessages; ++i)
        samples.push_back(bench.ping() / 2);
    return {samples, message_floor()};
}

constexpr auto kPingEvery = 50ms;
constexpr auto kPingLimit = 300ms; // what a hang is held against here; 15 s by default

Samples deaths(const std::string& step, std::size_t times)
{
    Bench bench(kScripted);
    bench.settings.limits.ping_every = kPingEvery;
    bench.settings.limits.ping_limit = kPingLimit;
    bench.start();
    const std::string request =
        R"({"model": "pattern", "params": {"script": {"run": [)" + step + "]}}}";
    Samples samples;
    for (std::size_t i = 0; i < times; ++i) {
        bench.await_worker(i + 1);
        samples.push_back(bench.death(request));
    }
    return samples;
}

Measured crash()
{
    constexpr std::size_t kTimes = 50;
    return {deaths(R"({"crash": "segv"})", kTimes), death_floor(kTimes)};
}

Measured leave()
{
    constexpr std::size_t kTimes = 50;
    return {deaths(R"({"crash": {"by": "_exit", "code": 3}})", kTimes), death_floor(kTimes)};
}

// The limit runs from the first ping that is not answered, and that one comes a whole interval
// after the hang began. No timer fires early: what lies between floor and aim is the loop's to use.
constexpr auto kHangKnown = kPingEvery + kPingLimit;
Measured hang() { return {deaths(R"("freeze")", 10), {kHangKnown}}; }

} // namespace

std::vector<Row> boundary_rows()
{
    return {
        {"spawn",    "worker of an empty plugin, spawn to ready", 10ms,             spawn_to_ready                                },
        {"request",  "request, host to run()",                    50us,             [] { return one_way(&Bench::Journey::there); }},
        {"progress",
         "progress, plugin to listener",                          50us,
         [] { return one_way(&Bench::Journey::back); }                                                                            },
        {"ping",     "ping and pong, halved",                     50us,             ping_halved                                   },
        {"crash",    "crash (SIGSEGV) known, from the request",   20ms,             crash                                         },
        {"exit",     "_exit(3) known, from the request",          20ms,             leave                                         },
        {"hang",     "hang known (ping every 50 ms, limit 300)",  kHangKnown + 5ms, hang                                          },
    };
}

} // namespace reelgate::bench
