// JSON as it comes from a plugin: never trusted to be small, flat or text at all.
#pragma once

#include "host/base/result.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace reelgate {

using Json = nlohmann::json;

struct JsonLimits {
    std::size_t bytes = std::size_t{1} << 20U; // the largest frame
    std::size_t depth = 64;                    // nlohmann copies, compares and prints recursively
};

// How deeply a text nests, by its brackets outside strings: counted before it is parsed, because a
// tree that is too deep cannot be handled safely any more.
std::size_t depth_of(std::string_view text);

// One JSON text, or one sentence that says what is wrong with it and where (invalid_params, code
// bad_json). Numbers that no double holds and strings that are not UTF-8 are refused.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

// `value` on one line. Never throws: what is not UTF-8 is replaced.
std::string json_text(const Json& value);

// `text` cut to at most `bytes`, never inside a character; what was cut is marked with "...".
std::string shortened(std::string_view text, std::size_t bytes);

// `name` as the next part of a JSON pointer: "/models" + 0 + "a/b" is "/models/0/a~1b".
std::string pointer(std::string_view parent, std::string_view name);
std::string pointer(std::string_view parent, std::size_t index);

} // namespace reelgate
