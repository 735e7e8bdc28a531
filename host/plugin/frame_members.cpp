#include "host/plugin/frame_members.hpp"

#include "host/plugin/failure_record.hpp"

#include <algorithm>

namespace reelgate {

std::string text_of(const Json& frame, const char* member)
{
    const auto found = frame.find(member);
    return found != frame.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t integer_of(const Json& frame, const char* member, std::int64_t otherwise)
{
    const auto found = frame.find(member);
    return found != frame.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                              : otherwise;
}

double real_of(const Json& frame, const char* member)
{
    const auto found = frame.find(member);
    return found != frame.end() && found->is_number() ? found->get<double>() : 0.0;
}

std::string json_of(const Json& frame, const char* member)
{
    const auto found = frame.find(member);
    return found == frame.end() ? std::string() : json_text(*found);
}

std::string object_text(const Json& frame, const char* member)
{
    const auto found = frame.find(member);
    return found == frame.end() ? "{}" : json_text(*found);
}

std::uint64_t number_of(const Json& frame)
{
    const auto found = frame.find("n");
    return found != frame.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

rg_status status_of(const Json& frame)
{
    constexpr rg_status kNone = -1;
    const std::int64_t status = integer_of(frame, "status", kNone);
    return static_cast<rg_status>(std::clamp<std::int64_t>(status, INT32_MIN, INT32_MAX));
}

Error failure_in(const Json& frame, Phase phase)
{
    Error error = error_from(status_of(frame), json_of(frame, "failure"), phase);
    if (!frame.contains("status")) error.text = "the provider answered without a status";
    return error;
}

} // namespace reelgate
