#include "host/plugin/worker_wire.hpp"

#include "host/plugin/failure_record.hpp"
#include "host/plugin/frames.hpp"

#include <utility>

namespace reelgate {
namespace {

rg_status status_of(const Error& error)
{
    switch (error.category) {
    case Category::cancelled:
        return RG_CANCELLED;
    case Category::submit_ambiguous:
        return RG_AMBIGUOUS;
    case Category::provider_overloaded:
        return RG_BUSY;
    case Category::invalid_params:
        return RG_REJECTED;
    default:
        return RG_FAILED;
    }
}

} // namespace

std::string text_of(const Json& frame, const char* member)
{
    const auto found = frame.find(member);
    return found != frame.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string object_text(const Json& frame, const char* member)
{
    const auto found = frame.find(member);
    return found == frame.end() ? "{}"
                                : found->dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::uint64_t number_of(const Json& frame)
{
    const auto found = frame.find("n");
    return found != frame.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

Json parsed_or_text(const std::string& text)
{
    Json json = Json::parse(text, nullptr, false);
    return json.is_discarded() ? Json(text) : json;
}

void put_verdict(Json& frame, const Result<Done>& verdict)
{
    frame["status"] = verdict ? rg_status{RG_OK} : status_of(verdict.error());
    if (!verdict) frame["failure"] = parsed_or_text(record_from(verdict.error()));
}

void put_answer(Json& frame, const Result<std::string>& answer)
{
    frame["status"] = answer ? rg_status{RG_OK} : status_of(answer.error());
    if (answer)
        frame["result"] = parsed_or_text(*answer);
    else
        frame["failure"] = parsed_or_text(record_from(answer.error()));
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
