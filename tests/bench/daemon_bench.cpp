// The daemon as a whole: how soon it listens, how soon a job is at work, how soon the next provider
// takes over, and what it costs to have it stand by.
#include "host/engine/engine.hpp"
#include "host/plugin/manifest.hpp"
#include "host/plugin/supervised.hpp"
#include "tests/bench/table.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace reelgate::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kBin = REELGATE_BINARY_DIR "/bin";
constexpr auto kScripted = REELGATE_BINARY_DIR "/plugins/scripted";
constexpr auto kPatience = 30s;
constexpr int kInFlight = 64;
constexpr int kRounds = 40;

template <class T>
T must(Result<T> result)
{
    if (!result) throw std::runtime_error(result.error().sentence());
    return *std::move(result);
}

// A provider of the scripted plugin that says that it runs, and then stands still.
std::unique_ptr<SupervisedProvider> worker(asio::io_context& loop,
                                           const Log& log,
                                           const Clock& clock,
                                           const std::filesystem::path& data,
                                           const std::string& id)
{
    ProviderSettings settings;
    settings.id = id;
    settings.data_dir = data / "providers" / id;
    settings.cache_dir = settings.data_dir / "cache";
    settings.work_root = data / "work" / id;
    settings.config_json = R"({"script": {"run": [{"progress": 1}, "stall"]}})";
    std::filesystem::create_directories(settings.cache_dir);
    std::filesystem::create_directories(settings.work_root);
    return std::make_unique<SupervisedProvider>(loop.get_executor(),
                                                log,
                                                clock,
                                                std::filesystem::path(kBin) / "reelgate-worker",
                                                must(read_manifest(kScripted)),
                                                std::move(settings));
}

// An engine with real workers, without the HTTP in front of it.
class EngineBench {
public:
    explicit EngineBench(const std::vector<std::string>& providers)
    {
        StoreOptions where;
        where.directory = scratch_ / "jobs";
        store_ = must(JobStore::open(loop_.get_executor(), clock_, where));
        artifacts_ = std::make_unique<ArtifactStore>(must(ArtifactStore::open(scratch_ / "files")));
        EngineSettings settings;
        Chain chain;
        chain.id = "bench";
        for (const std::string& id : providers)
            chain.steps.push_back(ChainStep{.use = id});
        settings.chains = {chain};
        settings.default_chain = "bench";
        const EngineParts parts{.loop = loop_,
                                .pool = pool_,
                                .clock = clock_,
                                .log = log_,
                                .store = *store_,
                                .artifacts = *artifacts_,
                                .media = media_,
                                .work_root = scratch_ / "work",
                                .keep_root = scratch_ / "keep",
                                .inputs_root = scratch_ / "inputs"};
        engine_ = std::make_unique<Engine>(parts, std::move(settings));
        for (const std::string& id : providers) {
            auto provider = worker(loop_, log_, clock_, scratch_.path(), id);
            workers_.push_back(provider.get());
            SlotConfig config{.id = id, .plugin = "scripted"};
            engine_->add(std::move(config), std::move(provider));
        }
        engine_->start();
        listener_ = engine_->hub().listen();
        for (const auto& slot : engine_->slots())
            until([&] { return slot->snapshot().health == Health::ready; });
    }
    ~EngineBench()
    {
        finish(leave());
        engine_.reset();
    }

    // From the order to the provider's first word of the attempt with that number.
    Seconds until_at_work(unsigned attempt)
    {
        const auto began = std::chrono::steady_clock::now();
        finish(submit());
        return wait_for_attempt(attempt, began);
    }

    Seconds wait_for_attempt(unsigned attempt, std::chrono::steady_clock::time_point began)
    {
        until([&] {
            while (const auto event = listener_->take())
                if (event->progress && event->progress->attempt == attempt) return true;
            return false;
        });
        return std::chrono::steady_clock::now() - began;
    }

