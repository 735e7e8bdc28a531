// The body of a create call as an order: JSON stops here.
#pragma once

#include "host/api/fields.hpp"
#include "host/api/picture.hpp"
#include "host/model/job.hpp"

#include <variant>
#include <vector>

namespace reelgate::api {

struct CreateBody {
    JobOrder order;                // with wish.inputs, whose files are still to be written:
    std::vector<Picture> pictures; // one for each of them, in their order
};

// Members that nobody here knows are kept in order.extra_json. Pure.
std::variant<CreateBody, BadField> read_create_body(const nlohmann::json& given);
std::variant<CreateBody, BadField> parse_create_body(const std::string& text);

} // namespace reelgate::api
