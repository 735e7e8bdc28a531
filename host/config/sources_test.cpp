// Who has a say, in which order, and what can be told of each value afterwards.
#include "host/config/config_fixture.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ConfigSources, TheLaterOneWins)
{
    ConfigUnderTest config;
    const std::string file = (config.path() / "reelgate.yaml").string();
    config.file("jobs: { max_submits: 2 }\n");
    EXPECT_EQ(config.load().settings.jobs.limits.max_submits, 2U);
    EXPECT_EQ(origin_of(config.load(), "jobs.max_submits"), file + ":1:22");
    EXPECT_EQ(origin_of(config.load(), "jobs.max_wait"), "default");

    config.write("conf.d/20-more.yaml", "jobs:\n  max_submits: 4\n");
    config.write("conf.d/10-less.yaml", "jobs:\n  max_submits: 3\n");
    config.write("conf.d/30-not-read.txt", "nonsense");
    Loaded loaded = config.load();
    EXPECT_EQ(loaded.settings.jobs.limits.max_submits, 4U);
    const std::string parts = (config.path() / "conf.d").string();
    EXPECT_THAT(loaded.files, ElementsAre(file, parts + "/10-less.yaml", parts + "/20-more.yaml"));
    EXPECT_EQ(origin_of(loaded, "jobs.max_submits"), parts + "/20-more.yaml:2:16");

    config.set("REELGATE_JOBS_MAX_SUBMITS", "5");
    loaded = config.load();
    EXPECT_EQ(loaded.settings.jobs.limits.max_submits, 5U);
    EXPECT_EQ(origin_of(loaded, "jobs.max_submits"), "REELGATE_JOBS_MAX_SUBMITS (environment)");

    config.flag("--max-submits", "jobs.max_submits", "6");
    loaded = config.load();
    EXPECT_EQ(loaded.settings.jobs.limits.max_submits, 6U);
    EXPECT_EQ(origin_of(loaded, "jobs.max_submits"), "--max-submits");
}

TEST(ConfigSources, MapsAreMergedAndListsReplaced)
{
    ConfigUnderTest config;
    config.file("server: { metrics: false, cors_origins: [\"http://a\", \"http://b\"] }\n" +
                std::string(kSmall));
    config.write("conf.d/a.yaml",
                 "server: { cors_origins: [\"http://c\"] }\n"
                 "providers: { far: { gpu: 1 }, third: { plugin: three } }\n");
    const Loaded loaded = config.load();
    EXPECT_TRUE(loaded.ok()) << findings_text(loaded.findings);
    EXPECT_FALSE(loaded.settings.server.metrics);
    EXPECT_THAT(loaded.settings.server.cors_origins, ElementsAre("http://c"));
    EXPECT_EQ(loaded.settings.provider("far")->plugin, "two");
    EXPECT_EQ(loaded.settings.provider("far")->gpu, 1U);
    EXPECT_NE(loaded.settings.provider("third"), nullptr);
}

TEST(ConfigSources, AMistakeInAPartIsFoundThere)
{
    ConfigUnderTest config;
    config.file(kSmall);
    const auto part = config.write("conf.d/a.yaml", "jobs:\n  max_submit: 3\n");
    const Loaded loaded = config.load();
    const Finding* finding = finding_of(loaded.findings, "unknown_key");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(to_string(finding->place), part.string() + ":2:3");
}

struct OverrideRow {
    const char* key;
    const char* name;
};

TEST(Environment, HasANameForEachSettingThatStandsAlone)
{
    for (const OverrideRow& row : {
             OverrideRow{"server.listen",       "REELGATE_LISTEN"        },
             OverrideRow{"server.data_dir",     "REELGATE_DATA_DIR"      },
             OverrideRow{"jobs.max_wait",       "REELGATE_JOBS_MAX_WAIT" },
             OverrideRow{"video_provider",      "REELGATE_VIDEO_PROVIDER"},
             OverrideRow{"auth.keys[].secret",  ""                       },
             OverrideRow{"providers.*.enabled", ""                       }
    })
        EXPECT_EQ(override_name(row.key), row.name) << row.key;
}

TEST(Environment, TakesAFileInstead)
{
    ConfigUnderTest config;
    config.file(kSmall);
    const auto file = config.write("listen.txt", "127.0.0.1:9000\n");
    config.set("REELGATE_LISTEN_FILE", file.string());
    EXPECT_EQ(config.load().settings.server.listen, "127.0.0.1:9000");

    config.set("REELGATE_LISTEN", "127.0.0.1:9001");
    EXPECT_NE(finding_of(config.load().findings, "both_forms"), nullptr);

    config.world().environment.erase("REELGATE_LISTEN");
    config.set("REELGATE_LISTEN_FILE", "/nowhere/at/all");
    EXPECT_NE(finding_of(config.load().findings, "unreadable_file"), nullptr);
}

TEST(Environment, GivesListsWithCommasAndIsCheckedLikeAFile)
{
    ConfigUnderTest config;
    config.file(kSmall);
    config.set("REELGATE_CORS_ORIGINS", "http://a,http://b");
    EXPECT_THAT(config.load().settings.server.cors_origins, ElementsAre("http://a", "http://b"));
    config.set("REELGATE_JOBS_MAX_WAIT", "10");
    const Loaded loaded = config.load();
    const Finding* finding = finding_of(loaded.findings, "bad_duration");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(to_string(finding->place), "REELGATE_JOBS_MAX_WAIT");
    EXPECT_THAT(finding->message, testing::Not(HasSubstr("`10`")));
}

