// Frames as the worker reads and writes them: members that may be missing, verdicts, log lines.
#pragma once

#include "host/base/result.hpp"
#include "host/plugin/json.hpp"
#include "host/plugin/outbox.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace reelgate {

// A member of a frame; empty, "{}" or 0 where it is missing or of another kind.
std::string text_of(const Json& frame, const char* member);
std::string object_text(const Json& frame, const char* member);
std::uint64_t number_of(const Json& frame); // "n"

// What a plugin gives as JSON, as JSON; what is none becomes a string, so that nothing is lost.
Json parsed_or_text(const std::string& text);

// Adds "status", and "failure" or "result".
void put_verdict(Json& frame, const Result<Done>& verdict);
void put_answer(Json& frame, const Result<std::string>& answer);

// A frame that must arrive, and one that may be lost.
void say(Outbox& outbox, const Json& frame);
void say_log(Outbox& outbox, std::string_view level, std::string_view event, const Json& fields);

} // namespace reelgate
