#include "host/model/request.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace reelgate {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A Wan-like model that can do nearly everything.
ModelCapability wan()
{
    ModelCapability m;
    m.id = "wan";
    m.tasks = {"t2v", "i2v", "flf2v"};
    m.inputs = {.image = 2};
    m.sizes = {.multiple_of = 32, .max_pixels = 1280 * 704};
    m.frames = {.min = 5, .max = 121, .step = 4, .offset = 1};
    m.fps = {16, 24};
    m.max_seconds = 6;
    m.seed = true;
    m.default_size = {1280, 704};
    m.default_frames = 121;
    m.default_fps = 24;
    return m;
}

RequestInput input(const char* role)
{
    return {.role = role, .path = "inputs/0.png", .mime = "image/png"};
}

TEST(Normalise, FillsInWhatIsLeftOpen)
{
    const auto done = normalise({.prompt = "a cat"}, wan(), Adjust::reject, 42);
    ASSERT_TRUE(done) << done.error().sentence();
    const Request& r = done->request;
    EXPECT_EQ(r.model, "wan");
    EXPECT_EQ(r.task, "t2v");
    EXPECT_EQ(r.prompt, "a cat");
    EXPECT_EQ(to_string(r.size), "1280x704");
    EXPECT_EQ(r.frames, 121U);
    EXPECT_EQ(r.fps, 24);
    EXPECT_EQ(r.seed, 42U);
    EXPECT_FALSE(r.steps);
    EXPECT_FALSE(r.guidance);
    EXPECT_EQ(r.params_json, "{}");
    EXPECT_THAT(done->warnings, IsEmpty());
}

TEST(Normalise, KeepsWhatIsLawful)
{
    Wish wish{.prompt = "a cat", .negative_prompt = "dogs"};
    wish.size = {640, 384};
    wish.frames = 49;
    wish.fps = 16;
    wish.seed = 7;
    wish.steps = 3;
    wish.guidance = 1.5;
    wish.inputs = {input("start_image")};
    wish.params_json = R"({"blink":true})";
    const auto done = normalise(wish, wan(), Adjust::reject, 42);
    ASSERT_TRUE(done) << done.error().sentence();
    const Request& r = done->request;
    EXPECT_EQ(r.task, "i2v"); // follows from the picture
    EXPECT_EQ(r.negative_prompt, "dogs");
    EXPECT_EQ(to_string(r.size), "640x384");
    EXPECT_EQ(r.frames, 49U);
    EXPECT_EQ(r.fps, 16);
    EXPECT_EQ(r.seed, 7U);
    EXPECT_EQ(r.steps, 3U);
    EXPECT_EQ(r.guidance, 1.5);
    EXPECT_EQ(r.inputs.size(), 1U);
    EXPECT_EQ(r.params_json, R"({"blink":true})");
}

struct AdjustRow {
    const char* name;
    void (*ask)(Wish&);
    const char* size;
    std::uint32_t frames;
    const char* says; // nullptr: nothing was moved
};

class NormaliseAdjusts : public testing::TestWithParam<AdjustRow> {};

