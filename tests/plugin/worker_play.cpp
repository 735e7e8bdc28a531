#include "tests/plugin/worker_play.hpp"

#include "host/plugin/supervised.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <fcntl.h>

#include <array>
#include <fstream>
#include <list>

namespace reelgate::test {
namespace {

using supervise::Life;

// Ahead of every real clock, so that no timer of the provider's runs out by itself: the acts are
// all that happens.
class StillClock final : public Clock {
public:
    SteadyTime now() const override { return now_; }
    WallTime wall() const override { return {}; }
    void pass(std::chrono::milliseconds span) { now_ += span; }

private:
    SteadyTime now_ = std::chrono::steady_clock::now() + std::chrono::hours(24);
};

class FakeWorker final : public Child {
public:
    explicit FakeWorker(std::vector<Json>& heard) : heard_(heard) {}
    Sent send(const Json& frame) override
    {
        heard_.push_back(frame);
        return Sent::queued;
    }
    void kill() override {}
    pid_t pid() const override { return 1; }
    asio::awaitable<void> join() override { co_return; }

private:
    std::vector<Json>& heard_;
};

struct PlayedAttempt final : AttemptListener {
    void on_progress(const ProgressNote& /*note*/) override { ++told; }
    void on_preview(const std::string& /*path*/) override { ++told; }
    void on_artifact(const ArtifactOffer& /*offer*/) override { ++told; }
    void on_intend(const std::string& /*what*/, Ack ack) override
    {
        ++told;
        acks.push_back(std::move(ack));
    }
    void on_accepted(const std::string& /*remote*/, Ack ack) override
    {
        ++told;
        acks.push_back(std::move(ack));
    }

    std::string id;
    unsigned life = 0; // of the worker in which it runs
    asio::cancellation_signal leave;
    std::vector<Ack> acks;
    unsigned told = 0;
    std::optional<Result<Done>> verdict;
};

// Where artifacts and previews may lie.
const std::filesystem::path& work_dir()
{
    static const ScratchDir scratch;
    static const bool made = [] {
        std::ofstream(scratch / "a.mp4") << "film";
        return true;
    }();
    static_cast<void>(made);
    return scratch.path();
}

const Log& no_log()
{
    static const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    static const Log log(null.get(), LogFormat::json, Level::debug);
    return log;
}

asio::awaitable<void> keep_verdict(Provider& provider, AttemptOrder order, PlayedAttempt& attempt)
{
    attempt.verdict = co_await provider.run(std::move(order), attempt);
}

asio::awaitable<void> ask(Provider& provider) { static_cast<void>(co_await provider.probe()); }

asio::awaitable<void> note_end(asio::awaitable<void> task, bool& ended)
{
    co_await std::move(task);
    ended = true;
}

void rethrow(std::exception_ptr failure)
{
    if (failure) std::rethrow_exception(failure);
}

Manifest manifest_of_play()
{
    Manifest manifest;
    manifest.id = "play";
    manifest.version = "1.0.0";
    manifest.runtime = Manifest::Runtime::exec;
    manifest.command = {"./play"};
    manifest.directory = "/dev/null/plugin";
    return manifest;
}

ProviderSettings settings_of_play()
{
    ProviderSettings settings;
    settings.id = "play";
    settings.data_dir = "/dev/null/data"; // and so no file of what it says
    settings.cache_dir = "/dev/null/cache";
    settings.limits.crashes = 1000;
    return settings;
}

class Play {
public:
    explicit Play(std::span<const std::uint8_t> acts) : acts_(acts)
    {
        provider_.emplace(
            loop_.get_executor(),
            no_log(),
            clock_,
            "/dev/null/worker",
            manifest_of_play(),
            settings_of_play(),
            [this](const auto&, const auto&, const auto&, const auto&, auto&, ChildEvents& events) {
                return start(events);
            });
    }

