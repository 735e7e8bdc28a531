// What a plugin prints: cut into lines, limited in rate, kept in a ring for crash reports and in a
// file for `reelgate plugin logs`.
#pragma once

#include "host/base/clock.hpp"
#include "host/base/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

inline constexpr std::size_t kMaxOutputLine = 4096;
inline constexpr std::size_t kOutputRing = 200;
inline constexpr unsigned kOutputLinesPerSecond = 200; // with a burst of as many
inline constexpr std::string_view kLogFile = "worker.log";
inline constexpr std::string_view kOlderLogFile = "worker.log.1";
inline constexpr std::uint64_t kMaxLogFile = 1U << 20U; // then it becomes worker.log.1

class WorkerOutput {
public:
    // Appends to `<directory>/worker.log`; without a directory only the ring is kept. No plugin may
    // write there: what it could replace or forge would be no evidence. If the file cannot be
    // written or is no plain file, the ring says so and is all there is.
    explicit WorkerOutput(std::filesystem::path directory = {});

    // Whole lines among `bytes` and what was held before. What is over the rate is counted and
    // dropped.
    void feed(std::string_view bytes, SteadyTime now, WallTime wall);

    // A line of the host's own among the plugin's: "started", "killed: ...".
    void note(std::string_view line, WallTime wall);

    // The last lines, oldest first.
    std::vector<std::string> tail(std::size_t lines) const;
    std::uint64_t dropped() const { return dropped_; }

private:
    void keep(std::string_view line, WallTime wall);
    bool within_rate(SteadyTime now);
    void remember(std::string_view line);
    void open_file();
    void rotate();
    void give_up_file(std::string_view why);

    std::filesystem::path directory_;
    Fd file_; // invalid: only the ring is kept
    std::uint64_t file_size_ = 0;
    std::string partial_;
    std::deque<std::string> ring_;
    SteadyTime second_{};
    unsigned in_second_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t dropped_said_ = 0;
};

} // namespace reelgate
