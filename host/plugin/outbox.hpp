// What a worker has to say, in classes: verdicts always, progress the latest per job at most ten
// times a second, previews two a second, log lines from a ring that counts what it lost. Without
// this a plugin that reports progress in a tight loop would be hundreds of thousands of frames and
// a blocked plugin. Any thread may hand something in. What is due leaves at once, by the hand of
// whoever brings it, as far as the wire takes it without waiting: a thread that has to be woken for
// it costs as much time as the message. All else is left to one thread that writes.
#pragma once

#include "host/plugin/host_services.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace reelgate {

inline constexpr std::size_t kLogRing = 256;
inline constexpr auto kProgressEvery = std::chrono::milliseconds(100);
inline constexpr auto kPreviewEvery = std::chrono::milliseconds(500);
inline constexpr std::size_t kMaxWaitingFrames = 1024; // then the one who has more to say waits

class Outbox {
public:
    explicit Outbox(int wire) : wire_(wire) {}

    void say(std::string frame); // an encoded frame that must arrive
    void log(std::string frame); // an encoded frame that may be lost
    void progress(const std::string& job, ProgressNote note);
    void preview(const std::string& job, std::string path);

    // The job's last word: what is still held back of its progress goes out before it.
    void finish(const std::string& job, std::string frame);

    // The writing thread's whole life: returns after close() once everything is out, or when the
    // wire is gone.
    void write_until_closed();
    void close();

private:
    using Time = std::chrono::steady_clock::time_point;
    // The newest value of a job that has not left yet. It becomes a frame when it leaves: most
    // never do.
    template <class Value>
    struct Held {
        std::optional<Value> value;
        Time not_before{};
    };
    template <class Value>
    using Slots = std::map<std::string, Held<Value>>;

    // All under mutex_.
    void hand_over();
    void send_what_fits(std::string frame);
    bool next_due(std::string& frame, Time now);
    bool next_frame(std::string& frame, Time now);
    Time next_wake() const;
    template <class Value>
    void hold(Slots<Value>& slots, const std::string& job, Value value);
    template <class Value>
    bool
    next_of(Slots<Value>& slots, std::chrono::milliseconds every, std::string& frame, Time now);
    template <class Value>
    void flush(Slots<Value>& slots, const std::string& job);

    int wire_;
    std::mutex mutex_;
    std::condition_variable something_;
    std::condition_variable room_;
    std::string rest_; // of a frame of which the wire has taken a part: nothing may go before it
    std::deque<std::string> always_;
    std::deque<std::string> logs_;
    std::uint64_t logs_lost_ = 0;
    Slots<ProgressNote> progress_;
    Slots<std::string> previews_; // paths
    bool closed_ = false;
    bool gone_ = false;    // the wire is
    bool resting_ = false; // the writing thread has nothing to write
};

// send() until all of it is out; false when the other side is gone.
bool write_whole(int fd, std::string_view bytes);

} // namespace reelgate
