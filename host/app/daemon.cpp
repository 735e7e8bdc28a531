#include "host/app/daemon.hpp"

#include "host/app/output.hpp"
#include "host/app/plugins.hpp"
#include "host/plugin/orphans.hpp"
#include "host/plugin/supervised.hpp"

#include <boost/asio/signal_set.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <vector>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// A worker of an earlier daemon may still hold a device; killed, it is gone within this or stays.
constexpr auto kLeftoverPatience = std::chrono::seconds(10);

// Held for as long as the daemon lives; the kernel lets go of it however the daemon ends.
Result<Fd> take_data_dir(const fs::path& data_dir)
{
    std::error_code failed;
    fs::create_directories(data_dir, failed);
    const fs::path file = data_dir / "daemon.lock";
    Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return system_error(Category::internal, "opening " + file.string(), errno);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    return Error{.category = Category::worker_unavailable,
                 .text = "another daemon runs on " + fs::absolute(data_dir).string(),
                 .code = "data_dir_taken",
                 .hint = "stop it, or give this one another --data-dir",
                 .phase = Phase::admit};
}

class Daemon {
public:
    Daemon(const Globals& globals, const DaemonOptions& options)
        : globals_(globals), options_(options),
          log_(STDERR_FILENO, globals.log_format, globals.quiet ? Level::warn : Level::info),
          signals_(loop_, SIGINT, SIGTERM), reset_signal_(loop_, SIGHUP),
          tasks_(loop_.get_executor())
    {
    }

    void run()
    {
        start_providers();
        tasks_.spawn(until_told_to_stop());
        tasks_.spawn(reset_on_hangup());
        loop_.run();
        log_.write(Event::host_stopped, {});
    }

private:
    struct Member {
        std::unique_ptr<SupervisedProvider> provider;
        std::string said; // the state its last probe gave
    };

    void start_providers()
    {
        for (const PluginEntry& entry : found_plugins(globals_)) {
            if (entry.shadowed_by) continue;
            const auto usable = runnable_plugin(globals_, entry.manifest.id);
            if (!usable) {
                const std::string why = printable(usable.error().sentence());
                log_.write(Event::plugin_refused,
                           {
                               {"plugin", entry.manifest.id},
                               {"text",   why              }
                });
                continue;
            }
            add(usable->manifest);
        }
        log_.write(Event::host_started,
                   {
                       {"pid",       ::getpid()                              },
                       {"providers", members_.size()                         },
                       {"data_dir",  fs::absolute(globals_.data_dir).string()}
        });
    }

    void add(const Manifest& manifest)
    {
        const fs::path data = fs::absolute(globals_.data_dir) / "providers" / manifest.id;
        ProviderSettings settings;
        settings.id = manifest.id;
        settings.data_dir = data;
        settings.cache_dir = data / "cache";
        settings.work_root = fs::absolute(globals_.data_dir) / "work";
        std::error_code ignored; // a plugin that needs them says so in its own words
        fs::create_directories(settings.cache_dir, ignored);
        fs::create_directories(settings.work_root, ignored);
        Member& member = *members_.emplace_back(std::make_unique<Member>());
        member.provider = std::make_unique<SupervisedProvider>(loop_.get_executor(),
                                                               log_,
                                                               clock_,
                                                               globals_.program("reelgate-worker"),
                                                               manifest,
                                                               std::move(settings));
        member.provider->start();
        tasks_.spawn(probe_for_ever(member));
    }

    // Free of charge, and never while it could not answer anyway.
    asio::awaitable<void> probe_for_ever(Member& member)
    {
        asio::steady_timer pause(loop_);
        while (!stopping_) {
            boost::system::error_code woken;
            pause.expires_after(options_.probe_every);
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            if (woken || stopping_) co_return;
            if (member.provider->life() != supervise::Life::ready) continue;
            const auto report = co_await member.provider->probe();
            note_probe(member, report);
        }
    }

    // One line for each change, none for each probe.
    void note_probe(Member& member, const Result<ProbeReport>& report)
    {
        const std::string state(report ? to_string(report->state) : "unanswered");
        if (state == member.said || stopping_) return;
        member.said = state;
        log_.write(Event::provider_probed,
                   {
                       {"provider", member.provider->name()                      },
                       {"state",    state                                        },
                       {"reason",   report ? report->reason : report.error().text}
        });
    }

    asio::awaitable<void> until_told_to_stop()
    {
        boost::system::error_code failed;
        const int number =
            co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
        std::signal(number, SIG_DFL); // a second one ends the program
        stopping_ = true;
        reset_signal_.cancel();
        for (const auto& member : members_)
            member->provider->ask_to_stop(); // all at once: the slowest decides how long it takes
        for (const auto& member : members_)
            co_await member->provider->stop();
        loop_.stop(); // what is left are pauses between probes
    }

    asio::awaitable<void> reset_on_hangup()
    {
        while (!stopping_) {
            boost::system::error_code failed;
            co_await reset_signal_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
            if (failed) co_return;
            for (const auto& member : members_)
                member->provider->reset();
        }
    }

    const Globals& globals_;
    DaemonOptions options_;
    SystemClock clock_;
    Log log_;
    asio::io_context loop_{1};
    asio::signal_set signals_;
    asio::signal_set reset_signal_;
    bool stopping_ = false;
    std::vector<std::unique_ptr<Member>> members_;

    // Runs code that uses the members above: keep it last.
    TaskGroup tasks_;
};

} // namespace

Result<Done> run_daemon(const Globals& globals, const DaemonOptions& options)
{
    RG_TRY(const Fd lock, take_data_dir(globals.data_dir));
    await_end(kill_leftovers(fs::absolute(globals.data_dir)), kLeftoverPatience);
    Daemon(globals, options).run();
    return Done{};
}

} // namespace reelgate
