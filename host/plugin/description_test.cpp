#include "host/plugin/description.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A complete description; each row below spoils one thing.
Json sound()
{
    return Json::parse(R"({
        "id": "org.example.bars", "name": "Colour bars", "version": "1.0.0", "license": "MIT",
        "max_concurrency": 2, "silent_for_s": 100, "cancel_within_s": 20,
        "resources": {"gpu": "none", "ram_mb": 200}, "billing": "free", "egress": "none",
        "models": [{"id": "bars", "tasks": ["t2v"], "inputs": {"image": 0},
                    "sizes": {"multiple_of": 16, "max_pixels": 921600},
                    "frames": {"min": 5, "max": 121, "step": 4, "offset": 1},
                    "fps": [16, 24], "audio": false, "seed": true,
                    "default": {"size": "640x368", "frames": 49, "fps": 24}, "vram_peak_mb": 0}],
        "config_schema": {"type": "object", "properties":
                          {"colour": {"type": "string", "default": "51 102 255"}}},
        "params_schema": {"type": "object", "properties":
                          {"blink": {"type": "boolean", "default": false}}}})");
}

TEST(Descriptions, AreReadWhole)
{
    const auto parsed = parse_description(sound().dump());
    ASSERT_TRUE(parsed) << parsed.error().sentence();
    const Description& d = *parsed;
    EXPECT_EQ(d.id, "org.example.bars");
    EXPECT_EQ(d.name, "Colour bars");
    EXPECT_EQ(d.version, "1.0.0");
    EXPECT_EQ(d.license, "MIT");
    EXPECT_EQ(d.max_concurrency, 2U);
    EXPECT_EQ(d.silent_for, std::chrono::seconds(100));
    EXPECT_EQ(d.cancel_within, std::chrono::seconds(20));
    EXPECT_EQ(d.resources.ram_mb, 200U);
    EXPECT_EQ(d.billing, Charge::free);
    EXPECT_EQ(d.egress, "none");
    EXPECT_EQ(d.config_schema["properties"]["colour"]["default"], "51 102 255");
    EXPECT_THAT(d.warnings, IsEmpty());

    ASSERT_EQ(d.models.size(), 1U);
    const ModelCapability& m = d.models[0];
    EXPECT_EQ(m.id, "bars");
    EXPECT_THAT(m.tasks, ElementsAre("t2v"));
    EXPECT_EQ(m.sizes.multiple_of, 16U);
    EXPECT_EQ(m.sizes.max_pixels, 921600U);
    EXPECT_EQ(m.frames.largest(), 121U);
    EXPECT_THAT(m.fps, ElementsAre(16, 24));
    EXPECT_TRUE(m.seed);
    EXPECT_FALSE(m.audio);
    EXPECT_EQ(to_string(m.default_size), "640x368");
    EXPECT_EQ(m.default_frames, 49U);
    EXPECT_EQ(m.default_fps, 24);
    EXPECT_EQ(m.vram_peak_mb, 0U);
}

TEST(Descriptions, NeedLittle)
{
    const auto parsed = parse_description(
        R"({"id": "org.example.py", "version": "1", "models": [{"id": "bars", "tasks": ["i2v"]}]})");
    ASSERT_TRUE(parsed) << parsed.error().sentence();
    EXPECT_EQ(parsed->name, "org.example.py");
    EXPECT_EQ(parsed->max_concurrency, 1U);
    EXPECT_EQ(parsed->billing, Charge::paid);
    EXPECT_EQ(parsed->config_schema["additionalProperties"], false);
    const ModelCapability& m = parsed->models.at(0);
    EXPECT_EQ(m.inputs.image, 1U);
    EXPECT_TRUE(m.sizes.allows(m.default_size));
    EXPECT_TRUE(m.frames.allows(m.default_frames));
    EXPECT_GT(m.default_fps, 0);
}

