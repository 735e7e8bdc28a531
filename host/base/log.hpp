// A log line is an event with fields, never a sentence with holes. The events are a closed list;
// each has its level and its meaning in one table. A line is built whole and leaves in one write(),
// so lines of several threads do not mix and no lock is held.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace reelgate {

// debug = the rest; info = transitions; warn = we coped, but look; error = a person must act.
enum class Level : std::uint8_t { debug, info, warn, error };

enum class Event : std::uint8_t {
    host_started,
    host_stopped,
    plugin_found,
    plugin_refused,
    worker_started,
    worker_ready,
    worker_state,
    worker_crashed,
    worker_killed,
    worker_misbehaved,
    plugin_log,
    provider_probed,
    attempt_started,
    attempt_ended,
    job_created,
    job_completed,
    job_failed,
    job_cancelled,
    job_resumed,
    job_milestone,
    attempt_failed,
    attempt_ambiguous,
    attempt_reconciled,
    route_decided,
    breaker_changed,
    config_loaded,
    config_rejected,
    job_quarantined,
    job_suspected,
    store_low,
    internal_fault,
};

struct EventRow {
    Event event;
    std::string_view name;
    Level level;
    std::string_view meaning;
};
std::span<const EventRow> event_table();

struct Field {
    std::string_view name;
    std::variant<std::string_view, std::int64_t, double, bool> value;

    Field(std::string_view n, std::string_view v) : name(n), value(v) {}
    Field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
    Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
    Field(std::string_view n, double v) : name(n), value(v) {}
    Field(std::string_view n, bool v) : name(n), value(v) {}
    template <std::integral Integer>
    requires(!std::same_as<Integer, bool>) Field(std::string_view n, Integer v)
        : name(n), value(static_cast<std::int64_t>(v))
    {
    }
};

enum class LogFormat : std::uint8_t { text, json };

// What of a client's prompt a line may hold.
enum class PromptsInLog : std::uint8_t { hash, none, full };

class Log {
public:
    // `fd` stays the caller's. What is below `least` is dropped.
    Log(int fd, LogFormat format, Level least) : fd_(fd), format_(format), least_(least) {}

    void write(Event event, std::initializer_list<Field> fields) const;

    // For what a plugin logs: the level is its own, the event is plugin_log.
    void write(Event event, Level level, std::initializer_list<Field> fields) const;

    bool wants(Level level) const { return level >= least_; }

private:
    int fd_;
    LogFormat format_;
    Level least_;
};

std::string_view to_string(Level level);

// RFC 3339, UTC, milliseconds: "2026-11-21T10:51:05.569Z".
std::string timestamp(std::chrono::system_clock::time_point when);

// `text` as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD, controls are escaped.
std::string json_quoted(std::string_view text);

} // namespace reelgate
