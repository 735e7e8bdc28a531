#include "host/plugin/child_process.hpp"

#include "host/plugin/frames.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <utility>

namespace reelgate {
namespace {

constexpr std::size_t kBlock = 64 * 1024;

// A child that leaves grandchildren with our pipe open would keep us reading for ever.
constexpr auto kDrainAfterExit = std::chrono::milliseconds(200);

// One that closes the wire is about to exit, and its exit says more; one that stays has broken the
// wire.
constexpr auto kExitAfterEof = std::chrono::milliseconds(500);

constexpr auto kOomCountEvery = std::chrono::seconds(1);

// The innermost frames are the handler and the kernel's trampoline: the first one in another module
// than theirs is where it happened, or the first at all.
std::string place_of(const Crash& crash)
{
    for (const std::string& frame : crash.frames)
        if (frame.find("reelgate-worker") == std::string::npos &&
            frame.find("libc.so") == std::string::npos)
            return frame;
    return crash.frames.empty() ? std::string("an unknown place") : crash.frames.front();
}

} // namespace

std::string ExitFacts::sentence() const
{
    if (crash)
        return signal_name(crash->words.signal) + " at " + hex(crash->words.address) + " in " +
               place_of(*crash);
    if (signal) return "ended by " + signal_name(*signal) + ", without last words";
    return "exited with code " + std::to_string(code.value_or(-1)) + " without being asked to";
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(asio::any_io_executor loop,
                                                          const std::filesystem::path& program,
                                                          const LaunchOrder& order,
                                                          const Environment& environment,
                                                          WorkerOutput& output,
                                                          ChildEvents& events)
{
    RG_TRY(SpawnedWorker spawned, spawn_worker(program, order, environment));
    std::unique_ptr<ChildProcess> child;
    try {
        child.reset(new ChildProcess(std::move(loop), spawned, output, events));
    } catch (const boost::system::system_error& e) { // the loop can watch no more descriptors
        kill_and_reap(spawned.pid);
        // No disk is meant by the ENOSPC of a table of watches.
        return Error{.category = Category::worker_unavailable,
                     .text = "listening to " + program.string() + ": " + e.code().message(),
                     .phase = Phase::load};
    }
    child->tasks_.spawn(child->read_wire());
    child->tasks_.spawn(child->write_wire());
    child->tasks_.spawn(child->read_output());
    child->tasks_.spawn(child->hear_last_words());
    child->tasks_.spawn(child->await_exit());
    return child;
}

ChildProcess::ChildProcess(asio::any_io_executor loop,
                           SpawnedWorker& spawned,
                           WorkerOutput& output,
                           ChildEvents& events)
    : pid_(spawned.pid), oom_kills_(pid_), output_(output), events_(events), wire_(loop),
      words_(loop), printed_(loop), pidfd_(loop), more_to_send_(loop), drained_(loop),
      exited_(loop), tasks_(loop)
{
    // Each assign() may throw; until it has not, the descriptor is still `spawned`'s.
    wire_.assign(asio::local::stream_protocol(), spawned.wire.get());
    static_cast<void>(spawned.wire.release());
    words_.assign(asio::local::stream_protocol(), spawned.last_words.get());
    static_cast<void>(spawned.last_words.release());
    printed_.assign(spawned.output.get());
    static_cast<void>(spawned.output.release());
    pidfd_.assign(spawned.pidfd.get());
    static_cast<void>(spawned.pidfd.release());
}

Result<std::unique_ptr<Child>> start_child_process(asio::any_io_executor loop,
                                                   const std::filesystem::path& program,
                                                   const LaunchOrder& order,
                                                   const Environment& environment,
                                                   WorkerOutput& output,
                                                   ChildEvents& events)
{
    RG_TRY(auto child,
           ChildProcess::start(std::move(loop), program, order, environment, output, events));
    return std::unique_ptr<Child>(std::move(child));
}

ChildProcess::~ChildProcess()
{
    if (!gone_) kill();
}

Sent ChildProcess::send(const Json& frame)
{
    auto bytes = encode_frame(frame);
    if (!bytes) return Sent::too_long;
    if (hung_up_ || deaf_) return Sent::closed;
    unsent_ += bytes->size();
    if (unsent_ > kMaxUnsent) {
        deaf_ = true;
        outgoing_.clear();
        tasks_.spawn(tell_that_it_is_deaf());
        return Sent::closed;
    }
    if (unsent_ == bytes->size()) send_what_fits(*bytes);
    if (bytes->empty()) return Sent::queued;
    outgoing_.push_back(*std::move(bytes));
    more_to_send_.cancel();
    return Sent::queued;
}

// Nothing waits before it: it need not wait for a turn of write_wire(). A failure is met there.
void ChildProcess::send_what_fits(std::string& frame)
{
    const ssize_t sent =
        ::send(wire_.native_handle(), frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return;
    frame.erase(0, static_cast<std::size_t>(sent));
    unsent_ -= static_cast<std::size_t>(sent);
}

// A turn later: whoever sends is in the middle of something.
asio::awaitable<void> ChildProcess::tell_that_it_is_deaf()
{
    const auto loop = co_await asio::this_coro::executor;
    co_await asio::post(loop, asio::use_awaitable);
    if (gone_ || hung_up_) co_return;
    events_.on_wire_broken(Error{.category = Category::plugin_crashed,
                                 .text = "the worker does not read: " +
                                         std::to_string(kMaxUnsent >> 20U) + " MiB wait for it",
                                 .code = "protocol_violation",
                                 .phase = Phase::run});
}

void ChildProcess::kill()
{
    // Until await_exit() has reaped it the number cannot be anybody else's.
    if (!gone_) ::kill(-pid_, SIGKILL);
}

void ChildProcess::hang_up()
{
    hung_up_ = true;
    boost::system::error_code ignored; // a socket that is closed already is what we want
    wire_.close(ignored);
    more_to_send_.cancel();
}

asio::awaitable<void> ChildProcess::read_wire()
{
    FrameReader reader;
    std::vector<char> block(kBlock);
    while (true) {
        boost::system::error_code failed;
        const std::size_t got = co_await wire_.async_read_some(
            asio::buffer(block), asio::redirect_error(asio::use_awaitable, failed));
        // What arrives behind its end is from somebody who inherited the wire.
        if (failed || gone_) break;
        note_alive();
        reader.feed({block.data(), got});
        if (!deliver(reader)) break;
    }
    reader_ended();
    if (gone_ || hung_up_) co_return;
    boost::system::error_code woken;
    exited_.expires_after(kExitAfterEof);
    co_await exited_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (gone_ || woken) co_return;
    events_.on_wire_broken(Error{.category = Category::plugin_crashed,
                                 .text = "the worker closed the wire and went on",
                                 .code = "protocol_violation",
                                 .phase = Phase::run});
}

// What the kernel killed before this is heard of was somebody else. Looked at now and then only.
void ChildProcess::note_alive()
{
    const auto now = std::chrono::steady_clock::now();
    if (now - alive_at_ < kOomCountEvery) return;
    alive_at_ = now;
    oom_kills_.forget();
}

void ChildProcess::reader_ended()
{
    if (--readers_ == 0) drained_.cancel();
}

// False when the conversation is over.
bool ChildProcess::deliver(FrameReader& reader)
{
    while (true) {
        auto frame = reader.next();
        if (!frame) {
            events_.on_wire_broken(frame.error());
            return false;
        }
        if (!*frame) return true;
        events_.on_frame(**frame);
    }
}

asio::awaitable<void> ChildProcess::write_wire()
{
    while (!hung_up_ && !gone_) {
        boost::system::error_code failed;
        if (outgoing_.empty()) {
            more_to_send_.expires_at(asio::steady_timer::time_point::max());
            co_await more_to_send_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
            const auto state = co_await asio::this_coro::cancellation_state;
            if (state.cancelled() != asio::cancellation_type::none) co_return;
            continue;
        }
        const std::string frame = std::move(outgoing_.front());
        outgoing_.pop_front();
        const auto bytes = asio::buffer(frame);
        co_await asio::async_write(wire_, bytes, asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return;
        unsent_ -= frame.size();
    }
}

asio::awaitable<void> ChildProcess::read_output()
{
    const SystemClock clock;
    std::vector<char> block(kBlock);
    while (true) {
        boost::system::error_code failed;
        const std::size_t got = co_await printed_.async_read_some(
            asio::buffer(block), asio::redirect_error(asio::use_awaitable, failed));
        if (failed) break;
        output_.feed({block.data(), got}, clock.now(), clock.wall());
    }
    reader_ended();
}

asio::awaitable<void> ChildProcess::hear_last_words()
{
    std::array<char, sizeof(LastWords)> record{};
    const auto whole = asio::buffer(record);
    boost::system::error_code failed;
    co_await asio::async_read(words_, whole, asio::redirect_error(asio::use_awaitable, failed));
    reader_ended();
    const auto words = parse_last_words({record.data(), failed ? 0 : record.size()});
    if (!words) co_return;
    crash_ = Crash{*words, locate_frames(pid_, *words)};
    events_.on_last_words(*crash_);

    const std::string go_on(1, '\0');
    const auto byte = asio::buffer(go_on);
    co_await asio::async_write(words_, byte, asio::redirect_error(asio::use_awaitable, failed));
}

asio::awaitable<void> ChildProcess::await_exit()
{
    boost::system::error_code failed;
    co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read,
                               asio::redirect_error(asio::use_awaitable, failed));
    if (failed) kill();

    // What it said last may still be on its way.
    if (readers_ > 0) {
        drained_.expires_after(kDrainAfterExit);
        co_await drained_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
    }
    const ExitFacts facts = collect();
    hang_up();
    exited_.cancel();
    words_.close(failed);
    printed_.close(failed);
    events_.on_exit(facts);
}

// Ends what is left of its group and reaps it; from here on the number may be somebody else's.
ExitFacts ChildProcess::collect()
{
    const auto oom_kills = oom_kills_.since();
    ::kill(-pid_, SIGKILL);
    rusage usage{};
    int status = 0;
    ::wait4(pid_, &status, 0, &usage);
    gone_ = true;

    ExitFacts facts;
    if (WIFSIGNALED(status)) facts.signal = WTERMSIG(status);
    if (WIFEXITED(status)) facts.code = WEXITSTATUS(status);
    facts.crash = crash_;
    facts.oom_kills = oom_kills;
    facts.peak_rss_kb = static_cast<std::uint64_t>(usage.ru_maxrss);
    return facts;
}

} // namespace reelgate
