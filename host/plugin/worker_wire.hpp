// Frames as the worker writes them: what the plugin gave, verdicts, answers, log lines.
#pragma once

#include "host/base/result.hpp"
#include "host/plugin/json.hpp"
#include "host/plugin/outbox.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace reelgate {

// What a plugin gives as JSON, as a member of a frame: it may nest one level less than a frame
// (code bad_json). For what need not be JSON, anything else becomes a string, so that nothing is
// lost.
Result<Json> parsed(std::string_view text);
Result<Json> parsed_object(std::string_view text);
Json parsed_or_text(const std::string& text);

// Adds "status", and the "failure" that host/plugin/failure_record.hpp reads back as it is here.
void put_verdict(Json& frame, const Result<Done>& verdict);

// `frame` with "status" and "result" or "failure"; an answer that no frame holds is a failure (code
// answer_too_long).
void say_answer(Outbox& outbox, const Json& frame, const Result<std::string>& answer);

// A frame that must arrive, and one that may be lost. Who composes one bounds what a plugin put
// into it: what does not fit is dropped.
void say(Outbox& outbox, const Json& frame);
void say_log(Outbox& outbox, std::string_view level, std::string_view event, const Json& fields);

} // namespace reelgate