TEST(Descriptions, TakeTheirDefaultFromTheirLimits)
{
    const auto parsed = parse_description(R"({"id": "a", "version": "1", "models": [
        {"id": "list", "tasks": ["t2v"], "sizes": ["64x64", "1280x704"], "fps": [12],
         "frames": {"min": 5, "max": 21, "step": 4, "offset": 1}}]})");
    ASSERT_TRUE(parsed) << parsed.error().sentence();
    const ModelCapability& m = parsed->models.at(0);
    EXPECT_EQ(to_string(m.default_size), "64x64");
    EXPECT_EQ(m.default_frames, 21U);
    EXPECT_EQ(m.default_fps, 12);
}

TEST(Descriptions, WarnOfWhatTheyDoNotKnow)
{
    Json d = sound();
    d["colour"] = "blue";
    d["models"][0]["frame"] = 1;
    d["models"][0]["tasks"] = {"t2v", "lipsync"};
    const auto parsed = parse_description(d.dump());
    ASSERT_TRUE(parsed) << parsed.error().sentence();
    EXPECT_THAT(parsed->warnings,
                testing::UnorderedElementsAre(
                    HasSubstr("/colour"), HasSubstr("/models/0/frame"), HasSubstr("lipsync")));
}

struct SpoiltRow {
    const char* name;
    const char* where; // what is replaced
    const char* with;  // null removes it
    const char* says;
};

class SpoiltDescriptions : public testing::TestWithParam<SpoiltRow> {};

