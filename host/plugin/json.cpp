#include "host/plugin/json.hpp"

#include <algorithm>

namespace reelgate {
namespace {

Error bad_json(std::string text)
{
    return Error{.category = Category::invalid_params, .text = std::move(text), .code = "bad_json"};
}

bool continues_a_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

} // namespace

std::size_t depth_of(std::string_view text)
{
    std::size_t depth = 0;
    std::size_t deepest = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string && c == '\\')
            ++i;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{'))
            deepest = std::max(deepest, ++depth);
        else if (!in_string && (c == ']' || c == '}') && depth > 0)
            --depth;
    }
    return deepest;
}

Result<Json> parse_json(std::string_view text, JsonLimits limits)
{
    if (text.size() > limits.bytes)
        return bad_json("the text has " + std::to_string(text.size()) + " bytes, at most " +
                        std::to_string(limits.bytes) + " are taken");
    if (depth_of(text) > limits.depth)
        return bad_json("the text is nested deeper than " + std::to_string(limits.depth) +
                        " levels");
    try {
        return Json::parse(text);
    } catch (const Json::exception& e) {
        // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
        const std::string_view what = e.what();
        const std::size_t end_of_id = what.find("] ");
        const std::size_t start = end_of_id == std::string_view::npos ? 0 : end_of_id + 2;
        return bad_json("not JSON: " + shortened(what.substr(start), 300));
    }
}

std::string json_text(const Json& value)
{
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string shortened(std::string_view text, std::size_t bytes)
{
    constexpr std::string_view kMark = "...";
    if (text.size() <= bytes) return std::string(text);
    std::size_t keep = bytes > kMark.size() ? bytes - kMark.size() : 0;
    while (keep > 0 && continues_a_character(text[keep]))
        --keep;
    return std::string(text.substr(0, keep)).append(kMark.substr(0, bytes));
}

std::string pointer(std::string_view parent, std::string_view name)
{
    std::string out = std::string(parent) + '/';
    for (const char c : name) {
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out += c;
    }
    return out;
}

std::string pointer(std::string_view parent, std::size_t index)
{
    return std::string(parent) + '/' + std::to_string(index);
}

} // namespace reelgate
