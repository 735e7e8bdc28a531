// Shapes that all surfaces share: the error envelope, times, the video object.
#pragma once

#include "host/api/api.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace reelgate::api {

Reply json_reply(const nlohmann::ordered_json& body, unsigned status = 200);

// The one body that every client family reads. `param` names the field at fault.
Reply error_reply(unsigned status,
                  std::string_view code,
                  std::string_view message,
                  std::string_view param = {});

// By the category's status; the code is the Error's own, translated where clients know another.
Reply error_reply(const Error& error, std::string_view param = {});

nlohmann::ordered_json video_object(const Api& api, const Job& job);

std::int64_t unix_seconds(WallTime when);

} // namespace reelgate::api
