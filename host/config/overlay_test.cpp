#include "host/config/overlay.hpp"

#include "host/config/config_fixture.hpp"
#include "host/config/excerpt.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using testing::HasSubstr;

class OverlayTest : public testing::Test {
protected:
    OverlayTest() { config_.file(std::string(kSmall) + "server: { data_dir: ./data }\n"); }

    std::filesystem::path data() const { return config_.path() / "data"; }
    Result<std::uint64_t> change(std::string key,
                                 std::optional<std::string> value,
                                 std::optional<std::uint64_t> expected = {})
    {
        return write_overlay(data(),
                             {
                                 {std::move(key), std::move(value)}
        },
                             expected);
    }

    ConfigUnderTest config_;
};

TEST_F(OverlayTest, WinsOverTheFileAndLosesToTheEnvironment)
{
    ASSERT_TRUE(change("video_provider", "far").has_value());
    Loaded loaded = config_.load();
    EXPECT_TRUE(loaded.ok()) << findings_text(loaded.findings);
    EXPECT_EQ(loaded.settings.video_provider, "far");
    EXPECT_THAT(origin_of(loaded, "video_provider"), HasSubstr("config-overlay.yaml"));
    EXPECT_EQ(loaded.files.back(), overlay_file(data()).string());

    config_.set("REELGATE_VIDEO_PROVIDER", "near");
    EXPECT_EQ(config_.load().settings.video_provider, "near");
}

TEST_F(OverlayTest, KeepsWhatWasChangedBeforeAndCounts)
{
    EXPECT_EQ(*change("video_provider", "far"), 1U);
    EXPECT_EQ(*change("providers.near.enabled", "false"), 2U);
    const Loaded loaded = config_.load();
    EXPECT_EQ(loaded.settings.video_provider, "far");
    EXPECT_FALSE(loaded.settings.provider("near")->enabled);
    EXPECT_EQ(loaded.settings.provider("near")->plugin, "one");
}

TEST_F(OverlayTest, AChangeIsTakenBack)
{
    ASSERT_TRUE(change("video_provider", "far").has_value());
    ASSERT_TRUE(change("video_provider", std::nullopt).has_value());
    EXPECT_EQ(config_.load().settings.video_provider, "auto");
    EXPECT_TRUE(config_.load().ok());
}

TEST_F(OverlayTest, RefusesWhatMayNotBeChangedSo)
{
    for (const char* key :
         {"server.listen", "providers.near.plugin", "providers.near.url", "nonsense", ""})
        EXPECT_EQ(change(key, "x").error().code, "not_changeable") << key;
    EXPECT_FALSE(std::filesystem::exists(overlay_file(data())));
}

TEST_F(OverlayTest, RefusesWhatIsNoValue)
{
    for (const char* value : {"[a]", "{ a: b }", "a\nb: c", "\"", "", "a: b"}) {
        const auto changed = change("video_provider", value);
        ASSERT_FALSE(changed.has_value()) << value;
        EXPECT_EQ(changed.error().code, "bad_value") << value;
    }
}

TEST_F(OverlayTest, RefusesWhoHasSeenAnother)
{
    EXPECT_TRUE(change("video_provider", "far", 0).has_value());
    EXPECT_EQ(change("video_provider", "near", 0).error().code, "overlay_changed");
    EXPECT_TRUE(change("video_provider", "near", 1).has_value());
}

TEST_F(OverlayTest, AProviderThatIsGoneIsPassedOver)
{
    ASSERT_TRUE(change("video_provider", "far").has_value());
    ASSERT_TRUE(change("providers.far.enabled", "false").has_value());
    const Loaded loaded =
        config_.load("server: { data_dir: ./data }\nproviders: { near: { plugin: one } }\n");
    EXPECT_TRUE(loaded.ok()) << findings_text(loaded.findings);
    EXPECT_NE(finding_of(loaded.findings, "overlay_stale"), nullptr);
    EXPECT_EQ(loaded.settings.providers.size(), 1U);
    EXPECT_EQ(loaded.settings.video_provider, "auto");
}

TEST_F(OverlayTest, ABadValueInItIsFoundInIt)
{
    ASSERT_TRUE(change("providers.near.enabled", "maybe").has_value());
    const Loaded loaded = config_.load();
    EXPECT_FALSE(loaded.ok());
    const Finding* finding = finding_of(loaded.findings, "wrong_type");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->place.source, overlay_file(data()).string());
}

TEST_F(OverlayTest, WhatSomebodyWroteIntoItIsHeldToTheSameRules)
{
    config_.write("data/config-overlay.yaml", "server: { listen: \"0.0.0.0:1\" }\n");
    const Loaded loaded = config_.load();
    EXPECT_NE(finding_of(loaded.findings, "not_changeable"), nullptr);
    EXPECT_EQ(loaded.settings.server.listen, "127.0.0.1:8055");
}

TEST_F(OverlayTest, ABrokenOneIsNotWrittenOver)
{
    config_.write("data/config-overlay.yaml", "a: [\n");
    EXPECT_EQ(change("video_provider", "far").error().code, "overlay_broken");
    EXPECT_EQ(source_text(overlay_file(data()).string()), "a: [\n");
}

TEST_F(OverlayTest, ItsPlaceFollowsTheDataDirectory)
{
    const auto elsewhere = config_.path() / "elsewhere";
    ASSERT_TRUE(write_overlay(elsewhere,
                              {
                                  {"video_provider", "far"}
    })
                    .has_value());
    EXPECT_EQ(config_.load().settings.video_provider, "auto");
    config_.set("REELGATE_DATA_DIR", elsewhere.string());
    EXPECT_EQ(config_.load().settings.video_provider, "far");
}

} // namespace
} // namespace reelgate
