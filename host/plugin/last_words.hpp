// How a dying worker says why. The kernel reports a death only after it has freed the memory, which
// takes seconds for a large process; a signal handler that writes one fixed record and waits a
// moment for an answer is heard within milliseconds at any size, while the maps can still be read.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

inline constexpr std::size_t kMaxReturnAddresses = 24;

// The record on the channel, written in one piece. Both ends are the same build on the same
// machine.
struct LastWords {
    std::uint32_t magic = 0x52474C57; // "WLGR"
    std::int32_t signal = 0;
    std::int32_t code = 0;
    std::int32_t thread = 0;
    std::uint64_t address = 0;
    std::array<char, 64> job{};
    std::uint32_t depth = 0;
    std::array<std::uint64_t, kMaxReturnAddresses> frames{};

    std::string_view job_id() const;
};

// In the worker -------------------------------------------------------------------------------

// Handlers for SEGV, BUS, FPE, ILL and ABRT that write to `channel`, wait at most 200 ms for one
// byte back, and let the signal take its course. Call once, before any other thread exists.
void install_last_words(int channel);

// Gives the current thread a stack of its own for the handler, so that a stack overflow is heard,
// too.
class AlternateStack {
public:
    AlternateStack();
    ~AlternateStack();
    AlternateStack(const AlternateStack&) = delete;
    AlternateStack& operator=(const AlternateStack&) = delete;

private:
    std::unique_ptr<char[]> memory_;
};

// The job that the current thread works for, as the record will name it; empty for none.
void name_job_of_thread(std::string_view job);

// In the host ---------------------------------------------------------------------------------

// Reads a record; nothing if the bytes are not one.
std::optional<LastWords> parse_last_words(std::string_view bytes);

// "plugin.so+0x1a2b" for each return address, from the maps of the process, which must still be
// waiting.
std::vector<std::string> locate_frames(int pid, const LastWords& words);

// "0x1a2b"
std::string hex(std::uint64_t value);

// "SIGSEGV"; "signal 99" for one without a name.
std::string signal_name(int signal);

} // namespace reelgate
