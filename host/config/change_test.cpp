// A change is made whole, or nothing of it is.
#include "host/config/change.hpp"

#include "host/config/config_fixture.hpp"

#include "host/base/file.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using testing::HasSubstr;

class ChangeTest : public testing::Test {
protected:
    ChangeTest() { config_.file(kText); }

    Result<ReloadAnswer>
    change(std::string key, std::optional<std::string> value, const Settings* running = nullptr)
    {
        const std::vector<OverlayChange> one{
            {std::move(key), std::move(value)}
        };
        return change_overlay(config_.sources(), one, running);
    }

    std::string overlay() const
    {
        const auto text = read_file(overlay_file(config_.path() / "data"), 1U << 20U);
        return text ? *text : "";
    }

    static inline const std::string kText = std::string(kSmall) + "server: { data_dir: ./data }\n";
    ConfigUnderTest config_;
};

TEST_F(ChangeTest, TheToggleHoldsAndSaysWhereItStands)
{
    const auto answer = change("video_provider", "far");
    ASSERT_TRUE(answer) << answer.error().sentence();
    ASSERT_TRUE(answer->accepted());
    EXPECT_EQ(answer->next.settings.video_provider, "far");
    EXPECT_THAT(origin_of(answer->next, "video_provider"), HasSubstr("config-overlay.yaml"));
    EXPECT_EQ(config_.load().settings.video_provider, "far");
}

TEST_F(ChangeTest, AValueThatIsRefusedLeavesTheOverlayAsItWas)
{
    ASSERT_TRUE(change("video_provider", "far"));
    const std::string before = overlay();
    struct Row {
        std::string key;
        std::string value;
        std::string says;
    };
    const std::vector<Row> rows{
        {"video_provider",         "fat",   "far"          },
        {"providers.near.enabled", "maybe", "true or false"},
        {"providers.gone.enabled", "true",  "plugin"       },
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.key + "=" + row.value);
        const auto answer = change(row.key, row.value);
        ASSERT_TRUE(answer) << answer.error().sentence();
        EXPECT_FALSE(answer->accepted());
        EXPECT_THAT(findings_text(answer->next.findings), HasSubstr(row.says));
        EXPECT_EQ(overlay(), before);
    }
}

TEST_F(ChangeTest, OnlyWhatMayBeChangedSoIsLookedAt)
{
    const auto answer = change("jobs.max_wait", "1m");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, "not_changeable");
    EXPECT_EQ(overlay(), "");
}

TEST_F(ChangeTest, AFileThatTheDaemonCouldNotTakeOverStopsTheChangeToo)
{
    const Loaded running = config_.load();
    config_.file(kText + "log: { level: debug }\n");
    const auto answer = change("video_provider", "far", &running.settings);
    ASSERT_TRUE(answer) << answer.error().sentence();
    EXPECT_FALSE(answer->accepted());
    EXPECT_NE(finding_of(answer->next.findings, "needs_restart"), nullptr);
    EXPECT_EQ(overlay(), "");
}

TEST_F(ChangeTest, AValueIsTakenBack)
{
    ASSERT_TRUE(change("video_provider", "far"));
    const auto answer = change("video_provider", std::nullopt);
    ASSERT_TRUE(answer && answer->accepted());
    EXPECT_EQ(answer->next.settings.video_provider, "auto");
}

} // namespace
} // namespace reelgate
