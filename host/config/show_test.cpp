// What is printed: it reads back as the same settings, the example covers the table, a finding has
// its line and its mark.
#include "host/config/config_fixture.hpp"
#include "host/config/example.hpp"
#include "host/config/excerpt.hpp"
#include "host/config/schema.hpp"
#include "host/config/show.hpp"
#include "host/config/table.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <set>
#include <sstream>

namespace reelgate {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Something in every section, and texts that YAML would take for something else.
constexpr std::string_view kRich =
    "version: 1\n"
    "video_provider: far\n"
    "server: { cors_origins: [\"*\"], data_dir: ./data, metrics: false }\n"
    "plugins: { dirs: [./mine], trust: signed }\n"
    "auth: { keys: [{ name: a, secret: { env: A_KEY }, budget_usd_per_day: 1.50, providers: [near] "
    "}] }\n"
    "jobs: { max_wait: 90s, spend_cap_usd: 2.00, keep_artifacts: 7d, keep_free: 1GiB }\n"
    "gpus: [{ id: 0, vram_budget: 22GiB }]\n"
    "providers:\n"
    "  near:\n"
    "    plugin: one\n"
    "    gpu: 0\n"
    "    models: [{ id: m, sizes: [64x64], max_seconds: 5s, extra: { deep: [1, yes, \"true\"] } "
    "}]\n"
    "    odd: \"no: #\"\n"
    "    empty: {}\n"
    "    none: []\n"
    "    blank: \"\"\n"
    "    \"\": { \"\": nameless, \"<<\": 1, \"a: b\": 2 }\n"
    "  far: { plugin: two, egress: cloud, vendors: [{ api_key: { env: A_KEY }, n: 1.5 }] }\n"
    "pools: { both: [near, far] }\n"
    "routes:\n"
    "  default: clips\n"
    "  aliases: { quick: clips }\n"
    "  chains:\n"
    "    clips: { policy: cheapest, egress: cloud, on_oom: [tiling], steps: [{ use: both }, { use: "
    "near, model: m, weight: 3, on_content_rejected: next }] }\n"
    "health: { interval: 6s }\n"
    "breaker: { crashes: 4 }\n"
    "log: { format: text, prompts: none }\n";

TEST(Show, ReadsBackAsTheSameSettings)
{
    ConfigUnderTest config;
    config.set("A_KEY", "x");
    const Loaded first = config.load(kRich);
    ASSERT_TRUE(first.ok()) << findings_text(first.findings);
    const std::string text = yaml_text(shown(first.settings), nullptr);
    const Loaded again = config.load(text);
    ASSERT_TRUE(again.ok()) << findings_text(again.findings) << text;
    EXPECT_THAT(diff(first.settings, again.settings), IsEmpty()) << text;
    EXPECT_EQ(again.revision, first.revision);
    EXPECT_EQ(config_for_plugin(*again.settings.provider("near"), true),
              config_for_plugin(*first.settings.provider("near"), true));
}

TEST(Show, HasTheReferenceWhereAValueWasFetched)
{
    ConfigUnderTest config;
    config.set("URL", "http://10.0.0.1:8188");
    config.set("HOUR", "1h");
    const std::string text = "jobs: { max_wait: \"${env:HOUR}\" }\n"
                             "server: { cors_origins: [\"http://a\", \"${env:URL}\"] }\n"
                             "providers:\n"
                             "  near:\n"
                             "    plugin: one\n"
                             "    url: \"${env:URL}\"\n"
                             "    other: \"${env:NOWHERE:-plain}\"\n";
    const Loaded first = config.load(text);
    ASSERT_TRUE(first.ok()) << findings_text(first.findings);
    const std::string shown_text = yaml_text(shown(first.settings), nullptr);
    EXPECT_THAT(shown_text, HasSubstr("max_wait: \"${env:HOUR}\"  # (sha256 "));
    EXPECT_THAT(shown_text, HasSubstr("cors_origins: [\"http://a\", \"${env:URL}\"]  # (sha256 "));
    EXPECT_THAT(shown_text, HasSubstr("url: \"${env:URL}\"  # (sha256 "));
    EXPECT_THAT(shown_text, HasSubstr("other: plain\n"));

    const Loaded again = config.load(shown_text);
    EXPECT_THAT(diff(first.settings, again.settings), IsEmpty()) << shown_text;
    EXPECT_EQ(config_for_plugin(*again.settings.provider("near"), false),
              R"({"other":"plain","url":"http://10.0.0.1:8188"})");

    config.set("URL", "http://10.0.0.2:8188");
    EXPECT_EQ(diff(first.settings, config.load(text).settings).size(), 2U);
}

TEST(Show, EverySettingOfTheTableIsInTheRichOneOrStandsAlone)
{
    ConfigUnderTest config;
    config.set("A_KEY", "x");
    const Loaded loaded = config.load(kRich);
    for (const FlatSetting& value : flat(loaded.settings)) {
        const bool of_the_plugin = value.key.rfind("providers.", 0) == 0;
        EXPECT_TRUE(setting_of(value.key) != nullptr || of_the_plugin) << value.key;
    }
}

TEST(Show, SaysWhereEachValueStands)
{
    ConfigUnderTest config;
    const Loaded loaded = config.load("jobs:\n  max_wait: 90s\n");
    const std::string text = yaml_text(shown(loaded.settings), &loaded);
    EXPECT_THAT(
        text,
        HasSubstr("max_wait: 90s  # " + (config.path() / "reelgate.yaml").string() + ":2:13"));
    EXPECT_THAT(text, HasSubstr("max_submits: 3  # default"));
}

TEST(Show, IsJsonToo)
{
    ConfigUnderTest config;
    const auto json = effective_json(config.load("jobs: { max_submits: 4 }\n"));
    EXPECT_TRUE(json["revision"].is_number());
    EXPECT_EQ(json["files"].size(), 1U);
    bool found = false;
    for (const auto& value : json["values"])
        if (value["key"] == "jobs.max_submits") found = value["value"] == "4";
    EXPECT_TRUE(found);
}

// Every line that is switched off, switched on.
std::string switched_on(const std::string& text)
{
    std::istringstream lines(text);
    std::string line;
    std::string on;
    while (std::getline(lines, line)) {
        const bool off = line.size() > 1 && line[0] == '#' && (line[1] != ' ' || line[2] == ' ');
        on += (off ? line.substr(1) : line) + "\n";
    }
    return on;
}

TEST(Example, MeansWhatIsBuiltIn)
{
    ConfigUnderTest config;
    const Loaded built_in = config.load();
    const Loaded example = config.load(example_config());
    EXPECT_TRUE(example.ok()) << findings_text(example.findings);
    EXPECT_THAT(diff(built_in.settings, example.settings), IsEmpty());
}

TEST(Example, HasEverySettingAndEachIsLawful)
{
    const std::string text = switched_on(example_config());
    ConfigUnderTest config;
    config.set("REELGATE_STUDIO_KEY", "x");
    const Loaded loaded = config.load(text);
    EXPECT_TRUE(loaded.ok()) << findings_text(loaded.findings) << text;

    std::set<std::string> written;
    for (const FlatSetting& value : flat(loaded.settings))
        if (const ListedSetting* setting = setting_of(value.key))
            if (origin_of(loaded, value.key) != "default") written.insert(setting->name);
    for (const ListedSetting& setting : all_settings()) {
        const bool model_left_out = setting.name.rfind("providers.*.models[].", 0) == 0;
        EXPECT_TRUE(model_left_out || written.contains(setting.name)) << setting.name;
    }
}

TEST(Table, EachRowSaysWhatItMeansAndHasAStandardOrASample)
{
    std::set<std::string> names;
    for (const ListedSetting& setting : all_settings()) {
        EXPECT_TRUE(names.insert(setting.name).second) << setting.name << " is listed twice";
        EXPECT_FALSE(setting.info.meaning.empty()) << setting.name;
        EXPECT_FALSE(setting.standard.empty() && setting.info.sample.empty()) << setting.name;
        EXPECT_LE(setting.info.bounds.min, setting.info.bounds.max) << setting.name;
        EXPECT_EQ(setting_of(setting.name), &setting) << setting.name;
    }
}

// The standard of each row that stands alone is lawful, and one beyond its bounds is not.
TEST(Table, BoundsAreHeld)
{
    for (const ListedSetting& setting : all_settings()) {
        const bool alone = setting.name.find_first_of("[*") == std::string::npos;
        if (!alone || setting.info.kind != SettingKind::integer) continue;
        const std::string name = override_name(setting.name);
        for (const auto& [text, lawful] :
             {std::pair(std::to_string(setting.info.bounds.min), true),
              std::pair(std::to_string(setting.info.bounds.max), true),
              std::pair(std::to_string(setting.info.bounds.max + 1), false)}) {
            ConfigUnderTest config;
            config.set(name, text);
            EXPECT_EQ(config.load(kSmall).ok(), lawful) << name << "=" << text;
        }
    }
}

TEST(Schema, HasEverySetting)
{
    const auto schema = config_schema();
    for (const ListedSetting& setting : all_settings()) {
        const nlohmann::ordered_json* at = &schema;
        std::string_view name = setting.name;
        while (!name.empty() && at != nullptr) {
            const std::size_t dot = name.find('.');
            std::string step(name.substr(0, dot));
            name.remove_prefix(dot == std::string_view::npos ? name.size() : dot + 1);
            const bool list = step.size() > 2 && step.ends_with("[]");
            if (list) step.resize(step.size() - 2);
            ASSERT_EQ(at->value("type", ""), "object") << setting.name;
            at = step == "*" ? &at->at("additionalProperties") : &at->at("properties").at(step);
            if (list) at = &at->at("items");
        }
        EXPECT_EQ(at->at("description"), setting.info.meaning) << setting.name;
    }
}

TEST(Reference, IsWhatTheDocumentHolds)
{
    const auto page = source_text(std::string(REELGATE_SOURCE_DIR) + "/docs/CONFIG.md");
    ASSERT_TRUE(page);
    EXPECT_NE(page->find(settings_reference()), std::string::npos)
        << "docs/CONFIG.md holds what `reelgate config reference` prints";
}

struct ExcerptRow {
    const char* name;
    std::string line; // the second of its file
    std::uint32_t column;
    std::string expected;
};

void PrintTo(const ExcerptRow& row, std::ostream* out) { *out << row.name; }

class Excerpt : public testing::TestWithParam<ExcerptRow> {};

TEST_P(Excerpt, ShowsTheLineAndTheMark)
{
    Finding finding{
        Severity::error, {"f.yaml", 2, GetParam().column},
         "code"
    };
    finding.message = "is wrong";
    const auto text = [](const std::string& source) -> std::optional<std::string> {
        if (source != "f.yaml") return std::nullopt;
        return "first\n" + GetParam().line + "\nthird\n";
    };
    const std::string head =
        "f.yaml:2:" + std::to_string(GetParam().column) + ": error: is wrong (code)";
    EXPECT_EQ(for_people(finding, text), head + GetParam().expected);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, Excerpt, testing::Values(
    ExcerptRow{"Begin", "lisen: x", 1, "\n  2 | lisen: x\n    | ^"},
    ExcerptRow{"Inside", "  lisen: x", 3, "\n  2 |   lisen: x\n    |   ^"},
    ExcerptRow{"AfterATab", "\tx", 2, "\n  2 | \tx\n    | \t^"},
    ExcerptRow{"AfterAnUmlaut", "\xc3\xa4: x", 5, "\n  2 | \xc3\xa4: x\n    |    ^"},
    ExcerptRow{"BehindTheEnd", "x", 9, "\n  2 | x\n    |  ^"},
    ExcerptRow{"Secret", "token: hunter2", 8, "\n  2 | token: ...\n    |        ^"},
    ExcerptRow{"SecretInQuotes", "{ \"api_key\": \"hunter2\", a: b }", 14, "\n  2 | { \"api_key\": ...\n    |              ^"},
    ExcerptRow{"SecretByReference", "token: { env: A }", 1, "\n  2 | token: { env: A }\n    | ^"},
    ExcerptRow{"LongLine", std::string(200, 'a') + "B" + std::string(200, 'c'), 201,
        "\n  2 | ..." + std::string(60, 'a') + "B" + std::string(36, 'c') + "...\n    | " + std::string(63, ' ') + "^"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(Excerpt, IsLeftOutWhereThereIsNoLine)
{
    Finding finding;
    finding.severity = Severity::warning;
    finding.place.source = "REELGATE_LISTEN";
    finding.code = "code";
    finding.message = "is odd";
    const auto nothing = [](const std::string&) { return std::optional<std::string>(); };
    EXPECT_EQ(for_people(finding, nothing), "REELGATE_LISTEN: warning: is odd (code)");
    finding.place = Place{"f.yaml", 7, 1};
    EXPECT_EQ(for_people(finding, nothing), "f.yaml:7:1: warning: is odd (code)");
}

} // namespace
} // namespace reelgate
