#include "host/config/views.hpp"

#include "host/config/config_fixture.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ModelCapability wan()
{
    ModelCapability model;
    model.id = "wan";
    model.tasks = {"t2v", "i2v"};
    model.sizes.multiple_of = 16;
    model.sizes.max_pixels = 1280 * 720;
    model.frames = {.min = 5, .max = 121, .step = 4, .offset = 1};
    model.min_seconds = 1;
    model.max_seconds = 8;
    model.default_size = {1280, 704};
    model.default_frames = 121;
    return model;
}

struct NarrowRow {
    const char* name;
    ModelSettings by;
    const char* left_without = ""; // empty: something is left
    ModelCapability expected = wan();
};

void PrintTo(const NarrowRow& row, std::ostream* out) { *out << row.name; }

ModelCapability with(void (*change)(ModelCapability&))
{
    ModelCapability model = wan();
    change(model);
    return model;
}

class Narrowed : public testing::TestWithParam<NarrowRow> {};

TEST_P(Narrowed, IsWhatBothAllow)
{
    const NarrowRow& row = GetParam();
    const auto left = narrowed(wan(), row.by);
    ASSERT_EQ(left.has_value(), std::string(row.left_without).empty());
    if (!left) {
        EXPECT_THAT(left.error().text, testing::HasSubstr(row.left_without));
        return;
    }
    EXPECT_EQ(left->tasks, row.expected.tasks);
    EXPECT_EQ(left->sizes.list, row.expected.sizes.list);
    EXPECT_EQ(left->frames.max, row.expected.frames.max);
    EXPECT_EQ(left->max_seconds, row.expected.max_seconds);
    EXPECT_EQ(left->default_size, row.expected.default_size);
    EXPECT_EQ(left->default_frames, row.expected.default_frames);
    EXPECT_EQ(left->usd_per_second, row.expected.usd_per_second);
    EXPECT_EQ(left->vram_peak_mb, row.expected.vram_peak_mb);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, Narrowed, testing::Values(
    NarrowRow{"ByNothing", {.id = "wan"}},
    NarrowRow{"Tasks", {.id = "wan", .tasks = {"i2v"}}, "", with([](auto& m) { m.tasks = {"i2v"}; })},
    NarrowRow{"NoTask", {.id = "wan", .tasks = {"image"}}, "no task"},
    NarrowRow{"Sizes", {.id = "wan", .sizes = {"832x480", "99x99"}}, "",
        with([](auto& m) { m.sizes.list = {{832, 480}}; m.default_size = {832, 480}; })},
    NarrowRow{"NoSize", {.id = "wan", .sizes = {"1920x1080"}}, "no frame size"},
    NarrowRow{"Frames", {.id = "wan", .max_frames = 60}, "",
        with([](auto& m) { m.frames.max = 60; m.default_frames = 57; })},
    NarrowRow{"FramesAreNeverMore", {.id = "wan", .max_frames = 500}},
    NarrowRow{"NoFrames", {.id = "wan", .max_frames = 4}, "no number of frames"},
    NarrowRow{"Seconds", {.id = "wan", .max_seconds = std::chrono::seconds(3)}, "",
        with([](auto& m) { m.max_seconds = 3; })},
    NarrowRow{"SecondsAreNeverMore", {.id = "wan", .max_seconds = std::chrono::seconds(30)}},
    NarrowRow{"Price", {.id = "wan", .usd_per_second = Money{100'000}}, "",
        with([](auto& m) { m.usd_per_second = "0.10"; })},
    NarrowRow{"Memory", {.id = "wan", .vram_peak = (std::uint64_t{18} << 30U) + 1}, "",
        with([](auto& m) { m.vram_peak_mb = 18 * 1024 + 1; })}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Narrowed, GoesByTheEntryOfTheModel)
{
    ProviderConfig provider;
    provider.models = {
        {.id = "other", .max_frames = 5},
        {.id = "wan",   .max_frames = 9}
    };
    EXPECT_EQ(narrowed(wan(), provider)->frames.max, 9U);
    provider.models.pop_back();
    EXPECT_EQ(narrowed(wan(), provider)->frames.max, 121U);
}

TEST(ProviderViews, SayWhatTheEngineNeeds)
{
    ConfigUnderTest config;
    const Loaded loaded = config.load("gpus: [{ id: 1, vram_budget: 22GiB }]\n"
                                      "providers:\n"
                                      "  a:\n"
                                      "    plugin: p\n"
                                      "    enabled: false\n"
                                      "    egress: cloud\n"
                                      "    gpu: 1\n"
                                      "    isolation: in_process\n"
                                      "    max_concurrency: 2\n"
                                      "    models:\n"
                                      "      - { id: m, usd_per_second: 0.10 }\n"
                                      "      - { id: n }\n"
                                      "  b: { plugin: p, api_key: { env: NOWHERE } }\n"
                                      "pools: { both: [a, b] }\n");
    ASSERT_TRUE(loaded.ok()) << findings_text(loaded.findings);
    const auto views = provider_views(loaded.settings);
    ASSERT_EQ(views.size(), 2U);
    const ProviderView& a = views[0];
    EXPECT_EQ(a.id, "a");
    EXPECT_EQ(a.plugin, "p");
    EXPECT_EQ(a.pool, "both");
    EXPECT_FALSE(a.enabled);
    EXPECT_TRUE(a.in_process);
    EXPECT_EQ(a.egress, Egress::cloud);
    EXPECT_EQ(a.slots, 2U);
    EXPECT_EQ(a.gpu, 1U);
    EXPECT_EQ(a.vram_budget_mb, 22U * 1024);
    EXPECT_THAT(a.models, ElementsAre("m", "n"));
    EXPECT_EQ(a.usd_per_second.at("m"), Money{100'000});
    EXPECT_EQ(a.misconfigured, "");
    EXPECT_EQ(views[1].misconfigured, "the variable NOWHERE is not set");
    EXPECT_THAT(views[1].models, IsEmpty());
}

TEST(Keys, HaveAPurseForTheDay)
{
    KeySettings key{.name = "studio", .secret = {}};
    EXPECT_EQ(key_view(key, purse_of(key, {}, {})).left, std::nullopt);
    key.budget_per_day = Money{10'000'000};
    key.providers = {"near"};
    key.allow_media_egress = true;
    const KeyView view = key_view(key, purse_of(key, Money{3'000'000}, Money{500'000}));
    EXPECT_EQ(view.left, Money{6'500'000});
    EXPECT_EQ(view.name, "studio");
    EXPECT_THAT(view.providers, ElementsAre("near"));
    EXPECT_TRUE(view.allow_media_egress);
}

TEST(Keys, AreFoundByTheirSecret)
{
    Settings settings;
    settings.keys.push_back({.name = "a", .secret = Secret("one", "env:A")});
    settings.keys.push_back({.name = "b", .secret = Secret("two", "env:B")});
    settings.keys.push_back({.name = "c", .secret = Secret("", "env:C")});
    ASSERT_NE(key_with(settings, "two"), nullptr);
    EXPECT_EQ(key_with(settings, "two")->name, "b");
    EXPECT_EQ(key_with(settings, "tw"), nullptr);
    EXPECT_EQ(key_with(settings, ""), nullptr) << "a secret that is not set opens nothing";
}

} // namespace
} // namespace reelgate
