// A canary in every place where a secret may stand: nothing that can be shown shows it.
#include "host/config/config_fixture.hpp"
#include "host/config/excerpt.hpp"
#include "host/config/reload.hpp"
#include "host/config/running.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace reelgate {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kCanary = "canary-4f1d";

// All that can be said of a configuration.
std::string all_that_is_shown(const Loaded& loaded, const Settings& before)
{
    std::string all = yaml_text(shown(loaded.settings), &loaded) + effective_json(loaded).dump() +
                      findings_json(loaded.findings).dump() + findings_text(loaded.findings);
    for (const Finding& finding : loaded.findings.all())
        all += for_people(finding, source_text);
    for (const ConfigChange& change : diff(before, loaded.settings))
        all += change.key + change.before + change.after;
    for (const FlatSetting& value : flat(loaded.settings))
        all += value.text;
    for (const ProviderConfig& provider : loaded.settings.providers) {
        all += provider.config_json + provider.models_json + provider.misconfigured;
        for (const auto& [at, secret] : provider.secrets) {
            std::ostringstream out;
            out << at << secret;
            all += out.str();
        }
    }
    return all;
}

struct CanaryRow {
    const char* name;
    const char* text;
    bool is_used = true; // the secret reaches its place
};

void PrintTo(const CanaryRow& row, std::ostream* out) { *out << row.name; }

class Canary : public testing::TestWithParam<CanaryRow> {};

