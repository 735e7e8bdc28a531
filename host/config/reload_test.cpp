#include "host/config/reload.hpp"

#include "host/config/config_fixture.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kBefore = "version: 1\n"
                                     "auth:\n"
                                     "  keys:\n"
                                     "    - { name: studio, secret: { env: STUDIO } }\n"
                                     "jobs: { max_submits: 3 }\n"
                                     "providers:\n"
                                     "  near: { plugin: one, url: \"http://127.0.0.1:1\" }\n"
                                     "  far: { plugin: two, api_key: { env: FAR } }\n"
                                     "routes:\n"
                                     "  chains:\n"
                                     "    clips: { steps: [{ use: near }, { use: far }] }\n";

// One text is replaced by another, and that is the new file.
struct ReloadRow {
    const char* name;
    std::string replaced;
    std::string by;
    std::vector<std::string> changed; // "key: before -> after (effect)"
    std::vector<std::string> added = {};
    std::vector<std::string> removed = {};
    std::vector<std::string> restarted = {};
    const char* refused = ""; // code
};

void PrintTo(const ReloadRow& row, std::ostream* out) { *out << row.name; }

std::string replaced(std::string text, const std::string& from, const std::string& to)
{
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::logic_error("the row changes nothing: " + from);
    return text.replace(at, from.size(), to);
}

std::vector<std::string> texts_of(const std::vector<ConfigChange>& changes)
{
    std::vector<std::string> texts;
    for (const ConfigChange& change : changes)
        texts.push_back(change.key + ": " + change.before + " -> " + change.after + " (" +
                        std::string(to_string(change.effect)) + ")");
    return texts;
}

class Reloading : public testing::TestWithParam<ReloadRow> {
protected:
    Reloading()
    {
        config_.set("STUDIO", "studio-secret");
        config_.set("FAR", "far-secret");
    }
    ConfigUnderTest config_;
};

