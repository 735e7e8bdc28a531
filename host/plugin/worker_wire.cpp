#include "host/plugin/worker_wire.hpp"

#include "host/plugin/failure_record.hpp"
#include "host/plugin/frames.hpp"

#include <utility>

namespace reelgate {
namespace {

// The host reads category and billing from the record that goes with it, so the status must not say
// more than they do: BUSY and REJECTED stand for a refusal that cost nothing.
rg_status status_for(const Error& error)
{
    const bool refused = error.billing == Billing::not_billed;
    switch (error.category) {
    case Category::cancelled:
        return RG_CANCELLED;
    case Category::submit_ambiguous:
        return RG_AMBIGUOUS;
    case Category::provider_overloaded:
    case Category::rate_limited:
        return refused ? RG_BUSY : RG_FAILED;
    case Category::invalid_params:
        return refused ? RG_REJECTED : RG_FAILED;
    default:
        return RG_FAILED;
    }
}

} // namespace

Result<Json> parsed(std::string_view text)
{
    return parse_json(text, {.bytes = kMaxFrame, .depth = kMaxFrameDepth - 1});
}

Result<Json> parsed_object(std::string_view text)
{
    RG_TRY(Json json, parsed(text));
    if (!json.is_object()) return invalid("not a JSON object", "bad_json");
    return json;
}

Json parsed_or_text(const std::string& text)
{
    auto json = parsed(text);
    return json ? *std::move(json) : Json(text);
}

void put_verdict(Json& frame, const Result<Done>& verdict)
{
    frame["status"] = verdict ? rg_status{RG_OK} : status_for(verdict.error());
    if (!verdict) frame["failure"] = parsed_or_text(record_from(verdict.error()));
}

void say_answer(Outbox& outbox, const Json& frame, const Result<std::string>& answer)
{
    Json whole = frame;
    if (answer) {
        whole["status"] = rg_status{RG_OK};
        whole["result"] = parsed_or_text(*answer);
        if (auto bytes = encode_frame(whole)) return outbox.say(*std::move(bytes));
        whole = frame;
        put_verdict(whole,
                    Error{.category = Category::unknown,
                          .text = "the answer does not fit a frame of " +
                                  std::to_string(kMaxFrame) + " bytes",
                          .code = "answer_too_long"});
    } else {
        put_verdict(whole, answer.error());
    }
    say(outbox, whole);
}

void say(Outbox& outbox, const Json& frame)
{
    if (auto bytes = encode_frame(frame)) outbox.say(*std::move(bytes));
}

void say_log(Outbox& outbox, std::string_view level, std::string_view event, const Json& fields)
{
    const Json frame{
        {"type",   "log" },
        {"level",  level },
        {"event",  event },
        {"fields", fields}
    };
    if (auto bytes = encode_frame(frame)) outbox.log(*std::move(bytes));
}

} // namespace reelgate
