#include "host/media/answer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace reelgate {
namespace {

using Json = nlohmann::json;

// What a child may end with. Anything else would let one that was taken over choose what the host
// believes about accounts, money or itself.
constexpr std::array kOfReading{
    Category::output_invalid, Category::artifact_unavailable, Category::internal};
constexpr std::array kOfMaking{Category::output_invalid,
                               Category::artifact_unavailable,
                               Category::internal,
                               Category::storage_full};
using Categories = std::span<const Category>;

constexpr std::array<std::string_view, 3> kMade{"image/webp", "image/jpeg", "video/mp4"};

Error bad_answer(std::string_view why)
{
    return {.category = Category::output_invalid,
            .text = "reelgate-media answered something that is no answer: " + std::string(why),
            .code = "media_bad_answer",
            .phase = Phase::verify};
}

Json facts_json(const MediaFacts& facts)
{
    Json json{
        {"container",     facts.container    },
        {"video_codec",   facts.video_codec  },
        {"pixel_format",  facts.pixel_format },
        {"width",         facts.width        },
        {"height",        facts.height       },
        {"fps",           facts.fps          },
        {"frames",        facts.frames       },
        {"seconds",       facts.seconds      },
        {"faststart",     facts.faststart    },
        {"audio_seconds", facts.audio_seconds},
        {"bytes",         facts.bytes        }
    };
    if (facts.audio_codec) json["audio_codec"] = *facts.audio_codec;
    return json;
}

// Throws nlohmann's exceptions, which answer_from() catches.
MediaFacts facts_from(const Json& json)
{
    MediaFacts facts;
    json.at("container").get_to(facts.container);
    json.at("video_codec").get_to(facts.video_codec);
    json.at("pixel_format").get_to(facts.pixel_format);
    json.at("width").get_to(facts.width);
    json.at("height").get_to(facts.height);
    json.at("fps").get_to(facts.fps);
    json.at("frames").get_to(facts.frames);
    json.at("seconds").get_to(facts.seconds);
    json.at("faststart").get_to(facts.faststart);
    json.at("audio_seconds").get_to(facts.audio_seconds);
    json.at("bytes").get_to(facts.bytes);
    if (json.contains("audio_codec")) facts.audio_codec = json.at("audio_codec").get<std::string>();
    return facts;
}

Error error_from(const Json& json, Categories known)
{
    const auto category = category_from(json.at("category").get<std::string>());
    if (!category || std::find(known.begin(), known.end(), *category) == known.end())
        return bad_answer("an unknown category");
    return {.category = *category,
            .text = json.at("text").get<std::string>(),
            .code = json.at("code").get<std::string>(),
            .phase = Phase::verify};
}

Json error_json(const Error& error)
{
    return Json{
        {"category", to_string(error.category)},
        {"code",     error.code               },
        {"text",     error.text               }
    };
}

std::string text_of(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Calls `good` on an answer that says that it is one.
template <class T, class Good>
Result<T> read(std::string_view text, Categories failures, Good good)
{
    try {
        const Json json = Json::parse(text);
        if (!json.at("ok").get<bool>()) return error_from(json.at("error"), failures);
        return good(json);
    } catch (const Json::exception& failure) {
        return bad_answer(failure.what());
    }
}

Result<std::string> type_from(const Json& json)
{
    std::string type = json.at("made").get<std::string>();
    if (std::find(kMade.begin(), kMade.end(), type) == kMade.end())
        return bad_answer("an unknown type");
    return type;
}

} // namespace

std::string answer_text(const Result<MediaFacts>& outcome)
{
    if (!outcome)
        return text_of(Json{
            {"ok",    false                      },
            {"error", error_json(outcome.error())}
        });
    return text_of(Json{
        {"ok",    true                },
        {"facts", facts_json(*outcome)}
    });
}

std::string made_text(const Result<std::string>& outcome)
{
    if (!outcome)
        return text_of(Json{
            {"ok",    false                      },
            {"error", error_json(outcome.error())}
        });
    return text_of(Json{
        {"ok",   true    },
        {"made", *outcome}
    });
}

Result<MediaFacts> answer_from(std::string_view text)
{
    return read<MediaFacts>(
        text, kOfReading, [](const Json& json) { return facts_from(json.at("facts")); });
}

Result<std::string> made_from(std::string_view text)
{
    return read<std::string>(text, kOfMaking, type_from);
}

} // namespace reelgate
