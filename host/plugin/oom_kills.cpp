#include "host/plugin/oom_kills.hpp"

#include "host/base/file.hpp"

#include <charconv>
#include <string>
#include <utility>

namespace reelgate {
namespace {

constexpr std::size_t kLongest = 64 * 1024; // vmstat has 4 KiB
constexpr std::string_view kMounted = "/sys/fs/cgroup";

// What stands before the next `end`; the text goes on behind it.
std::string_view cut_off(std::string_view& text, char end)
{
    const std::size_t at = text.find(end);
    const std::string_view part = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return part;
}

std::optional<std::uint64_t> read_count(const std::filesystem::path& counter)
{
    const auto text = read_file(counter, kLongest);
    return text ? oom_kills_in(*text) : std::nullopt;
}

} // namespace

std::optional<std::uint64_t> oom_kills_in(std::string_view text)
{
    while (!text.empty()) {
        std::string_view line = cut_off(text, '\n');
        if (cut_off(line, ' ') != "oom_kill") continue;
        std::uint64_t count = 0;
        const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), count);
        if (failed == std::errc{} && end == line.data() + line.size()) return count;
        return std::nullopt;
    }
    return std::nullopt;
}

// Lines are number:controllers:path; the unified hierarchy is 0 and names no controllers.
std::vector<std::filesystem::path> oom_counters(std::string_view groups)
{
    std::vector<std::filesystem::path> counters;
    while (!groups.empty()) {
        std::string_view line = cut_off(groups, '\n');
        const std::string_view number = cut_off(line, ':');
        const std::string_view controllers = cut_off(line, ':');
        const std::string path(line);
        if (number == "0" && controllers.empty())
            counters.emplace_back(std::string(kMounted) + path + "/memory.events");
        if (controllers == "memory")
            counters.emplace_back(std::string(kMounted) + "/memory" + path + "/memory.oom_control");
    }
    counters.emplace_back("/proc/vmstat");
    return counters;
}

OomKills::OomKills(pid_t pid)
{
    const auto groups = read_file("/proc/" + std::to_string(pid) + "/cgroup", kLongest);
    for (const auto& counter : oom_counters(groups ? *groups : std::string())) {
        before_ = read_count(counter);
        if (!before_) continue;
        lately_ = before_;
        counter_ = counter;
        return;
    }
}

void OomKills::forget()
{
    if (before_) before_ = std::exchange(lately_, read_count(counter_));
}

std::optional<std::uint64_t> OomKills::since() const
{
    const auto now = before_ ? read_count(counter_) : std::nullopt;
    if (!now || *now < *before_) return std::nullopt;
    return *now - *before_;
}

} // namespace reelgate
