#include "host/plugin/request_json.hpp"

#include "host/plugin/json.hpp"
#include "host/plugin/json_number.hpp"

namespace reelgate {
namespace {

template <class Number>
Json or_null(const std::optional<Number>& value)
{
    return value ? Json(*value) : Json(nullptr);
}

// 24 and not 24.0: plugins in other languages print it, and count with it.
Json plain(double value)
{
    const auto whole = whole_number(Json(value));
    return whole ? Json(*whole) : Json(value);
}

Json inputs_of(const Request& request)
{
    Json all = Json::array();
    for (const RequestInput& input : request.inputs)
        all.push_back({
            {"role", input.role},
            {"path", input.path},
            {"mime", input.mime}
        });
    return all;
}

Json params_of(const Request& request)
{
    const Result<Json> params = parse_json(request.params_json);
    return params && params->is_object() ? *params : Json::object();
}

} // namespace

std::string to_json(const Request& request, const AttemptFacts& attempt)
{
    return json_text({
        {"model",           request.model              },
        {"task",            request.task               },
        {"prompt",          request.prompt             },
        {"negative_prompt", request.negative_prompt    },
        {"width",           request.size.width         },
        {"height",          request.size.height        },
        {"frames",          request.frames             },
        {"fps",             plain(request.fps)         },
        {"seed",            request.seed               },
        {"steps",           or_null(request.steps)     },
        {"guidance",        or_null(request.guidance)  },
        {"audio",           request.audio              },
        {"inputs",          inputs_of(request)         },
        {"params",          params_of(request)         },
        {"attempt",
         {{"id", attempt.id},
          {"number", attempt.number},
          {"deadline_s", attempt.deadline.count()},
          {"idempotency_key", attempt.idempotency_key}}},
    });
}

} // namespace reelgate