    Seconds until_next_at_work_after_a_kill()
    {
        until_at_work(1);
        const auto began = std::chrono::steady_clock::now();
        ::kill(*workers_[0]->pid(), SIGKILL);
        return wait_for_attempt(2, began);
    }

    void cancel_all()
    {
        std::vector<JobId> live;
        for (const Job* job : store_->live_jobs())
            live.push_back(job->id);
        for (const JobId& id : live)
            finish(cancel(id));
        until([&] { return store_->live_jobs().empty(); });
        until([&] {
            for (const auto& slot : engine_->slots())
                if (slot->running() > 0) return false;
            return true;
        });
    }

    // So many at once, each answered once it is on disk.
    void submit_together(int count, Samples& latencies)
    {
        for (int i = 0; i < count; ++i)
            tasks_.spawn(timed_submit(latencies));
        finish(joined());
    }

private:
    static JobOrder order()
    {
        JobOrder made;
        made.wish.prompt =
            "a lighthouse on a cliff at dusk, waves below, the camera circles slowly";
        made.wish.size = FrameSize{64, 64};
        made.wish.frames = 5;
        made.wish.seed = 1;
        return made;
    }

    asio::awaitable<void> submit()
    {
        JobOrder one = order();
        const std::optional<IdempotencyKey> no_key;
        auto submitting = engine_->submit(std::move(one), no_key);
        must(co_await std::move(submitting));
    }

    asio::awaitable<void> timed_submit(Samples& latencies)
    {
        const auto began = std::chrono::steady_clock::now();
        co_await submit();
        latencies.emplace_back(std::chrono::steady_clock::now() - began);
    }

    asio::awaitable<void> cancel(JobId id)
    {
        const auto ended = co_await engine_->cancel(std::move(id));
        if (!ended && ended.error().code != "already_final")
            throw std::runtime_error(ended.error().sentence());
    }

    asio::awaitable<void> joined() { co_await tasks_.join(); }

    asio::awaitable<void> leave()
    {
        co_await engine_->drain(0ms);
        co_await store_->close();
    }

    void finish(asio::awaitable<void> task)
    {
        bool done = false;
        asio::co_spawn(loop_, std::move(task), [&done](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
            done = true;
        });
        until([&] { return done; });
    }

    template <class Reached>
    void until(Reached reached)
    {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!reached()) {
            if (std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error("it did not come that far within 30 s");
            loop_.restart();
            loop_.run_one_for(10ms);
        }
    }

    ScratchDir scratch_;
    SystemClock clock_;
    Fd null_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    Log log_{null_.get(), LogFormat::json, Level::info};
    asio::io_context loop_{1};
    asio::thread_pool pool_{2};
    MediaDesk media_{std::filesystem::path(kBin) / "reelgate-media", {}};
    TaskGroup tasks_{loop_.get_executor()};
    std::unique_ptr<JobStore> store_;
    std::unique_ptr<ArtifactStore> artifacts_;
    std::unique_ptr<Engine> engine_;
    std::vector<SupervisedProvider*> workers_;
    std::shared_ptr<ProgressHub::Listener> listener_;
};

Measured submit_to_run()
{
    EngineBench bench({"one"});
    Measured measured;
    for (int i = 0; i < 100; ++i) {
        measured.samples.push_back(bench.until_at_work(1));
        bench.cancel_all();
    }
    return measured;
}

Measured failover()
{
    Measured measured;
    for (int i = 0; i < 15; ++i) {
        EngineBench bench({"one", "two"});
        measured.samples.push_back(bench.until_next_at_work_after_a_kill());
    }
    return measured;
}

Measured engine_submits()
{
    EngineBench bench({"one"});
    Measured measured;
    for (int round = 0; round < kRounds; ++round)
        bench.submit_together(kInFlight, measured.samples);
    return measured;
}

