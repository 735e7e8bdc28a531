// One worker process, from spawn to the moment it is gone: frames in and out, what it prints, its
// last words, its exit. Knows nothing of jobs or restarts; all calls and callbacks are on the loop.
#pragma once

#include "host/base/async.hpp"
#include "host/base/clock.hpp"
#include "host/plugin/json.hpp"
#include "host/plugin/last_words.hpp"
#include "host/plugin/launch_order.hpp"
#include "host/plugin/oom_kills.hpp"
#include "host/plugin/spawn.hpp"
#include "host/plugin/worker_output.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace reelgate {

struct Crash {
    LastWords words;
    std::vector<std::string> frames; // module+offset, innermost first
};

struct ExitFacts {
    std::optional<int> signal;
    std::optional<int> code;
    std::optional<Crash> crash; // nothing: it died without a word
    std::uint64_t peak_rss_kb = 0;
    std::optional<std::uint64_t> oom_kills; // by the kernel, since it was last known to live

    // "SIGSEGV at 0x10 in plugin.so+0x1a2b" or "exited with code 3".
    std::string sentence() const;
};

class ChildEvents {
public:
    virtual ~ChildEvents() = default;
    virtual void on_frame(const Json& frame) = 0;
    virtual void on_last_words(const Crash& crash) = 0;
    virtual void
    on_wire_broken(const Error& why) = 0; // a protocol violation; the end of file is no event
    virtual void on_exit(const ExitFacts& facts) = 0; // the last call
};

// What became of a frame that was to be sent.
enum class Sent : std::uint8_t {
    queued,
    too_long, // for the wire: a bug of the caller's, or a wish of the user's
    closed,   // nobody reads there any more
};

// A worker that reads its frames has none waiting. One that lets more than this wait does not read,
// and its wire is broken: what it asks for must not fill our memory with answers.
inline constexpr std::size_t kMaxUnsent = std::size_t{4} << 20U;

// A worker, as its owner deals with it; tests have others than processes.
class Child {
public:
    virtual ~Child() = default;
    virtual Sent send(const Json& frame) = 0;
    virtual void kill() = 0; // its whole process group, at once
    virtual pid_t pid() const = 0;

    // Returns once it is gone and everything that listens has ended.
    virtual asio::awaitable<void> join() = 0;
};

class ChildProcess final : public Child {
public:
    // Spawns it and starts to listen. `events` must outlive the process; join() before it dies.
    static Result<std::unique_ptr<ChildProcess>> start(asio::any_io_executor loop,
                                                       const std::filesystem::path& program,
                                                       const LaunchOrder& order,
                                                       const Environment& environment,
                                                       WorkerOutput& output,
                                                       ChildEvents& events);
    ~ChildProcess() override;

    // Queues a frame. Beyond kMaxUnsent the wire is broken, which is told a turn later.
    Sent send(const Json& frame) override;

    void kill() override;

    // Closes our end of the wire, as a dead daemon would.
    void hang_up();

    // The processor time limit, memory and the like can be asked of the kernel by this.
    pid_t pid() const override { return pid_; }

    asio::awaitable<void> join() override { return tasks_.join(); }

private:
    ChildProcess(asio::any_io_executor loop,
                 SpawnedWorker& spawned,
                 WorkerOutput& output,
                 ChildEvents& events);

    asio::awaitable<void> read_wire();
    asio::awaitable<void> write_wire();
    asio::awaitable<void> read_output();
    asio::awaitable<void> hear_last_words();
    asio::awaitable<void> await_exit();
    asio::awaitable<void> tell_that_it_is_deaf();
    void send_what_fits(std::string& frame);
    void note_alive();
    bool deliver(class FrameReader& reader);
    void reader_ended();
    ExitFacts collect();

    pid_t pid_;
    OomKills oom_kills_;
    SteadyTime alive_at_{};
    WorkerOutput& output_;
    ChildEvents& events_;
    asio::local::stream_protocol::socket wire_;
    asio::local::stream_protocol::socket words_;
    asio::posix::stream_descriptor printed_;
    asio::posix::stream_descriptor pidfd_;
    asio::steady_timer more_to_send_;
    asio::steady_timer drained_;
    asio::steady_timer exited_;
    int readers_ = 3; // the wire, what it prints, its last words
    std::deque<std::string> outgoing_;
    std::size_t unsent_ = 0; // bytes, those of the frame that is being written included
    std::optional<Crash> crash_;
    bool hung_up_ = false;
    bool deaf_ = false;
    bool gone_ = false;

    // Runs code that uses the members above: keep it last.
    TaskGroup tasks_;
};

Result<std::unique_ptr<Child>> start_child_process(asio::any_io_executor loop,
                                                   const std::filesystem::path& program,
                                                   const LaunchOrder& order,
                                                   const Environment& environment,
                                                   WorkerOutput& output,
                                                   ChildEvents& events);

} // namespace reelgate
