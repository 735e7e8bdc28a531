#include "host/plugin/outbox.hpp"

#include "host/plugin/frames.hpp"

#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace reelgate {
namespace {

// Names and paths are cut long before a frame is full.
std::string frame_of(const std::string& job, const ProgressNote& note)
{
    constexpr const char* kSources[] = {"none", "estimated", "measured"};
    const Json frame{
        {"type",   "progress"           },
        {"job",    job                  },
        {"source", kSources[note.source]},
        {"value",  note.value           },
        {"step",   note.step            },
        {"steps",  note.steps           },
        {"stage",  note.stage           }
    };
    return *encode_frame(frame);
}

std::string frame_of(const std::string& job, const std::string& preview)
{
    return *encode_frame(Json{
        {"type", "preview"},
        {"job",  job      },
        {"path", preview  }
    });
}

} // namespace

bool write_whole(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void Outbox::say(std::string frame)
{
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || always_.size() < kMaxWaitingFrames; });
    always_.push_back(std::move(frame));
    hand_over();
}

void Outbox::log(std::string frame)
{
    const std::lock_guard lock(mutex_);
    if (logs_.size() == kLogRing) {
        logs_.pop_front();
        ++logs_lost_;
    }
    logs_.push_back(std::move(frame));
    something_.notify_one();
}

void Outbox::progress(const std::string& job, ProgressNote note)
{
    const std::lock_guard lock(mutex_);
    hold(progress_, job, std::move(note));
}

void Outbox::preview(const std::string& job, std::string path)
{
    const std::lock_guard lock(mutex_);
    hold(previews_, job, std::move(path));
}

// Most calls of a tight loop end here and wake nobody: the writer is already due at `not_before`.
template <class Value>
void Outbox::hold(Slots<Value>& slots, const std::string& job, Value value)
{
    Held<Value>& slot = slots[job];
    const bool was_waiting = slot.value.has_value();
    slot.value = std::move(value);
    if (!was_waiting) hand_over();
}

void Outbox::hand_over()
{
    std::string frame;
    while (resting_ && !gone_ && rest_.empty() && next_due(frame, std::chrono::steady_clock::now()))
        send_what_fits(std::move(frame));
    if (gone_ || !rest_.empty() || !always_.empty() || next_wake() != Time::max())
        something_.notify_one();
}

void Outbox::send_what_fits(std::string frame)
{
    ssize_t sent = 0;
    do
        sent = ::send(wire_, frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    gone_ = sent < 0 && errno != EAGAIN;
    if (sent > 0) frame.erase(0, static_cast<std::size_t>(sent));
    rest_ = std::move(frame);
}

void Outbox::finish(const std::string& job, std::string frame)
{
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || always_.size() < kMaxWaitingFrames; });
    flush(previews_, job);
    flush(progress_, job);
    always_.push_back(std::move(frame));
    hand_over();
}

template <class Value>
void Outbox::flush(Slots<Value>& slots, const std::string& job)
{
    if (auto node = slots.extract(job); node && node.mapped().value)
        always_.push_back(frame_of(job, *node.mapped().value));
}

void Outbox::close()
{
    const std::lock_guard lock(mutex_);
    closed_ = true;
    something_.notify_one();
    room_.notify_all();
}

bool Outbox::next_due(std::string& frame, Time now)
{
    if (!always_.empty()) {
        frame = std::move(always_.front());
        always_.pop_front();
        room_.notify_one();
        return true;
    }
    if (next_of(progress_, kProgressEvery, frame, now)) return true;
    return next_of(previews_, kPreviewEvery, frame, now);
}

bool Outbox::next_frame(std::string& frame, Time now)
{
    if (!rest_.empty()) {
        frame = std::exchange(rest_, {});
        return true;
    }
    if (next_due(frame, now)) return true;
    if (logs_.empty()) return false;
    if (logs_lost_ > 0) {
        const Json lost{
            {"lines", std::exchange(logs_lost_, 0)}
        };
        frame = *encode_frame(Json{
            {"type",   "log"     },
            {"level",  "warn"    },
            {"event",  "log.lost"},
            {"fields", lost      }
        });
        return true;
    }
    frame = std::move(logs_.front());
    logs_.pop_front();
    return true;
}

template <class Value>
bool Outbox::next_of(Slots<Value>& slots,
                     std::chrono::milliseconds every,
                     std::string& frame,
                     Time now)
{
    for (auto& [job, slot] : slots) {
        if (!slot.value || slot.not_before > now) continue;
        frame = frame_of(job, *std::exchange(slot.value, std::nullopt));
        slot.not_before = now + every;
        return true;
    }
    return false;
}

Outbox::Time Outbox::next_wake() const
{
    Time wake = Time::max();
    const auto look_at = [&wake](const auto& slots) {
        for (const auto& [job, slot] : slots)
            if (slot.value) wake = std::min(wake, slot.not_before);
    };
    look_at(progress_);
    look_at(previews_);
    return wake;
}

void Outbox::write_until_closed()
{
    std::unique_lock lock(mutex_);
    while (!gone_) {
        std::string frame;
        if (next_frame(frame, std::chrono::steady_clock::now())) {
            lock.unlock();
            const bool alive = write_whole(wire_, frame);
            lock.lock();
            if (!alive) return;
            continue;
        }
        if (closed_) return;
        const Time wake = next_wake();
        resting_ = true;
        if (wake == Time::max())
            something_.wait(lock);
        else
            something_.wait_until(lock, wake);
        resting_ = false;
    }
}

} // namespace reelgate