TEST(ConfigFile, IsTheFirstThatIsThere)
{
    ConfigUnderTest config;
    config.world().environment["XDG_CONFIG_HOME"] = (config.path() / "xdg").string();
    const auto user = config.write("xdg/reelgate/reelgate.yaml", "version: 1\n");
    EXPECT_EQ(config_file({}, config.world()), user);
    const auto here = config.write("reelgate.yaml", "version: 1\n");
    EXPECT_EQ(config_file({}, config.world()), here);
    config.set("REELGATE_CONFIG", "/named");
    EXPECT_EQ(config_file({}, config.world()), std::filesystem::path("/named"));
    EXPECT_EQ(config_file("/given", config.world()), std::filesystem::path("/given"));
}

TEST(ConfigFile, InTheHomeDirectoryCountsToo)
{
    ConfigUnderTest config;
    const auto user = config.write("home/.config/reelgate/reelgate.yaml", "version: 1\n");
    EXPECT_EQ(config_file({}, config.world()), user);
}

TEST(ConfigFile, ThatIsNamedAndNotThereIsAnError)
{
    ConfigUnderTest config;
    config.sources().file = "/nowhere/reelgate.yaml";
    const Loaded loaded = config.load();
    EXPECT_FALSE(loaded.ok());
    EXPECT_NE(finding_of(loaded.findings, "file_missing"), nullptr);
}

struct ReferenceRow {
    const char* name;
    const char* written;
    const char* value; // of server.listen
};

void PrintTo(const ReferenceRow& row, std::ostream* out) { *out << row.name; }

class References : public testing::TestWithParam<ReferenceRow> {};

TEST_P(References, AreReplacedByWhatTheyStandFor)
{
    ConfigUnderTest config;
    config.set("LISTEN", "127.0.0.1:1");
    config.write("listen", "127.0.0.1:2\n");
    config.write("home/listen", "127.0.0.1:3");
    const Loaded loaded =
        config.load("server: { listen: " + std::string(GetParam().written) + " }\n");
    EXPECT_TRUE(loaded.ok()) << findings_text(loaded.findings);
    EXPECT_EQ(loaded.settings.server.listen, GetParam().value);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, References, testing::Values(
    ReferenceRow{"Variable", "\"${env:LISTEN}\"", "127.0.0.1:1"},
    ReferenceRow{"VariableBeforeDefault", "\"${env:LISTEN:-127.0.0.1:9}\"", "127.0.0.1:1"},
    ReferenceRow{"Default", "\"${env:NOWHERE:-127.0.0.1:9}\"", "127.0.0.1:9"},
    ReferenceRow{"FileBesideTheFile", "\"${file:listen}\"", "127.0.0.1:2"},
    ReferenceRow{"FileAtHome", "\"${file:~/listen}\"", "127.0.0.1:3"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(References, BecomeTheTypeOfTheirSetting)
{
    ConfigUnderTest config;
    config.set("N", "7");
    config.set("YES", "true");
    const Loaded loaded = config.load("jobs: { max_submits: \"${env:N}\" }\n"
                                      "server: { metrics: \"${env:YES}\" }\n");
    EXPECT_TRUE(loaded.ok()) << findings_text(loaded.findings);
    EXPECT_EQ(loaded.settings.jobs.limits.max_submits, 7U);
    EXPECT_TRUE(loaded.settings.server.metrics);
}

TEST(Paths, AreRelativeToTheFileTheyStandIn)
{
    ConfigUnderTest config;
    config.file(
        "server: { data_dir: ./data }\nproviders:\n  a: { plugin: p, workflows: ./flows }\n");
    config.write("conf.d/a.yaml", "plugins: { dirs: [./mine, ~/yours] }\n");
    const Loaded loaded = config.load();
    EXPECT_EQ(loaded.settings.server.data_dir, config.path() / "data");
    EXPECT_THAT(loaded.settings.plugins.dirs,
                ElementsAre((config.path() / "conf.d/mine").string(),
                            (config.path() / "home/yours").string()));
    EXPECT_THAT(loaded.settings.provider("a")->config_json,
                HasSubstr((config.path() / "flows").string()));
}

TEST(Yaml, MeansWhatItSaysInVersion12)
{
    ConfigUnderTest config;
    const Loaded loaded =
        config.load("x-note: { anything: [goes, here] }\n"
                    "x-model: &model { id: nano }\n"
                    "providers:\n"
                    "  a: { plugin: p, n: no, t: 12:30, i: 012, h: 0x10, f: 1e3, q: \"1\", "
                    "models: [*model] }\n");
    EXPECT_TRUE(loaded.ok()) << findings_text(loaded.findings);
    EXPECT_EQ(loaded.settings.provider("a")->config_json,
              R"({"f":1000.0,"h":16,"i":12,"n":"no","q":"1","t":"12:30"})");
    EXPECT_EQ(loaded.settings.provider("a")->models_json, R"([{"id":"nano"}])");
}

TEST(Yaml, AcceptsJson)
{
    ConfigUnderTest config;
    const Loaded loaded =
        config.load(R"({"version": 1, "server": {"metrics": false}, "jobs": {"max_wait": "5m"}})");
    EXPECT_TRUE(loaded.ok()) << findings_text(loaded.findings);
    EXPECT_FALSE(loaded.settings.server.metrics);
}

TEST(Yaml, AliasesCannotBlowUp)
{
    std::string text = "x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
    for (int i = 1; i < 9; ++i) {
        const std::string below = "*a" + std::to_string(i - 1);
        text += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
        for (int j = 1; j < 10; ++j)
            text += ", " + below;
        text += "]\n";
    }
    ConfigUnderTest config;
    const Loaded loaded = config.load(text);
    EXPECT_NE(finding_of(loaded.findings, "too_many_values"), nullptr);
}

} // namespace
} // namespace reelgate