TEST_P(NormaliseAdjusts, AndSaysSo)
{
    const AdjustRow& row = GetParam();
    Wish wish;
    row.ask(wish);
    const auto done = normalise(wish, wan(), Adjust::nearest, 1);
    ASSERT_TRUE(done) << done.error().sentence();
    EXPECT_EQ(to_string(done->request.size), row.size);
    EXPECT_EQ(done->request.frames, row.frames);
    if (row.says == nullptr) {
        EXPECT_THAT(done->warnings, IsEmpty());
        return;
    }
    EXPECT_THAT(done->warnings, testing::ElementsAre(HasSubstr(row.says)));
    EXPECT_FALSE(normalise(wish, wan(), Adjust::reject, 1))
        << "what was moved is refused on demand";
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachRule, NormaliseAdjusts, testing::Values(
    AdjustRow{"Nothing", [](Wish&) {}, "1280x704", 121, nullptr},
    AdjustRow{"FramesDown", [](Wish& w) { w.frames = 50; }, "1280x704", 49, "frames: 50"},
    AdjustRow{"FramesTieGoesDown", [](Wish& w) { w.frames = 51; }, "1280x704", 49, "frames: 51"},
    AdjustRow{"FramesUp", [](Wish& w) { w.frames = 52; }, "1280x704", 53, "frames: 52"},
    AdjustRow{"FramesJustOverTheTop", [](Wish& w) { w.frames = 124; }, "1280x704", 121, "frames: 124"},
    AdjustRow{"FramesJustUnderTheBottom", [](Wish& w) { w.frames = 4; }, "1280x704", 5, "frames: 4"},
    AdjustRow{"Seconds", [](Wish& w) { w.seconds = 5; }, "1280x704", 121, "frames: 120"},
    AdjustRow{"SecondsThatFit", [](Wish& w) { w.seconds = 49.0 / 24; }, "1280x704", 49, nullptr},
    AdjustRow{"SecondsAtAnotherRate", [](Wish& w) { w.seconds = 1; w.fps = 16; }, "1280x704", 17, "frames: 16"},
    AdjustRow{"FramesBeatSeconds", [](Wish& w) { w.seconds = 400; w.frames = 9; }, "1280x704", 9, nullptr},
    AdjustRow{"Size720p", [](Wish& w) { w.size = {1280, 720}; }, "1280x704", 121, "size: 1280x720"},
    AdjustRow{"SizeTieGoesDown", [](Wish& w) { w.size = {656, 384}; }, "640x384", 121, "size: 656x384"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

struct RefusalRow {
    const char* name;
    void (*ask)(Wish&);
    const char* code;
    Category category;
    const char* field;
    const char* nearest;
    void (*spoil)(ModelCapability&) = [](ModelCapability&) {};
};

class NormaliseRefuses : public testing::TestWithParam<RefusalRow> {};

TEST_P(NormaliseRefuses, WithFieldAndNearestLegalValue)
{
    const RefusalRow& row = GetParam();
    Wish wish;
    row.ask(wish);
    ModelCapability model = wan();
    row.spoil(model);
    for (const Adjust adjust : {Adjust::nearest, Adjust::reject}) {
        const auto done = normalise(wish, model, adjust, 1);
        ASSERT_FALSE(done);
        const Error& error = done.error();
        EXPECT_EQ(error.code, row.code);
        EXPECT_EQ(to_string(error.category), to_string(row.category));
        EXPECT_THAT(error.text, testing::StartsWith(row.field));
        EXPECT_THAT(error.text,
                    testing::EndsWith("nearest legal value: " + std::string(row.nearest)));
    }
}

constexpr Category kBad = Category::invalid_params;
constexpr Category kCannot = Category::unsupported_capability;

// clang-format off
INSTANTIATE_TEST_SUITE_P(Length, NormaliseRefuses, testing::Values(
    RefusalRow{"NoFrames", [](Wish& w) { w.frames = 0; }, "frames_unsupported", kBad, "frames: ", "5"},
    RefusalRow{"TooManyFrames", [](Wish& w) { w.frames = 125; }, "frames_unsupported", kCannot, "frames: ", "121"},
    RefusalRow{"AbsurdFrames", [](Wish& w) { w.frames = 1'000'000'000; }, "frames_unsupported", kCannot, "frames: ", "121"},
    RefusalRow{"MostFrames", [](Wish& w) { w.frames = 0xFFFFFFFF; }, "frames_unsupported", kCannot, "frames: ", "121"},
    RefusalRow{"TooFewFrames", [](Wish& w) { w.frames = 1; }, "frames_unsupported", kCannot, "frames: ", "5"},
    RefusalRow{"NoSeconds", [](Wish& w) { w.seconds = 0; }, "duration_unsupported", kBad, "seconds: ", "0.208 s"},
    RefusalRow{"NegativeSeconds", [](Wish& w) { w.seconds = -5; }, "duration_unsupported", kBad, "seconds: ", "0.208 s"},
    RefusalRow{"NanSeconds", [](Wish& w) { w.seconds = kNan; }, "duration_unsupported", kBad, "seconds: ", "0.208 s"},
    RefusalRow{"EndlessSeconds", [](Wish& w) { w.seconds = kInfinity; }, "duration_unsupported", kBad, "seconds: ", "5.042 s"},
    RefusalRow{"TooLong", [](Wish& w) { w.seconds = 30; }, "duration_unsupported", kCannot, "seconds: ", "5.042 s"},
    RefusalRow{"TooShort", [](Wish& w) { w.seconds = 0.001; }, "duration_unsupported", kCannot, "seconds: ", "0.208 s"},
    RefusalRow{"LongerThanTheModelLasts", [](Wish& w) { w.frames = 121; w.fps = 16; }, "duration_unsupported", kCannot, "frames: ", "6 s"},
    RefusalRow{"ShorterThanTheModelLasts", [](Wish& w) { w.frames = 9; }, "duration_unsupported", kCannot, "frames: ", "1 s", [](auto& m) { m.min_seconds = 1; }}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Picture, NormaliseRefuses, testing::Values(
    RefusalRow{"NoWidth", [](Wish& w) { w.size = {0, 704}; }, "size_unsupported", kBad, "size: ", "32x704"},
    RefusalRow{"OnePixel", [](Wish& w) { w.size = {1, 1}; }, "size_unsupported", kCannot, "size: ", "32x32"},
    RefusalRow{"TooLarge", [](Wish& w) { w.size = {1920, 1080}; }, "size_unsupported", kCannot, "size: ", "1248x704"},
    RefusalRow{"Largest", [](Wish& w) { w.size = {0xFFFFFFFF, 0xFFFFFFFF}; }, "size_unsupported", kCannot, "size: ", "928x928"},
    RefusalRow{"NotListed", [](Wish& w) { w.size = {100, 64}; }, "size_unsupported", kCannot, "size: ", "64x64", [](auto& m) { m.sizes.list = {{64, 64}, {640, 640}}; }},
    RefusalRow{"FpsZero", [](Wish& w) { w.fps = 0; }, "fps_unsupported", kBad, "fps: ", "16"},
    RefusalRow{"FpsNan", [](Wish& w) { w.fps = kNan; }, "fps_unsupported", kBad, "fps: ", "24"},
    RefusalRow{"FpsEndless", [](Wish& w) { w.fps = kInfinity; }, "fps_unsupported", kBad, "fps: ", "24"},
    RefusalRow{"FpsNegative", [](Wish& w) { w.fps = -24; }, "fps_unsupported", kBad, "fps: ", "1", [](auto& m) { m.fps = {}; }},
    RefusalRow{"FpsNotListed", [](Wish& w) { w.fps = 20; }, "fps_unsupported", kCannot, "fps: ", "16"},
    RefusalRow{"FpsOverAll", [](Wish& w) { w.fps = 1e9; }, "fps_unsupported", kBad, "fps: ", "1000", [](auto& m) { m.fps = {}; }}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Kind, NormaliseRefuses, testing::Values(
    RefusalRow{"Task", [](Wish& w) { w.task = "v2v"; w.inputs = {input("video")}; }, "task_unsupported", kCannot, "task: ", "t2v"},
    RefusalRow{"TaskFromInputs", [](Wish& w) { w.inputs = {input("video")}; }, "input_unsupported", kCannot, "inputs: ", "0"},
    RefusalRow{"TaskWithoutInput", [](Wish& w) { w.task = "i2v"; }, "input_unsupported", kBad, "inputs: ", "one start_image"},
    RefusalRow{"TaskWithHalfItsInputs", [](Wish& w) { w.task = "flf2v"; w.inputs = {input("start_image")}; }, "input_unsupported", kBad, "inputs: ", "one end_image"},
    RefusalRow{"OnlyPictures", [](Wish&) {}, "task_unsupported", kCannot, "task: ", "i2v", [](auto& m) { m.tasks = {"i2v"}; }},
    RefusalRow{"Role", [](Wish& w) { w.inputs = {input("soundtrack")}; }, "input_unsupported", kBad, "inputs[0].role: ", "start_image"},
    RefusalRow{"TooManyPictures", [](Wish& w) { w.inputs = {input("start_image"), input("end_image"), input("end_image")}; }, "input_unsupported", kCannot, "inputs: ", "2"},
    RefusalRow{"NoMask", [](Wish& w) { w.inputs = {input("mask")}; }, "input_unsupported", kCannot, "inputs: ", "0"},
    RefusalRow{"TooManyInputs", [](Wish& w) { w.inputs.assign(1000, input("mask")); }, "input_unsupported", kBad, "inputs: ", "64"},
    RefusalRow{"Audio", [](Wish& w) { w.audio = true; }, "audio_unsupported", kCannot, "audio: ", "off"},
    RefusalRow{"Seed", [](Wish& w) { w.seed = 5; w.require_seed = true; }, "seed_unsupported", kCannot, "seed: ", "none", [](auto& m) { m.seed = false; }},
    RefusalRow{"NoSteps", [](Wish& w) { w.steps = 0; }, "steps_unsupported", kBad, "steps: ", "1"},
    RefusalRow{"TooManySteps", [](Wish& w) { w.steps = 0xFFFFFFFF; }, "steps_unsupported", kBad, "steps: ", "1000"},
    RefusalRow{"NanGuidance", [](Wish& w) { w.guidance = kNan; }, "guidance_unsupported", kBad, "guidance: ", "0"},
    RefusalRow{"EndlessGuidance", [](Wish& w) { w.guidance = kInfinity; }, "guidance_unsupported", kBad, "guidance: ", "1000"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(Normalise, GuessesTheTaskFromInputsAndModel)
{
    const auto task = [](std::vector<std::string> tasks, std::vector<RequestInput> inputs) {
        ModelCapability model = wan();
        model.tasks = std::move(tasks);
        model.inputs = {.image = 2, .video = 1, .audio = 1};
        const auto done = normalise({.inputs = std::move(inputs)}, model, Adjust::nearest, 1);
        return done ? done->request.task : done.error().code;
    };
    EXPECT_EQ(task({"image"}, {}), "image");
    EXPECT_EQ(task({"image", "t2v"}, {}), "t2v");
    EXPECT_EQ(task({"t2v", "i2v"}, {input("start_image")}), "i2v");
    EXPECT_EQ(task({"t2v"}, {input("start_image")}), "t2v"); // a picture as a mere hint
    EXPECT_EQ(task({"i2v", "flf2v"}, {input("start_image"), input("end_image")}), "flf2v");
    EXPECT_EQ(task({"extend"}, {input("video")}), "extend");
    EXPECT_EQ(task({"talking_head", "i2v"}, {input("start_image"), input("audio")}),
              "talking_head");
}

TEST(Normalise, SaysWhenASeedIsNoPromise)
{
    ModelCapability model = wan();
    model.seed = false;
    const auto done = normalise({.seed = 5}, model, Adjust::reject, 1);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->request.seed, 5U);
    EXPECT_THAT(done->warnings, testing::ElementsAre(HasSubstr("seed")));
}

TEST(Normalise, TakesARateWithItsRounding)
{
    ModelCapability model = wan();
    model.fps = {24000.0 / 1001};
    model.default_fps = model.fps[0];
    const auto done = normalise({.frames = 9, .fps = 23.976024}, model, Adjust::reject, 1);
    ASSERT_TRUE(done) << done.error().sentence();
    EXPECT_EQ(done->request.fps, 24000.0 / 1001);
}

} // namespace
} // namespace reelgate