// The daemon as a process of its own, on a port that was free a moment ago.
class DaemonProcess {
public:
    DaemonProcess() : port_(free_port())
    {
        std::vector<std::string> words{std::string(kBin) + "/reelgate",
                                       "serve",
                                       "--config",
                                       config(),
                                       "--listen",
                                       "127.0.0.1:" + std::to_string(port_),
                                       "--data-dir",
                                       (scratch_ / "data").string()};
        std::vector<char*> arguments;
        for (std::string& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t quiet;
        ::posix_spawn_file_actions_init(&quiet);
        ::posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        const int failed =
            ::posix_spawn(&child_, arguments[0], &quiet, nullptr, arguments.data(), environ);
        ::posix_spawn_file_actions_destroy(&quiet);
        if (failed != 0) throw std::runtime_error("the daemon could not be started");
    }
    DaemonProcess(const DaemonProcess&) = delete;
    DaemonProcess& operator=(const DaemonProcess&) = delete;
    ~DaemonProcess()
    {
        ::kill(child_, SIGTERM);
        ::waitpid(child_, nullptr, 0);
    }

    // Until /healthz is answered with 200.
    void wait_until_healthy() const
    {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!is_healthy()) {
            if (std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error("the daemon did not answer within 30 s");
            ::usleep(1000);
        }
    }

    double resident_mib() const
    {
        std::ifstream status("/proc/" + std::to_string(child_) + "/status");
        std::string word;
        while (status >> word)
            if (word == "VmRSS:") {
                double kib = 0;
                status >> kib;
                return kib / 1024;
            }
        throw std::runtime_error("the daemon is gone");
    }

private:
    static std::uint16_t free_port()
    {
        const Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in any = loopback(0);
        socklen_t length = sizeof any;
        auto* const address = reinterpret_cast<sockaddr*>(&any);
        if (::bind(probe.get(), address, length) != 0 ||
            ::getsockname(probe.get(), address, &length) != 0)
            throw std::runtime_error("there is no free port");
        return ntohs(any.sin_port);
    }

    static sockaddr_in loopback(std::uint16_t port)
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
    }

    std::string config()
    {
        const auto file = scratch_ / "reelgate.yaml";
        std::ofstream(file) << "version: 1\nproviders:\n  one: { plugin: scripted }\n"
                               "  two: { plugin: scripted }\n  three: { plugin: scripted }\n";
        return file.string();
    }

    bool is_healthy() const
    {
        const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address = loopback(port_);
        if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            return false;
        constexpr std::string_view kAsk = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        if (::write(socket.get(), kAsk.data(), kAsk.size()) < 0) return false;
        char answer[12] = {};
        return ::recv(socket.get(), answer, sizeof answer, MSG_WAITALL) == sizeof answer &&
               std::string_view(answer, sizeof answer) == "HTTP/1.1 200";
    }

    ScratchDir scratch_;
    std::uint16_t port_;
    pid_t child_ = -1;
};

Measured daemon_start()
{
    Measured measured;
    for (int i = 0; i < 15; ++i) {
        const auto began = std::chrono::steady_clock::now();
        const DaemonProcess daemon;
        daemon.wait_until_healthy();
        measured.samples.emplace_back(std::chrono::steady_clock::now() - began);
    }
    measured.floor = spawn_floor(15);
    return measured;
}

Measured idle_memory()
{
    const DaemonProcess daemon;
    daemon.wait_until_healthy();
    ::sleep(3); // three workers have started, and have been probed
    Measured measured;
    char text[64];
    std::snprintf(text, sizeof text, "%.1f MiB resident (aim: below 25)", daemon.resident_mib());
    measured.told = text;
    return measured;
}

} // namespace

std::vector<Row> daemon_rows()
{
    return {
        {"start",    "serve, from spawn to /healthz",        150ms, daemon_start  },
        {"memory",   "serve, idle, with three providers",    {},    idle_memory   },
        {"submit",   "submit to run, on an idle engine",     3ms,   submit_to_run },
        {"submits",  "one of 64 submits through the engine", 50ms,  engine_submits},
        {"failover", "worker killed to the next one's run",  150ms, failover      },
    };
}

} // namespace reelgate::bench