    std::string run()
    {
        provider_->start();
        turn();
        while (!acts_.empty() && broken_.empty()) {
            act();
            turn();
            check();
        }
        end();
        return broken_;
    }

private:
    Result<std::unique_ptr<Child>> start(ChildEvents& events)
    {
        events_ = &events;
        ++lives_;
        greeted_ = created_ = false;
        return std::unique_ptr<Child>(std::make_unique<FakeWorker>(heard_));
    }

    void turn()
    {
        loop_.restart();
        loop_.poll();
    }

    std::uint8_t next()
    {
        if (acts_.empty()) return 0;
        const std::uint8_t first = acts_.front();
        acts_ = acts_.subspan(1);
        return first;
    }
    template <class T, std::size_t N>
    const T& one_of(const std::array<T, N>& choices)
    {
        return choices[next() % N];
    }

    void act()
    {
        const unsigned kind = next() % 32;
        doing_ = "act " + std::to_string(kind);
        switch (kind) {
        case 0:
            return provider_->start();
        case 1:
            return provider_->ask_to_stop();
        case 2:
            return provider_->reset();
        case 3:
            return begin_attempt();
        case 4:
            return provider_->cancel(job());
        case 5:
            return leave();
        case 6:
            return answer_acks();
        case 7:
            asio::co_spawn(loop_, ask(*provider_), rethrow);
            return;
        case 8:
            return exit();
        case 9:
            if (events_)
                events_->on_wire_broken(Error{.text = "cut", .code = "protocol_violation"});
            return;
        case 10:
            return clock_.pass(std::chrono::milliseconds(next() * 20));
        case 11:
        case 12:
            return be_ready();
        default:
            if (events_) say(frame());
        }
    }

    // By chance alone few workers would ever run a job.
    void be_ready()
    {
        if (provider_->life() == Life::resting) provider_->reset();
        if (!events_ || greeted_) return;
        say(hello("[1,1]", "play"));
        say(Json{
            {"type",   "created"},
            {"status", 0        }
        });
    }

    std::string job()
    {
        static const std::array<std::string, 6> names{
            "a", "a", "b", "b", "nobody", std::string(200, 'x')};
        return one_of(names);
    }

    Json frame()
    {
        // What ends a worker comes more seldom than what keeps it busy.
        // clang-format off
        static const std::array<const char*, 28> types{
            "hello",    "created",  "fatal",    "log",      "pong",     "probed",   "called",
            "done",     "progress", "preview",  "artifact", "intend",   "accepted", "abandoned",
            "fanfare",  "log",      "pong",     "done",     "done",     "progress", "preview",
            "artifact", "intend",   "accepted", "intend",   "intend",   "intend",   "accepted"};
        // clang-format on
        Json said{
            {"type", one_of(types)}
        };
        if (said["type"] == "hello")
            return hello(one_of(std::array{"[1,1]", "[2,3]"}),
                         one_of(std::array{"play", "play", "somebody-else"}));
        said["job"] = job();
        said["n"] = next() % 4;
        said["status"] = one_of(std::array{0, 0, 3, 5, -1});
        said["path"] = one_of(std::array{"a.mp4", "../x"});
        said["meta"] = said["what"] = said["remote"] = Json::object();
        said["failure"] = {
            {"category", "internal"},
            {"text",     "so it is"}
        };
        said["text"] = "enough";
        said["value"] = 0.5;
        said["source"] = "measured";
        said["level"] = "info";
        said["event"] = "said";
        return said;
    }

    static Json hello(const char* protocol, const char* id)
    {
        Json description = Json::parse(R"({"version": "1.0.0",
            "max_concurrency": 2, "billing": "free", "models": [{"id": "none", "tasks": ["t2v"],
            "fps": [24], "sizes": {"multiple_of": 16, "max_pixels": 921600},
            "frames": {"min": 5, "max": 121, "step": 4, "offset": 1},
            "default": {"size": "64x64", "frames": 5, "fps": 24}}]})");
        description["id"] = id;
        return Json{
            {"type",     "hello"               },
            {"protocol", Json::parse(protocol) },
            {"describe", std::move(description)}
        };
    }

