#include "host/app/daemon.hpp"

#include "host/api/server.hpp"
#include "host/app/daemon_address.hpp"
#include "host/app/live_config.hpp"
#include "host/app/provider_place.hpp"
#include "host/app/wiring.hpp"
#include "host/config/merge.hpp"
#include "host/plugin/orphans.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <utility>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// A worker of an earlier daemon may still hold a device; killed, it is gone within this or stays.
constexpr auto kLeftoverPatience = std::chrono::seconds(10);
constexpr auto kHangUpPatience = std::chrono::seconds(2); // for answers that are being written
constexpr std::size_t kPoolThreads = 4; // hashing and copying files, mostly waiting
// A film keeps one core busy for seconds, a picture for a tenth of one; each child may hold a
// gigabyte, one that makes an MP4 two.
constexpr MediaRoom kMediaRoom{.films = 2, .pictures = 2, .pictures_waiting = 32};

// Work directories belong to attempts, and no attempt has outlived the last daemon.
void sweep_work(const fs::path& data_dir)
{
    std::error_code ignored; // what cannot be removed is in nobody's way
    fs::remove_all(data_dir / "work", ignored);
    fs::remove_all(keep_dir_of(data_dir), ignored);
}

std::string public_url(const ServerSettings& server, std::uint16_t port)
{
    const auto where = api::listen_at(server.listen);
    const std::string host = where ? where->address : "127.0.0.1";
    const bool is_v6 = host.find(':') != std::string::npos;
    return "http://" + (is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

// Where plugins are found and trusted, and where pins lie, is the configuration's to say; what the
// command line names comes first.
Globals globals_by(const Globals& globals, const Settings& settings)
{
    Globals by = globals;
    by.data_dir = fs::absolute(settings.server.data_dir);
    for (const std::string& dir : settings.plugins.dirs)
        by.plugin_dirs.emplace_back(dir);
    if (const auto policy = trust_policy_from(settings.plugins.trust)) by.trust = *policy;
    return by;
}

// JSON is for programs that collect it: a person at a terminal gets text unless he asked for JSON.
LogFormat log_format(const Loaded& loaded)
{
    const bool is_asked_for = node_at(loaded.tree, "log.format") != nullptr;
    return !is_asked_for && ::isatty(STDERR_FILENO) == 1 ? LogFormat::text
                                                         : loaded.settings.log.format;
}

class Daemon {
public:
    Daemon(const Globals& globals, const DaemonOptions& options, Loaded loaded)
        : globals_(globals_by(globals, loaded.settings)), options_(options),
          loaded_(std::move(loaded)), data_dir_(globals_.data_dir),
          media_(globals_.program("reelgate-media"), kMediaRoom),
          log_(STDERR_FILENO, log_format(loaded_), loaded_.settings.log.level),
          signals_(loop_, SIGINT, SIGTERM), reset_signal_(loop_, SIGHUP), parent_(loop_),
          tasks_(loop_.get_executor()), errands_(loop_.get_executor())
    {
    }

    // Everything that may fail; nothing runs yet.
    Result<Done> prepare()
    {
        RG_TRY(lock_, take_data_dir(data_dir_));
        await_end(kill_leftovers(data_dir_), kLeftoverPatience);
        sweep_work(data_dir_);
        const JobSettings& jobs = loaded_.settings.jobs;
        StoreOptions where{.directory = data_dir_ / "jobs", .keep_free_bytes = jobs.keep_free};
        RG_TRY(store_, JobStore::open(loop_.get_executor(), clock_, std::move(where)));
        RG_TRY(ArtifactStore artifacts, ArtifactStore::open(data_dir_ / "artifacts"));
        artifacts_ = std::make_unique<ArtifactStore>(std::move(artifacts));
        build_engine();
        build_api();
        RG_TRY(const api::ListenAt where_to, api::listen_at(loaded_.settings.server.listen));
        RG_TRY(server_, api::Server::listen(loop_, *api_, log_, where_to));
        api_->settings.public_url = public_url(loaded_.settings.server, server_->port());
        return leave_address(data_dir_, {api_->settings.public_url, ::getpid()});
    }

    void run()
    {
        engine_->start();
        server_->start();
        tasks_.spawn(until_told_to_stop());
        if (options_.end_with_stdin) errands_.spawn(until_stdin_ends());
        errands_.spawn(config_->note_running());
        errands_.spawn(reload_on_hangup());
        log_.write(Event::host_started,
                   {
                       {"pid",       ::getpid()               },
                       {"providers", engine_->slots().size()  },
                       {"data_dir",  data_dir_.string()       },
                       {"address",   api_->settings.public_url}
        });
        loop_.run();
        pool_.join();
        media_.join();
        std::error_code ignored; // nobody answers there: whoever asks finds that out
        fs::remove(address_file(data_dir_), ignored);
        log_.write(Event::host_stopped, {});
    }

private:
    void build_engine()
    {
        const EngineParts parts{.loop = loop_,
                                .pool = pool_,
                                .clock = clock_,
                                .log = log_,
                                .store = *store_,
                                .artifacts = *artifacts_,
                                .media = media_,
                                .work_root = data_dir_ / "work",
                                .keep_root = keep_dir_of(data_dir_),
                                .inputs_root = data_dir_ / "inputs"};
        engine_ = std::make_unique<Engine>(parts, engine_settings(loaded_));
        engine_->on_milestone = options_.on_milestone;
        const FoundPlugins plugins = find_plugins(globals_, loaded_.settings);
        for (const ProviderConfig& configured : loaded_.settings.providers) {
            WiredProvider wired = wire_provider(tools(), loaded_.settings, configured, plugins);
            engine_->add(std::move(wired.config), std::move(wired.provider));
        }
    }

    WiringTools tools() { return {loop_, log_, clock_, globals_, data_dir_}; }

    void build_api()
    {
        api::ApiSettings settings;
        settings.keys = api_keys(loaded_.settings);
        settings.cors_origins = loaded_.settings.server.cors_origins;
        settings.is_open = loaded_.settings.server.allow_open;
        settings.version = REELGATE_VERSION;
        api_ =
            std::make_unique<api::Api>(*engine_, pool_, *artifacts_, clock_, std::move(settings));
        auto to_api = [this](const Settings& next) {
            api_->settings.keys = api_keys(next);
            api_->settings.cors_origins = next.server.cors_origins;
        };
        ConfigReach reach{loop_, pool_, log_, tools(), *engine_, std::move(to_api)};
        config_ = std::make_unique<LiveConfig>(std::move(reach), options_.config, loaded_);
        api_->config = config_.get();
    }

    asio::awaitable<void> until_told_to_stop()
    {
        boost::system::error_code failed;
        const int number =
            co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
        if (!failed) std::signal(number, SIG_DFL); // a second one ends the program
        errands_.stop();                           // a reload would change what is being ended
        co_await errands_.join();
        co_await engine_->drain(options_.drain);
        co_await server_->stop(kHangUpPatience);
        co_await store_->close();
        loop_.stop();
    }

    // Nothing is said there: it ends when whoever holds the other end is gone, in whatever way.
    asio::awaitable<void> until_stdin_ends()
    {
        boost::system::error_code failed;
        parent_.assign(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0), failed);
        std::array<char, 256> ignored{};
        while (!failed)
            co_await parent_.async_read_some(asio::buffer(ignored),
                                             asio::redirect_error(asio::use_awaitable, failed));
        signals_.cancel(failed);
    }

    asio::awaitable<void> reload_on_hangup()
    {
        while (true) {
            boost::system::error_code failed;
            co_await reset_signal_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
            if (failed) co_return;
            co_await config_->reload();
            for (const auto& slot : engine_->slots())
                slot->reset();
        }
    }

    Globals globals_;
    DaemonOptions options_;
    Loaded loaded_;
    fs::path data_dir_;
    MediaDesk media_; // before the loop: what the loop still holds at the end is in its lists
    SystemClock clock_;
    Log log_;
    Fd lock_;
    asio::io_context loop_{1};
    asio::thread_pool pool_{kPoolThreads};
    asio::signal_set signals_;
    asio::signal_set reset_signal_;
    asio::posix::stream_descriptor parent_;
    std::unique_ptr<JobStore> store_;
    std::unique_ptr<ArtifactStore> artifacts_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<api::Api> api_;
    std::unique_ptr<LiveConfig> config_;
    std::unique_ptr<api::Server> server_;

    // Run code that uses the members above: keep them last. The second has ended before the loop is
    // stopped; in the first is the one that stops it.
    TaskGroup tasks_;
    TaskGroup errands_;
};

Error unlawful(const Findings& findings)
{
    std::string text = "the configuration has errors";
    for (const Finding& finding : findings.all())
        if (finding.severity == Severity::error) text += "\n  " + to_string(finding);
    return invalid(std::move(text), "bad_config");
}

} // namespace

Result<Done> run_daemon(const Globals& globals, const DaemonOptions& options)
{
    Loaded loaded = load_config(options.config);
    if (!loaded.ok()) return unlawful(loaded.findings);
    std::signal(SIGXFSZ, SIG_IGN); // a file that grows too long is a failed write, not a death
    Daemon daemon(globals, options, std::move(loaded));
    RG_CHECK(daemon.prepare());
    daemon.run();
    return Done{};
}

} // namespace reelgate