TEST_P(Canary, IsNeverShown)
{
    ConfigUnderTest config;
    config.set("CANARY", kCanary);
    config.write("canary", kCanary);
    config.set("A", "a");
    config.set("GONE", "./canary-4f1d/none");
    config.set("CANARY_ORIGIN", "http://canary-4f1d");
    config.set("CANARY_FILE", config.write("canary-4f1d", "").string());
    const Loaded loaded = config.load(GetParam().text);
    EXPECT_THAT(all_that_is_shown(loaded, Settings()), Not(HasSubstr(kCanary)));

    std::string used;
    for (const KeySettings& key : loaded.settings.keys)
        used += key.secret.reveal();
    for (const ProviderConfig& provider : loaded.settings.providers)
        used += config_for_plugin(provider, true);
    EXPECT_EQ(used.find(kCanary) != std::string::npos, GetParam().is_used) << used;
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, Canary, testing::Values(
    CanaryRow{"Key", "auth: { keys: [{ name: a, secret: { env: CANARY } }] }\n"},
    CanaryRow{"KeyFromAFile", "auth: { keys: [{ name: a, secret: { file: ./canary } }] }\n"},
    CanaryRow{"KeyAsReference", "auth: { keys: [{ name: a, secret: \"${env:CANARY}\" }] }\n"},
    CanaryRow{"Inline", "allow_inline_secrets: true\nauth: { keys: [{ name: a, secret: canary-4f1d }] }\n"},
    CanaryRow{"InlineRefused", "auth:\n  keys:\n    - name: a\n      secret: canary-4f1d\n", false},
    CanaryRow{"InlineRefusedInAFlow", "auth: { keys: [{ name: a, secret: \"canary-4f1d\" }] }\n", false},
    CanaryRow{"BesideAMistake", "allow_inline_secrets: true\nauth: { keys: [{ nam: a, secret: canary-4f1d }] }\n"},
    CanaryRow{"OfAPlugin", "providers:\n  a: { plugin: p, api_key: { env: CANARY } }\n"},
    CanaryRow{"OfAVendor", "providers:\n  a: { plugin: p, vendors: [{ vendor: v, token: \"${file:canary}\" }] }\n"},
    CanaryRow{"OfAModel", "providers:\n  a: { plugin: p, models: [{ id: m, access_token: { env: CANARY } }] }\n"},
    CanaryRow{"InlineOfAPlugin", "allow_inline_secrets: true\nproviders:\n  a: { plugin: p, Api-Key: canary-4f1d }\n"},
    CanaryRow{"BadWord", "log: { level: \"${env:CANARY}\" }\n", false},
    CanaryRow{"BadNumber", "jobs: { max_wait: \"${file:canary}\" }\n", false},
    CanaryRow{"BadAddress", "server: { listen: \"${env:CANARY}\" }\n", false},
    CanaryRow{"BadMoney", "jobs: { spend_cap_usd: \"${env:CANARY}\" }\n", false},
    CanaryRow{"BadFrameSize", "providers:\n  a: { plugin: p, models: [{ id: m, sizes: [\"${env:CANARY}\"] }] }\n", false},
    CanaryRow{"PlainOfAPlugin", "providers:\n  a: { plugin: p, note: \"${env:CANARY}\" }\n"},
    CanaryRow{"PlainFromAFile", "providers:\n  a: { plugin: p, deep: [{ note: \"${file:./canary}\" }] }\n"},
    CanaryRow{"PlainOfAModel", "providers:\n  a: { plugin: p, models: [{ id: m, note: \"${file:canary}\" }] }\n"},
    CanaryRow{"BehindAModelThatIsGone", "providers:\n  a: { plugin: p, models: [{ id: g, path: ./none }, { id: \"${env:CANARY}\", note: \"${env:CANARY}\" }] }\n"},
    CanaryRow{"PathOfAModel", "providers:\n  a: { plugin: p, models: [{ id: m, path: \"${env:CANARY}\" }] }\n"},
    CanaryRow{"PathOfAMissingModel", "providers:\n  a: { plugin: p, models: [{ id: \"${env:GONE}\", path: \"${env:GONE}\" }] }\n", false},
    CanaryRow{"ModelTwice", "providers:\n  a: { plugin: p, models: [{ id: \"${env:CANARY}\" }, { id: \"${env:CANARY}\" }] }\n"},
    CanaryRow{"Plugin", "providers:\n  a: { plugin: \"${env:CANARY}\" }\n", false},
    CanaryRow{"Origin", "server: { cors_origins: [\"http://a\", \"${env:CANARY_ORIGIN}\"] }\n", false},
    CanaryRow{"Origins", "server: { cors_origins: \"${env:CANARY_ORIGIN}\" }\n", false},
    CanaryRow{"DataDir", "server: { data_dir: \"${env:CANARY}\" }\n", false},
    CanaryRow{"DataDirThatIsAFile", "server: { data_dir: \"${env:CANARY_FILE}\" }\n", false},
    CanaryRow{"PluginDir", "plugins: { dirs: [\"${env:CANARY}\"] }\n", false},
    CanaryRow{"NameOfAKey", "auth: { keys: [{ name: \"${env:CANARY}\", secret: { env: A } }, { name: \"${env:CANARY}\", secret: { env: A } }] }\n", false},
    CanaryRow{"Toggle", "video_provider: \"${env:CANARY}\"\n", false},
    CanaryRow{"Pool", "providers: { a: { plugin: p } }\npools: { b: [a], c: [\"${env:CANARY}\"], d: [\"${env:CANARY}\"] }\n", false},
    CanaryRow{"Step", "providers: { a: { plugin: p } }\nroutes: { chains: { c: { steps: [{ use: a }, { use: \"${env:CANARY}\", model: \"${env:CANARY}\" }] } } }\n", false},
    CanaryRow{"Alias", "routes: { aliases: { b: \"${env:CANARY}\" }, default: \"${env:CANARY}\" }\n", false},
    CanaryRow{"Twice", "auth:\n  keys:\n    - { name: a, secret: { env: CANARY } }\n    - { name: b, secret: { file: ./canary } }\n"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Secrets, AreToldApartByTheirHash)
{
    const Secret one("one", "env:A");
    EXPECT_EQ(one.shown(), "env:A (sha256 7692c3ad)");
    EXPECT_NE(one.shown(), Secret("two", "env:A").shown());
    EXPECT_EQ(Secret("", "env:A").shown(), "env:A (not set)");
    EXPECT_EQ(Secret().shown(), "");
}

TEST(Secrets, MissingOnesCostOnlyWhatNeedsThem)
{
    ConfigUnderTest config;
    config.set("HERE", "x");
    const Loaded loaded =
        config.load("providers:\n"
                    "  a:\n"
                    "    plugin: p\n"
                    "    vendors:\n"
                    "      - { vendor: one, api_key: { env: NOWHERE } }\n"
                    "      - { vendor: two, api_key: { env: HERE } }\n"
                    "  b: { plugin: p, vendors: [{ vendor: one, api_key: { env: NOWHERE } }] }\n");
    EXPECT_TRUE(loaded.ok()) << findings_text(loaded.findings);
    EXPECT_EQ(loaded.findings.warnings(), 2U) << findings_text(loaded.findings);
    const ProviderConfig& a = *loaded.settings.provider("a");
    EXPECT_EQ(a.misconfigured, "");
    ASSERT_EQ(a.left_out.size(), 1U);
    EXPECT_EQ(a.left_out[0].key, "providers.a.vendors[0].api_key");
    EXPECT_EQ(config_for_plugin(a, false), R"({"vendors":[{"api_key":"x","vendor":"two"}]})");
    EXPECT_THAT(loaded.settings.provider("b")->misconfigured, HasSubstr("NOWHERE is not set"));
}

TEST(Secrets, AFileThatEverybodyReadsIsWarnedOf)
{
    ConfigUnderTest config;
    const auto file = config.write("open", "x");
    std::filesystem::permissions(file, std::filesystem::perms{0644});
    const Loaded loaded =
        config.load("providers: { a: { plugin: p, api_key: { file: ./open } } }\n");
    const Finding* finding = finding_of(loaded.findings, "secret_file_open");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->severity, Severity::warning);
    std::filesystem::permissions(file, std::filesystem::perms{0600});
    EXPECT_EQ(finding_of(config.load().findings, "secret_file_open"), nullptr);
}

TEST(RunningConfig, IsWrittenWithoutSecretsAndReadBack)
{
    ConfigUnderTest config;
    config.set("CANARY", kCanary);
    const Loaded loaded = config.load("server: { data_dir: ./data }\n"
                                      "auth: { keys: [{ name: a, secret: { env: CANARY } }] }\n");
    ASSERT_TRUE(record_running(loaded).has_value());
    const auto text = source_text(running_file(config.path() / "data").string());
    ASSERT_TRUE(text);
    EXPECT_THAT(*text, Not(HasSubstr(kCanary)));

    const auto running = recorded_running(config.path() / "data");
    ASSERT_TRUE(running.has_value());
    EXPECT_EQ(running->revision, loaded.revision);
    EXPECT_TRUE(diff(running->values, flat(loaded.settings)).empty());
    config.set("CANARY", "another");
    EXPECT_EQ(diff(running->values, flat(config.load().settings)).size(), 1U);
}

TEST(RunningConfig, ThatIsBrokenIsRefused)
{
    ConfigUnderTest config;
    EXPECT_EQ(recorded_running(config.path()).error().code, "file_missing");
    for (const char* text : {"",
                             "{",
                             "[]",
                             "{}",
                             "{\"revision\":1,\"values\":[{}]}",
                             "{\"revision\":\"1\",\"values\":[]}"}) {
        config.write("config-running.json", text);
        EXPECT_EQ(recorded_running(config.path()).error().code, "running_broken") << text;
    }
}

} // namespace
} // namespace reelgate
