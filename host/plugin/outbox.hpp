// What a worker has to say, in classes: verdicts always, progress the latest per job at most ten
// times a second, previews two a second, log lines from a ring that counts what it lost. Without
// this a plugin that reports progress in a tight loop would be hundreds of thousands of frames and
// a blocked plugin. One thread writes; any thread may hand something in.
#pragma once

#include "host/plugin/host_services.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>

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
    struct Held {
        std::string frame; // empty: nothing is waiting
        Time not_before{};
    };

    // All under mutex_.
    bool next_frame(std::string& frame, Time now);
    Time next_wake() const;
    void hold(std::map<std::string, Held>& held, const std::string& job, std::string frame);

    int wire_;
    std::mutex mutex_;
    std::condition_variable something_;
    std::condition_variable room_;
    std::deque<std::string> always_;
    std::deque<std::string> logs_;
    std::uint64_t logs_lost_ = 0;
    std::map<std::string, Held> progress_;
    std::map<std::string, Held> previews_;
    bool closed_ = false;
};

// send() until all of it is out; false when the other side is gone.
bool write_whole(int fd, std::string_view bytes);

} // namespace reelgate
