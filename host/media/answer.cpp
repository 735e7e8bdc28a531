#include "host/media/answer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace reelgate {
namespace {

using Json = nlohmann::json;

// What a probe may end with. Anything else would let a taken-over child choose what the host
// believes about accounts, money or itself.
constexpr std::array kCategories{
    Category::output_invalid, Category::artifact_unavailable, Category::internal};

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

Error error_from(const Json& json)
{
    const auto category = category_from(json.at("category").get<std::string>());
    if (!category ||
        std::find(kCategories.begin(), kCategories.end(), *category) == kCategories.end())
        return bad_answer("an unknown category");
    return {.category = *category,
            .text = json.at("text").get<std::string>(),
            .code = json.at("code").get<std::string>(),
            .phase = Phase::verify};
}

} // namespace

std::string answer_text(const Result<MediaFacts>& outcome)
{
    Json json{
        {"ok", outcome.has_value()}
    };
    if (outcome)
        json["facts"] = facts_json(*outcome);
    else
        json["error"] = {
            {"category", to_string(outcome.error().category)},
            {"code",     outcome.error().code               },
            {"text",     outcome.error().text               }
        };
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<MediaFacts> answer_from(std::string_view text)
{
    try {
        const Json json = Json::parse(text);
        if (!json.at("ok").get<bool>()) return error_from(json.at("error"));
        return facts_from(json.at("facts"));
    } catch (const Json::exception& failure) {
        return bad_answer(failure.what());
    }
}

} // namespace reelgate
