#include "host/base/log.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

namespace reelgate {
namespace {

using enum Event;

// clang-format off
constexpr std::array kEvents{
    EventRow{host_started,      "host.started",      Level::info,  "the program is up"},
    EventRow{host_stopped,      "host.stopped",      Level::info,  "the program has let go of everything and ends"},
    EventRow{plugin_found,      "plugin.found",      Level::debug, "the plugin of a provider: there, and allowed to run"},
    EventRow{plugin_refused,    "plugin.refused",    Level::error, "a plugin that will not be started until it changes"},
    EventRow{worker_started,    "plugin.started",    Level::info,  "a worker process was started for a provider"},
    EventRow{worker_ready,      "plugin.ready",      Level::info,  "the provider in the worker was created"},
    EventRow{worker_state,      "plugin.state",      Level::info,  "the supervision of a provider changed its state"},
    EventRow{worker_crashed,    "plugin.crashed",    Level::warn,  "a worker process died without being asked to"},
    EventRow{worker_killed,     "plugin.killed",     Level::warn,  "a worker process was killed because a clock ran out"},
    EventRow{worker_misbehaved, "plugin.misbehaved", Level::warn,  "a plugin did something its contract forbids"},
    EventRow{plugin_log,        "plugin.log",        Level::info,  "an event that the plugin itself logged"},
    EventRow{provider_probed,   "health.changed",    Level::info,  "a provider's probe gave another answer than the last"},
    EventRow{attempt_started,   "attempt.started",   Level::info,  "a request was handed to a provider"},
    EventRow{attempt_ended,     "attempt.ended",     Level::info,  "a provider gave its verdict on a request"},
    EventRow{job_created,       "job.created",       Level::info,  "a job was admitted and is on disk"},
    EventRow{job_completed,     "job.completed",     Level::info,  "the file is here, verified"},
    EventRow{job_failed,        "job.failed",        Level::info,  "a job ended without a file"},
    EventRow{job_cancelled,     "job.cancelled",     Level::info,  "a job ended because its owner asked for it"},
    EventRow{job_resumed,       "job.resumed",       Level::info,  "accepted work of an earlier daemon is followed again"},
    EventRow{job_milestone,     "job.milestone",     Level::debug, "a named point on a job's way"},
    EventRow{attempt_failed,    "attempt.failed",    Level::warn,  "a provider did not bring what was asked; the router decides what comes next"},
    EventRow{attempt_ambiguous, "attempt.ambiguous", Level::warn,  "a paid submit may or may not have been accepted; nothing is sent again"},
    EventRow{attempt_reconciled,"attempt.reconciled",Level::warn,  "it is known what became of an ambiguous submit"},
    EventRow{route_decided,     "route.decided",     Level::info,  "a provider was chosen for a job"},
    EventRow{breaker_changed,   "breaker.changed",   Level::warn,  "a pair of provider and model rests, or no longer does"},
    EventRow{config_loaded,     "config.loaded",     Level::info,  "a configuration holds from now on"},
    EventRow{config_rejected,   "config.rejected",   Level::error, "a changed configuration was refused; what holds is as before"},
    EventRow{job_quarantined,   "job.quarantined",   Level::error, "a job ended because it kills what works on it"},
    EventRow{job_suspected,     "job.suspected",     Level::warn,  "a job was at work when an earlier daemon died"},
    EventRow{store_low,         "store.low",         Level::error, "there is no room on the disk: work waits, nothing new is admitted"},
    EventRow{internal_fault,    "host.fault",        Level::error, "the daemon met something that only a bug or a broken disk explains"},
};
// clang-format on

constexpr bool rows_follow_the_enum()
{
    for (std::size_t i = 0; i < kEvents.size(); ++i)
        if (static_cast<std::size_t>(kEvents[i].event) != i) return false;
    return static_cast<std::size_t>(internal_fault) + 1 == kEvents.size();
}
static_assert(rows_follow_the_enum(), "one row for each Event, in its order");

std::string number_text(double value)
{
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
    return {text.data(), end.ptr};
}

struct ValueText {
    std::string operator()(std::string_view text) const { return json_quoted(text); }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return number_text(value); }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
};

// How many bytes of valid UTF-8 start at `text`, 0 if none do.
std::size_t utf8_length(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((byte(i) & 0xC0U) != 0x80U) return 0;
    const unsigned char second = byte(1);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool surrogate = lead == 0xED && second > 0x9F;
    const bool beyond = lead == 0xF4 && second > 0x8F;
    return overlong || surrogate || beyond ? 0 : size;
}

void append_escaped(std::string& out, unsigned char c)
{
    switch (c) {
    case '"':
        out += "\\\"";
        return;
    case '\\':
        out += "\\\\";
        return;
    case '\n':
        out += "\\n";
        return;
    case '\r':
        out += "\\r";
        return;
    case '\t':
        out += "\\t";
        return;
    default:
        break;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    if (c >= 0x20 && c != 0x7F) {
        out += static_cast<char>(c);
        return;
    }
    out += "\\u00";
    out += kDigits[c >> 4U];
    out += kDigits[c & 15U];
}

} // namespace

std::string timestamp(std::chrono::system_clock::time_point when)
{
    using namespace std::chrono;
    const auto seconds = floor<std::chrono::seconds>(when);
    const auto millis = static_cast<int>(duration_cast<milliseconds>(when - seconds).count());
    const std::time_t whole = system_clock::to_time_t(seconds);
    std::tm utc{};
    ::gmtime_r(&whole, &utc);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    std::string out(text.data(), size);
    out += '.';
    out += static_cast<char>('0' + millis / 100);
    out += static_cast<char>('0' + millis / 10 % 10);
    out += static_cast<char>('0' + millis % 10);
    return out + 'Z';
}

std::span<const EventRow> event_table() { return kEvents; }

std::string_view to_string(Level level)
{
    constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warn", "error"};
    return kNames[static_cast<std::size_t>(level)];
}

std::string json_quoted(std::string_view text)
{
    std::string out = "\"";
    while (!text.empty()) {
        const std::size_t size = utf8_length(text);
        if (size == 0) {
            out += "\xEF\xBF\xBD";
            text.remove_prefix(1);
            continue;
        }
        if (size == 1)
            append_escaped(out, static_cast<unsigned char>(text[0]));
        else
            out += text.substr(0, size);
        text.remove_prefix(size);
    }
    return out + '"';
}

void Log::write(Event event, std::initializer_list<Field> fields) const
{
    write(event, kEvents[static_cast<std::size_t>(event)].level, fields);
}

void Log::write(Event event, Level level, std::initializer_list<Field> fields) const
{
    if (!wants(level)) return;
    const EventRow& row = kEvents[static_cast<std::size_t>(event)];
    const std::string when = timestamp(std::chrono::system_clock::now());

    std::string line;
    if (format_ == LogFormat::json) {
        line = "{\"ts\":\"" + when + "\",\"level\":\"" + std::string(to_string(level)) +
               "\",\"event\":\"" + std::string(row.name) + '"';
        for (const Field& f : fields)
            line += ',' + json_quoted(f.name) + ':' + std::visit(ValueText{}, f.value);
        line += "}\n";
    } else {
        line = when + ' ' + std::string(to_string(level)) + ' ' + std::string(row.name);
        for (const Field& f : fields)
            line += ' ' + std::string(f.name) + '=' + std::visit(ValueText{}, f.value);
        line += '\n';
    }
    // A log that cannot be written has nobody left to tell.
    [[maybe_unused]] const auto written = ::write(fd_, line.data(), line.size());
}

} // namespace reelgate