TEST_P(SpoiltDescriptions, AreRefusedWithThePath)
{
    const SpoiltRow& row = GetParam();
    Json d = sound();
    const Json::json_pointer where(row.where);
    if (row.with == nullptr)
        d.at(where.parent_pointer()).erase(where.back());
    else
        d[where] = Json::parse(row.with);
    const auto parsed = parse_description(d.dump());
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, "bad_description");
    EXPECT_EQ(parsed.error().category, Category::provider_error);
    EXPECT_THAT(parsed.error().text, HasSubstr(row.says));
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachRule, SpoiltDescriptions, testing::Values(
    SpoiltRow{"NoId", "/id", nullptr, "/id: must be given"},
    SpoiltRow{"EmptyId", "/id", R"("")", "/id: must not be empty"},
    SpoiltRow{"IdClimbs", "/id", R"("../evil")", "/id: must be lower-case"},
    SpoiltRow{"IdUpperCase", "/id", R"("Bars")", "/id: must be lower-case"},
    SpoiltRow{"IdStartsWithADot", "/id", R"(".bars")", "/id: must be lower-case"},
    SpoiltRow{"IdIsNumber", "/id", "7", "/id: must be one line of text"},
    SpoiltRow{"NoVersion", "/version", nullptr, "/version: must be given"},
    SpoiltRow{"NameOfTwoLines", "/name", R"("a\nb")", "/name: must be one line"},
    SpoiltRow{"NoConcurrency", "/max_concurrency", "0", "/max_concurrency: must be a whole number from 1 to 64, is 0"},
    SpoiltRow{"TooMuchConcurrency", "/max_concurrency", "65", "from 1 to 64, is 65"},
    SpoiltRow{"HalfAJob", "/max_concurrency", "1.5", "/max_concurrency"},
    SpoiltRow{"Negative", "/max_concurrency", "-1", "/max_concurrency"},
    SpoiltRow{"HugeNumber", "/max_concurrency", "18446744073709551615", "/max_concurrency"},
    SpoiltRow{"SlowCancel", "/cancel_within_s", "61", "/cancel_within_s: must be a whole number from 1 to 60"},
    SpoiltRow{"SilentForever", "/silent_for_s", "1e9", "/silent_for_s"},
    SpoiltRow{"Billing", "/billing", R"("cheap")", "/billing: must be one of free, paid, is \"cheap\""},
    SpoiltRow{"Egress", "/egress", R"("moon")", "/egress: must be one of none, local, cloud"},
    SpoiltRow{"Gpu", "/resources/gpu", "true", "/resources/gpu"},
    SpoiltRow{"ResourcesAList", "/resources", "[]", "/resources: must be an object"},
    SpoiltRow{"ModelsAnObject", "/models", "{}", "/models: must be a list"},
    SpoiltRow{"ModelANumber", "/models/0", "7", "/models/0: must be an object, is 7"},
    SpoiltRow{"ModelWithoutId", "/models/0/id", nullptr, "/models/0/id: must be given"},
    SpoiltRow{"ModelWithoutTask", "/models/0/tasks", nullptr, "/models/0/tasks: must name"},
    SpoiltRow{"TaskOfWrongKind", "/models/0/tasks/0", "1", "/models/0/tasks/0"},
    SpoiltRow{"TaskWithoutInput", "/models/0/tasks/0", R"("i2v")", "/models/0/inputs/image: is 0, but the tasks need 1"},
    SpoiltRow{"SizeOfWords", "/models/0/sizes", R"(["big"])", "/models/0/sizes/0: must be a size"},
    SpoiltRow{"SizeZero", "/models/0/sizes", R"(["0x64"])", "/models/0/sizes/0"},
    SpoiltRow{"SizeGiant", "/models/0/sizes", R"(["99999x99999"])", "/models/0/sizes/0"},
    SpoiltRow{"SizeOverflow", "/models/0/sizes", R"(["4294967297x64"])", "/models/0/sizes/0"},
    SpoiltRow{"NoSizes", "/models/0/sizes", "[]", "/models/0/sizes: must not be empty"},
    SpoiltRow{"MultipleOfZero", "/models/0/sizes/multiple_of", "0", "/models/0/sizes/multiple_of"},
    SpoiltRow{"NoPictureFits", "/models/0/sizes/max_pixels", "255", "/models/0/sizes: no picture"},
    SpoiltRow{"StepZero", "/models/0/frames/step", "0", "/models/0/frames/step"},
    SpoiltRow{"NoFrameFits", "/models/0/frames", R"({"min": 6, "max": 8, "step": 4, "offset": 1})", "/models/0/frames: no count is lawful"},
    SpoiltRow{"FramesBackwards", "/models/0/frames", R"({"min": 9, "max": 5})", "/models/0/frames"},
    SpoiltRow{"FpsZero", "/models/0/fps/0", "0", "/models/0/fps/0"},
    SpoiltRow{"FpsWords", "/models/0/fps", R"("24")", "/models/0/fps: must be a list"},
    SpoiltRow{"Audio", "/models/0/audio", R"("yes")", "/models/0/audio: must be true or false"},
    SpoiltRow{"DefaultSize", "/models/0/default/size", R"("641x368")", "/models/0/default/size: 641x368 is not among"},
    SpoiltRow{"DefaultSizeTooLarge", "/models/0/default/size", R"("1280x736")", "/models/0/default/size"},
    SpoiltRow{"DefaultFrames", "/models/0/default/frames", "50", "/models/0/default/frames: 50 is not a lawful count"},
    SpoiltRow{"DefaultFps", "/models/0/default/fps", "25", "/models/0/default/fps: 25.0 is not among"},
    SpoiltRow{"DefaultTooLong", "/models/0/seconds", R"({"max": 2})", "/models/0/default: its frames and fps"},
    SpoiltRow{"SecondsBackwards", "/models/0/seconds", R"({"min": 3, "max": 2})", "/models/0/seconds: min is above max"},
    SpoiltRow{"PriceAsDouble", "/models/0/usd_per_second", "0.05", "/models/0/usd_per_second"},
    SpoiltRow{"PriceOfWords", "/models/0/usd_per_second", R"("5 cents")", "/models/0/usd_per_second: must be decimal"},
    SpoiltRow{"SameModelTwice", "/models/1", R"({"id": "bars", "tasks": ["t2v"]})", "/models/1/id: \"bars\" is the id of two"},
    SpoiltRow{"SchemaKeyword", "/config_schema/properties/colour/pattern", R"("x")", "/config_schema/properties/colour/pattern: is not a keyword"},
    SpoiltRow{"SchemaDefault", "/params_schema/properties/blink/default", "7", "/params_schema/properties/blink/default: does not fit"},
    SpoiltRow{"SchemaOfNoObject", "/params_schema", R"({"type": "string"})", "/params_schema: must have"},
    SpoiltRow{"SchemaANumber", "/params_schema", "7", "/params_schema: a schema must be an object"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(SpoiltDescription, NamesEveryProblemAtOnce)
{
    Json d = sound();
    d["billing"] = 1;
    d["egress"] = 2;
    d["models"][0]["frames"]["step"] = 0;
    const auto parsed = parse_description(d.dump());
    ASSERT_FALSE(parsed);
    for (const char* path : {"/billing", "/egress", "/models/0/frames/step"})
        EXPECT_THAT(parsed.error().text, HasSubstr(path));
}

struct TextRow {
    const char* name;
    std::string text;
};
class NoDescriptions : public testing::TestWithParam<TextRow> {};

TEST_P(NoDescriptions, AreRefused)
{
    EXPECT_EQ(parse_description(GetParam().text).error().code, "bad_description");
    EXPECT_EQ(parse_probe(GetParam().text).error().code, "bad_probe");
}

INSTANTIATE_TEST_SUITE_P(
    EachText,
    NoDescriptions,
    testing::Values(TextRow{"Nothing", ""},
                    TextRow{"Words", "hello"},
                    TextRow{"List", "[]"},
                    TextRow{"Null", "null"},
                    TextRow{"CutOff", R"({"id": "a)"},
                    TextRow{"NotUtf8", "{\"id\": \"\xff\", \"state\": \"\xff\"}"},
                    TextRow{"Deep", std::string(10'000, '[')},
                    TextRow{"Large", std::string(kDescriptionLimit + 1, ' ')},
                    TextRow{"NumberTooLarge", R"({"id": 1e400, "state": 1e400})"}),
    [](const auto& row) { return row.param.name; });

TEST(Probes, NeedOnlyAState)
{
    const auto report = parse_probe(R"({"state": "busy"})");
    ASSERT_TRUE(report);
    EXPECT_EQ(report->state, ProviderState::busy);
    EXPECT_FALSE(report->models);
    EXPECT_FALSE(report->vram);
}

TEST(Probes, AreReadWhole)
{
    const auto report = parse_probe(
        R"({"state": "degraded", "reason": "two\nlines", "queue": 3, "idle_s": 1.25, "loaded": ["bars"],
            "vram_mb": {"total": 100, "free": 40}, "models": [{"id": "bars", "tasks": ["t2v"]}],
            "missing": ["vae.safetensors"], "mood": "good"})");
    ASSERT_TRUE(report) << report.error().sentence();
    EXPECT_EQ(report->reason, "two\nlines");
    EXPECT_EQ(report->queue, 3U);
    EXPECT_EQ(report->idle, std::chrono::duration<double>(1.25));
    EXPECT_THAT(report->loaded, ElementsAre("bars"));
    EXPECT_EQ(report->vram->free_mb, 40U);
    EXPECT_EQ(report->models->at(0).id, "bars");
    EXPECT_THAT(report->missing, ElementsAre("vae.safetensors"));
    EXPECT_THAT(report->warnings, ElementsAre(HasSubstr("/mood")));
}

TEST(Probes, CutALongReason)
{
    const auto report = parse_probe(Json{
        {"state",            "unhealthy"},
        { "reason",
         std::string(10'000,        'x')}
    }.dump());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->reason.size(), 2048U);
}

TEST(Probes, ThatSayNonsenseAreRefusedWithThePath)
{
    for (const auto& [text, path] : {
             std::pair{R"({})",                                 "/state"   },
             std::pair{R"({"state": "fine"})",                  "/state"   },
             std::pair{R"({"state": "unknown"})",               "/state"   },
             std::pair{R"({"state": "ready", "queue": -1})",    "/queue"   },
             std::pair{R"({"state": "ready", "idle_s": "1"})",  "/idle_s"  },
             std::pair{R"({"state": "ready", "loaded": [1]})",  "/loaded/0"},
             std::pair{R"({"state": "ready", "models": [{}]})", "/models/0"}
    }) {
        const auto report = parse_probe(text);
        ASSERT_FALSE(report) << text;
        EXPECT_THAT(report.error().text, HasSubstr(path));
    }
}

TEST(ProviderStates, AreTheWordsOfTheContract)
{
    for (const auto state : {ProviderState::ready, ProviderState::misconfigured})
        EXPECT_EQ(provider_state_from(to_string(state)), state);
    EXPECT_EQ(provider_state_from("draining"), std::nullopt); // the host's alone
}

} // namespace
} // namespace reelgate
