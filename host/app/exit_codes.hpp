// What the exit status of `reelgate` means. Scripts and CI read it, so a number never changes its
// meaning; the help text and the reference page print this table.
#pragma once

#include "host/base/error.hpp"

#include <array>
#include <string_view>

namespace reelgate {

enum class ExitCode : int {
    ok = 0,
    failed = 1,
    usage = 2,
    refused = 3,
    internal = 4,
    interrupted = 130, // 128 + SIGINT, as shells have it
};

struct ExitCodeRow {
    ExitCode code;
    std::string_view name;
    std::string_view meaning;
};

// clang-format off
inline constexpr std::array kExitCodes{
    ExitCodeRow{ExitCode::ok,          "ok",          "done; what was asked about is as it should be"},
    ExitCodeRow{ExitCode::failed,      "failed",      "what was asked about failed, is broken or does not exist"},
    ExitCodeRow{ExitCode::usage,       "usage",       "the command line was not understood"},
    ExitCodeRow{ExitCode::refused,     "refused",     "could not be tried: unavailable, busy, not trusted or not allowed"},
    ExitCodeRow{ExitCode::internal,    "internal",    "a fault of this machine or of Reelgate itself"},
    ExitCodeRow{ExitCode::interrupted, "interrupted", "stopped by the user"},
};
// clang-format on

constexpr int to_int(ExitCode code) { return static_cast<int>(code); }

// The exit status of a command that ended with `error`.
ExitCode exit_code_of(const Error& error);

} // namespace reelgate
