#include "host/plugin/request_json.hpp"

#include "host/plugin/json.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

Request bars()
{
    Request r;
    r.model = "bars";
    r.prompt = "...";
    r.size = {1280, 704};
    r.frames = 121;
    r.fps = 24;
    r.seed = 42;
    r.inputs = {
        {.role = "start_image", .path = "inputs/0.png", .mime = "image/png"}
    };
    return r;
}

const AttemptFacts kFirst{
    .id = "a1", .number = 1, .deadline = std::chrono::seconds(1800), .idempotency_key = "k1"};

TEST(Requests, AreWrittenAsTheContractShows)
{
    const Json expected = Json::parse(R"({
        "model": "bars", "task": "t2v", "prompt": "...", "negative_prompt": "", "width": 1280, "height": 704,
        "frames": 121, "fps": 24, "seed": 42, "steps": null, "guidance": null, "audio": false,
        "inputs": [{"role": "start_image", "path": "inputs/0.png", "mime": "image/png"}], "params": {},
        "attempt": {"id": "a1", "number": 1, "deadline_s": 1800, "idempotency_key": "k1"}})");
    EXPECT_EQ(Json::parse(to_json(bars(), kFirst)), expected);
}

TEST(Requests, CarryWhatWasGiven)
{
    Request r = bars();
    r.task = "i2v";
    r.negative_prompt = "dogs";
    r.fps = 23.976;
    r.seed = 18446744073709551615ULL;
    r.steps = 3;
    r.guidance = 1.5;
    r.audio = true;
    r.params_json = R"({"blink": true})";
    const Json json = Json::parse(to_json(r, kFirst));
    EXPECT_EQ(json["task"], "i2v");
    EXPECT_EQ(json["negative_prompt"], "dogs");
    EXPECT_EQ(json["fps"], 23.976);
    EXPECT_EQ(json["seed"].get<std::uint64_t>(), 18446744073709551615ULL);
    EXPECT_EQ(json["steps"], 3);
    EXPECT_EQ(json["guidance"], 1.5);
    EXPECT_EQ(json["audio"], true);
    EXPECT_EQ(json["params"],
              (Json{
                  {"blink", true}
    }));
}

TEST(Requests, SayWholeRatesWithoutAPoint)
{
    EXPECT_THAT(to_json(bars(), kFirst), testing::HasSubstr(R"("fps":24,)"));
}

TEST(Requests, StayJsonWithHostileText)
{
    Request r = bars();
    r.prompt = "\"}\n\x01 ../ \xff \xF0\x9F\x98\x80";
    r.params_json = "[1]";
    const Json json = Json::parse(to_json(r, kFirst));
    EXPECT_EQ(json["prompt"], "\"}\n\x01 ../ \xEF\xBF\xBD \xF0\x9F\x98\x80");
    EXPECT_EQ(json["params"], Json::object());
}

} // namespace
} // namespace reelgate