    void say(const Json& said)
    {
        if (said["type"] == "hello") greeted_ = true;
        if (said["type"] == "created" && greeted_ && said["status"] == 0) created_ = true;
        const bool nobodys = said.contains("job") && said["job"] != "a" && said["job"] != "b";
        const unsigned before = told();
        heard_.clear();
        doing_ += " " + said.dump();
        events_->on_frame(said);
        if (!nobodys) return;
        if (told() != before && said["type"] != "pong") broken("a frame of nobody's was told");
        for (const Json& answer : heard_)
            if (answer["type"] == "ack") broken("a frame of nobody's was answered");
    }

    unsigned told() const
    {
        unsigned all = 0;
        for (const PlayedAttempt& attempt : attempts_)
            all += attempt.told;
        return all;
    }

    void begin_attempt()
    {
        PlayedAttempt& attempt = attempts_.emplace_back();
        attempt.id = next() % 2 == 0 ? "a" : "b";
        attempt.life = lives_;
        AttemptOrder order{
            .id = attempt.id, .request_json = "{}", .work_dir = work_dir(), .remote_json = {}};
        asio::co_spawn(loop_,
                       keep_verdict(*provider_, std::move(order), attempt),
                       asio::bind_cancellation_slot(attempt.leave.slot(), rethrow));
    }

    void leave()
    {
        const unsigned which = next();
        unsigned index = 0;
        for (PlayedAttempt& attempt : attempts_)
            if (!attempt.verdict && index++ == which % 4)
                return attempt.leave.emit(asio::cancellation_type::terminal);
    }

    void answer_acks()
    {
        for (PlayedAttempt& attempt : attempts_) {
            heard_.clear();
            for (const Ack& ack : std::exchange(attempt.acks, {}))
                ack(RG_OK);
            if (attempt.life != lives_ && !heard_.empty())
                broken("an answer went to a worker that has not asked");
        }
    }

    void exit()
    {
        if (!events_) return;
        ExitFacts facts;
        facts.code = next() % 2;
        std::exchange(events_, nullptr)->on_exit(facts);
    }

    void broken(const std::string& rule)
    {
        if (broken_.empty()) broken_ = rule + " (" + doing_ + ")";
    }

    void check()
    {
        const supervise::State& state = provider_->supervision();
        if (state.life == Life::ready && !provider_->description())
            broken("it is ready, and nobody knows what it is");
        if (state.life == Life::ready && !(greeted_ && created_))
            broken("it is ready, and this worker has not been created");
        if (!state.jobs.empty() && !created_) broken("jobs run in a worker that was not created");
        std::size_t waiting = 0;
        for (const PlayedAttempt& attempt : attempts_)
            waiting += attempt.verdict ? 0U : 1U;
        if (waiting > state.jobs.size()) broken("an attempt is waited for that is no job");
    }

    void end()
    {
        bool ended = false;
        doing_ = "the end";
        asio::co_spawn(loop_, note_end(provider_->stop(), ended), rethrow);
        turn();
        exit();
        // What is left of a process is looked for outside the loop: it takes a few turns.
        for (int turns = 0; turns < 1000 && !ended; ++turns)
            loop_.restart(), loop_.run_one_for(std::chrono::milliseconds(10));
        if (!ended) broken("it does not stop");
        for (const PlayedAttempt& attempt : attempts_)
            if (!attempt.verdict) broken("an attempt has no verdict");
        // Questions that nobody answered run out by a clock of their own; they go with the loop.
    }

    std::span<const std::uint8_t> acts_;
    StillClock clock_;
    asio::io_context loop_{1};
    std::vector<Json> heard_; // by the worker, since it spoke last
    std::list<PlayedAttempt> attempts_;
    std::optional<SupervisedProvider> provider_;
    ChildEvents* events_ = nullptr; // while a worker lives
    unsigned lives_ = 0;
    bool greeted_ = false;
    bool created_ = false;
    std::string doing_;
    std::string broken_;
};

} // namespace

std::string broken_rule_of_play(std::span<const std::uint8_t> acts) { return Play(acts).run(); }

} // namespace reelgate::test