TEST_P(Reloading, SaysWhatItTakes)
{
    const ReloadRow& row = GetParam();
    const Loaded running = config_.load(kBefore);
    ASSERT_TRUE(running.ok()) << findings_text(running.findings);

    const std::string text = replaced(std::string(kBefore), row.replaced, row.by);
    const ReloadAnswer answer = plan_reload(running.settings, config_.load(text));

    EXPECT_EQ(texts_of(answer.plan.changes), row.changed);
    EXPECT_EQ(answer.plan.added, row.added);
    EXPECT_EQ(answer.plan.removed, row.removed);
    EXPECT_EQ(answer.plan.restarted, row.restarted);
    const std::string refused(row.refused);
    EXPECT_EQ(answer.accepted(), refused.empty()) << findings_text(answer.next.findings);
    if (!refused.empty()) {
        EXPECT_NE(finding_of(answer.next.findings, refused), nullptr);
    }
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, Reloading, testing::Values(
    ReloadRow{"Nothing", "version: 1", "version: 1 # a note", {}},
    ReloadRow{"Live", "max_submits: 3", "max_submits: 5", {"jobs.max_submits: 3 -> 5 (none)"}},
    ReloadRow{"Toggle", "version: 1", "version: 1\nvideo_provider: far", {"video_provider: auto -> far (none)"}},
    ReloadRow{"SwitchedOff", "plugin: one,", "plugin: one, enabled: false,", {"providers.near.enabled: true -> false (none)"}},
    ReloadRow{"ThePluginsOwn", "127.0.0.1:1\"", "127.0.0.1:2\"",
        {"providers.near.url: \"http://127.0.0.1:1\" -> \"http://127.0.0.1:2\" (provider restart)"}, {}, {}, {"near"}},
    ReloadRow{"OtherPlugin", "plugin: one", "plugin: uno", {"providers.near.plugin: one -> uno (provider restart)"}, {}, {}, {"near"}},
    ReloadRow{"TwoOfOneProvider", "plugin: one,", "plugin: uno, gpu: 1,",
        {"providers.near.plugin: one -> uno (provider restart)", "providers.near.gpu:  -> 1 (provider restart)"}, {}, {}, {"near"}},
    ReloadRow{"Added", "  far:", "  new: { plugin: three }\n  far:",
        {"providers.new.plugin:  -> three (provider restart)", "providers.new.enabled:  -> true (none)",
         "providers.new.isolation:  -> process (provider restart)"}, {"new"}},
    ReloadRow{"ListenNeedsADaemon", "version: 1", "version: 1\nserver: { listen: \"127.0.0.1:1\" }",
        {"server.listen: \"127.0.0.1:8055\" -> \"127.0.0.1:1\" (daemon restart)"}, {}, {}, {}, "needs_restart"},
    ReloadRow{"BrokenChangesNothing", "max_submits: 3", "max_submits: many", {}, {}, {}, {}, "wrong_type"},
    ReloadRow{"UnknownStep", "{ use: far }] }", "{ use: fra }] }", {}, {}, {}, {}, "unknown_provider"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST_F(Reloading, ARemovedProviderIsStopped)
{
    const Loaded running = config_.load(kBefore);
    std::string text = replaced(std::string(kBefore), ", { use: far }", "");
    text = replaced(text, "  far: { plugin: two, api_key: { env: FAR } }\n", "");
    const ReloadAnswer answer = plan_reload(running.settings, config_.load(text));
    EXPECT_TRUE(answer.accepted());
    EXPECT_THAT(answer.plan.removed, ElementsAre("far"));
    EXPECT_THAT(answer.plan.restarted, IsEmpty());
}

TEST_F(Reloading, ASecretThatBecameAnotherRestartsItsProviderAndIsNotShown)
{
    const Loaded running = config_.load(kBefore);
    config_.set("FAR", "another-secret");
    const ReloadAnswer answer = plan_reload(running.settings, config_.load());
    EXPECT_TRUE(answer.accepted());
    EXPECT_THAT(answer.plan.restarted, ElementsAre("far"));
    ASSERT_EQ(answer.plan.changes.size(), 1U);
    EXPECT_EQ(answer.plan.changes[0].key, "providers.far.api_key");
    EXPECT_THAT(answer.plan.changes[0].before, HasSubstr("sha256"));
    EXPECT_THAT(answer.plan.changes[0].before, testing::Not(HasSubstr("far-secret")));
}

TEST_F(Reloading, ASecretThatIsThereAtLastBringsItsProviderToLife)
{
    config_.world().environment.erase("FAR");
    const Loaded running = config_.load(kBefore);
    EXPECT_THAT(running.settings.provider("far")->misconfigured, HasSubstr("FAR is not set"));
    config_.set("FAR", "far-secret");
    const ReloadAnswer answer = plan_reload(running.settings, config_.load());
    EXPECT_THAT(answer.plan.restarted, ElementsAre("far"));
    EXPECT_EQ(answer.next.settings.provider("far")->misconfigured, "");
}

TEST_F(Reloading, TheRefusalStandsAtTheSetting)
{
    const Loaded running = config_.load(kBefore);
    const std::string text = std::string(kBefore) + "server:\n  data_dir: ./elsewhere\n";
    const ReloadAnswer answer = plan_reload(running.settings, config_.load(text));
    const Finding* finding = finding_of(answer.next.findings, "needs_restart");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->place.line, 13U);
    EXPECT_EQ(finding->place.column, 13U);
    EXPECT_EQ(answer.plan.with(Reload::daemon_restart).size(), 1U);
}

// A text that is not on the disk is judged as if it were the file.
TEST_F(Reloading, ATextStandsForTheFile)
{
    const Loaded running = config_.load(kBefore);
    config_.sources().text = replaced(std::string(kBefore), "max_submits: 3", "max_submits: 4");
    const ReloadAnswer answer = plan_reload(running.settings, config_.load());
    EXPECT_THAT(texts_of(answer.plan.changes), ElementsAre("jobs.max_submits: 3 -> 4 (none)"));
    EXPECT_EQ(origin_of(answer.next, "jobs.max_submits"),
              (config_.path() / "reelgate.yaml").string() + ":5:22");
}

TEST_F(Reloading, TheRevisionIsThatOfTheValues)
{
    const Loaded first = config_.load(kBefore);
    const Loaded again = config_.load(replaced(std::string(kBefore), "{ max_submits: 3 }", "{}"));
    const Loaded other =
        config_.load(replaced(std::string(kBefore), "max_submits: 3", "max_submits: 2"));
    EXPECT_EQ(first.revision, again.revision) << "3 is the standard";
    EXPECT_NE(first.revision, other.revision);
}

} // namespace
} // namespace reelgate
