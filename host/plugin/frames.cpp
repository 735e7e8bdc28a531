#include "host/plugin/frames.hpp"

#include "host/base/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>

namespace reelgate {
namespace {

constexpr std::size_t kHeader = 4;
constexpr std::size_t kExcerpt = 64;

std::uint32_t read_length(std::string_view bytes)
{
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < kHeader; ++i)
        length |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8U * i);
    return length;
}

} // namespace

Result<std::string> encode_frame(const Json& object)
{
    const std::string text = object.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > kMaxFrame)
        return Error{.category = Category::internal,
                     .text = "a frame of " + std::to_string(text.size()) +
                             " bytes does not fit the wire's " + std::to_string(kMaxFrame),
                     .code = "frame_too_long"};
    std::string frame;
    frame.reserve(kHeader + text.size());
    for (std::size_t i = 0; i < kHeader; ++i)
        frame += static_cast<char>(text.size() >> (8U * i) & 0xFFU);
    return frame + text;
}

void FrameReader::feed(std::string_view bytes)
{
    if (broken_) return;
    if (begin_ > 0) {
        buffer_.erase(0, begin_);
        begin_ = 0;
    }
    buffer_ += bytes;
}

Result<std::optional<Json>> FrameReader::next()
{
    if (broken_) return *broken_;
    const std::string_view held = std::string_view(buffer_).substr(begin_);
    if (held.size() < kHeader) return std::optional<Json>{};

    const std::uint32_t length = read_length(held);
    if (length > kMaxFrame)
        return violation("a frame of " + std::to_string(length) + " bytes was announced", held);
    if (held.size() < kHeader + length) return std::optional<Json>{};

    const std::string_view text = held.substr(kHeader, length);
    if (depth_of(text) > kMaxFrameDepth) return violation("a frame is nested too deeply", text);
    Json object = Json::parse(text, nullptr, false);
    if (!object.is_object() || !object.contains("type") || !object["type"].is_string())
        return violation("a frame is not an object with a type", text);

    begin_ += kHeader + length;
    return std::optional<Json>(std::move(object));
}

Error FrameReader::violation(std::string_view what, std::string_view excerpt)
{
    broken_ = Error{.category = Category::plugin_crashed,
                    .text = std::string(what) + "; it begins with " +
                            json_quoted(excerpt.substr(0, std::min(kExcerpt, excerpt.size()))),
                    .code = "protocol_violation",
                    .hint = "something prints where the frames go: print to stderr instead"};
    buffer_.clear();
    begin_ = 0;
    return *broken_;
}

} // namespace reelgate
