// The whole way from text to settings: the default, and every finding with its place and its hint.
#include "host/config/config_fixture.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(BuiltInConfig, WorksOnAFreshMachine)
{
    ConfigUnderTest config;
    const Loaded loaded = config.load();

    EXPECT_TRUE(loaded.ok()) << findings_text(loaded.findings);
    ASSERT_EQ(loaded.settings.providers.size(), 3U);
    EXPECT_EQ(loaded.settings.video_provider, "fastvideo-local");
    const ProviderConfig& local = *loaded.settings.provider("fastvideo-local");
    EXPECT_EQ(local.misconfigured, "") << "the model that comes with the plugin is left";
    ASSERT_EQ(local.models.size(), 1U);
    EXPECT_EQ(local.models[0].id, "nano");
    const ProviderConfig& cloud = *loaded.settings.provider("cloud-fallback");
    EXPECT_THAT(cloud.misconfigured, HasSubstr("GEMINI_API_KEY is not set"));
    EXPECT_EQ(loaded.files.size(), 0U);
}

TEST(BuiltInConfig, IsTheFileOfTheRepository)
{
    ConfigUnderTest config;
    config.sources().file = std::filesystem::path(REELGATE_SOURCE_DIR) / "config/reelgate.yaml";
    const Loaded from_file = config.load();
    config.sources().file.reset();
    const Loaded built_in = config.load();
    EXPECT_TRUE(from_file.ok()) << findings_text(from_file.findings);
    EXPECT_EQ(from_file.settings.providers.size(), built_in.settings.providers.size());
    EXPECT_EQ(default_chain_of(from_file.settings), default_chain_of(built_in.settings));
}

TEST(LoadConfig, TheToggleDecidesWhoGoesFirst)
{
    ConfigUnderTest config;
    config.set("REELGATE_VIDEO_PROVIDER", "comfyui-local");
    const auto chains = chains_followed(config.load().settings);
    std::vector<std::string> order;
    for (const ChainStep& step : chains.at(0).steps)
        order.push_back(step.use);
    EXPECT_THAT(order, ElementsAre("comfyui-local", "fastvideo-local", "cloud-fallback"));
}

struct FindingRow {
    const char* name;
    std::string text;
    const char* code;
    std::uint32_t line;
    std::uint32_t column;
    const char* key;
    const char* says;
    const char* suggests = "";
};

void PrintTo(const FindingRow& row, std::ostream* out) { *out << row.name; }

class BadConfig : public testing::TestWithParam<FindingRow> {};

TEST_P(BadConfig, IsRefusedWithPlaceAndHint)
{
    const FindingRow& row = GetParam();
    ConfigUnderTest config;
    config.set("OTHER", "another-secret");
    const Loaded loaded = config.load(row.text);

    const Finding* finding = finding_of(loaded.findings, row.code);
    ASSERT_NE(finding, nullptr) << findings_text(loaded.findings);
    EXPECT_EQ(finding->severity, Severity::error);
    EXPECT_FALSE(loaded.ok());
    EXPECT_EQ(finding->place.source, (config.path() / "reelgate.yaml").string());
    EXPECT_EQ(finding->place.line, row.line) << to_string(*finding);
    EXPECT_EQ(finding->place.column, row.column) << to_string(*finding);
    EXPECT_EQ(finding->key, row.key);
    EXPECT_THAT(finding->message, HasSubstr(row.says));
    EXPECT_THAT(finding->suggestion, HasSubstr(row.suggests));
    EXPECT_EQ(loaded.findings.errors(), 1U) << findings_text(loaded.findings);
}

std::string row_name(const testing::TestParamInfo<FindingRow>& row) { return row.param.name; }

std::string small_and(std::string_view more) { return std::string(kSmall) + std::string(more); }

// clang-format off
INSTANTIATE_TEST_SUITE_P(TheText, BadConfig, testing::Values(
    FindingRow{"Syntax", "server:\n  listen: [\n", "syntax", 3, 1, "", ""},
    FindingRow{"QuoteAtTheEnd", "version: 1\nvideo_provider: \"auto\n", "syntax", 3, 2, "", "EOF"},
    FindingRow{"NotUtf8", "a: b\nc: \xff\n", "not_text", 2, 4, "", "UTF-8"},
    FindingRow{"Control", "a: \x01\n", "not_text", 1, 4, "", "control"},
    FindingRow{"KeyTwice", "server: {}\nlog: {}\nserver: {}\n", "duplicate_key", 3, 1, "", "first in line 1"},
    FindingRow{"Tag", "version: !!int 1\n", "tag", 1, 10, "", "tag"},
    FindingRow{"MergeKey", "x-a: &a { metrics: true }\nserver:\n  <<: *a\n", "merge_key", 3, 3, "", "merge"},
    FindingRow{"SecondDocument", "version: 1\n---\nversion: 1\n", "second_document", 2, 1, "", "one document"},
    FindingRow{"NotAMap", "- version\n", "not_a_map", 1, 1, "", "map"},
    FindingRow{"KeyIsAList", "[a]: 1\n", "bad_key", 1, 1, "", "text"},
    FindingRow{"TooDeep", "x-a: " + std::string(80, '[') + std::string(80, ']') + "\n", "too_deep", 1, 70, "", "64"},
    FindingRow{"AliasInItself", "x-a: &a\n  b: *a\n", "alias_loop", 2, 6, "", "its own anchor"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(Names, BadConfig, testing::Values(
    FindingRow{"UnknownSection", "sever: {}\n", "unknown_key", 1, 1, "sever", "not a setting", "`server`"},
    FindingRow{"UnknownSetting", "server:\n  lisen: \"127.0.0.1:1\"\n", "unknown_key", 2, 3, "server.lisen", "not a setting", "`listen`"},
    FindingRow{"NothingIsNear", "server:\n  gearbox: 1\n", "unknown_key", 2, 3, "server.gearbox", "not a setting"},
    FindingRow{"InAList", "auth:\n  keys:\n    - { name: a, secret: { env: HOME }, scope: [videos] }\n", "unknown_key", 3, 41, "auth.keys[0].scope", "not a setting", "`scopes`"},
    FindingRow{"InAStep", "providers:\n  a: { plugin: p }\nroutes:\n  chains:\n    c:\n      steps:\n        - { use: a, modell: m }\n", "unknown_key", 7, 21, "routes.chains.c.steps[0].modell", "not a setting", "`model`"},
    FindingRow{"Toggle", small_and("video_provider: nera\n"), "unknown_provider", 8, 17, "video_provider", "`nera`", "`near`"},
    FindingRow{"StepOfAChain", "providers:\n  near: { plugin: p }\nroutes:\n  chains:\n    c: { steps: [{ use: naer }] }\n", "unknown_provider", 5, 25, "routes.chains.c.steps[0].use", "`naer`", "`near`"},
    FindingRow{"DefaultChain", "providers:\n  near: { plugin: p }\nroutes:\n  default: clip\n  chains:\n    clips: { steps: [{ use: near }] }\n", "unknown_chain", 4, 12, "routes.default", "`clip`", "`clips`"},
    FindingRow{"Alias", "providers:\n  near: { plugin: p }\nroutes:\n  aliases: { fast: clisp }\n  chains:\n    clips: { steps: [{ use: near }] }\n", "unknown_chain", 4, 20, "routes.aliases.fast", "`clisp`", "`clips`"},
    FindingRow{"AliasIsAChain", "providers:\n  near: { plugin: p }\nroutes:\n  aliases: { clips: clips }\n  chains:\n    clips: { steps: [{ use: near }] }\n", "name_taken", 4, 21, "routes.aliases.clips", "a chain has this name"},
    FindingRow{"PoolMember", small_and("pools:\n  both: [near, fra]\n"), "unknown_provider", 9, 16, "pools.both[1]", "`fra`", "`far`"},
    FindingRow{"InTwoPools", small_and("pools:\n  a: [near]\n  b: [far, near]\n"), "in_two_pools", 10, 12, "pools.b[1]", "the pool a"},
    FindingRow{"PoolIsAProvider", small_and("pools:\n  near: [far]\n"), "name_taken", 9, 9, "pools.near", "`near`"},
    FindingRow{"ProviderCalledAuto", "providers:\n  auto: { plugin: p }\n", "name_taken", 2, 9, "providers.auto", "`auto`"},
    FindingRow{"ModelOfAStep", "providers:\n  near: { plugin: p, models: [{ id: nano }] }\nroutes:\n  chains:\n    c: { steps: [{ use: near, model: nan }] }\n", "unknown_model", 5, 38, "routes.chains.c.steps[0].model", "`nan`", "`nano`"},
    FindingRow{"ProviderOfAKey", small_and("auth:\n  keys:\n    - { name: a, secret: { env: HOME }, providers: [naer] }\n"), "unknown_provider", 10, 53, "auth.keys[0].providers[0]", "`naer`", "`near`"},
    FindingRow{"BadId", "providers:\n  \"a b\": { plugin: p }\n", "bad_id", 2, 3, "providers.a b", "letters"},
    FindingRow{"KeyNameTwice", "auth:\n  keys:\n    - { name: a, secret: { env: HOME } }\n    - { name: a, secret: { env: OTHER } }\n", "name_taken", 4, 15, "auth.keys[1].name", "twice"},
    FindingRow{"GpuTwice", "gpus:\n  - { id: 0 }\n  - { id: 0 }\n", "name_taken", 3, 11, "gpus[1].id", "twice"},
    FindingRow{"NoSuchGpu", "gpus: [{ id: 0 }]\nproviders:\n  a: { plugin: p, gpu: 1 }\n", "unknown_gpu", 3, 24, "providers.a.gpu", "card 1"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(Values, BadConfig, testing::Values(
    FindingRow{"NoUnit", "jobs: { max_wait: 10 }\n", "bad_duration", 1, 19, "jobs.max_wait", "with its unit"},
    FindingRow{"TooLong", "health: { interval: 2h }\n", "out_of_bounds", 1, 21, "health.interval", "100ms to 1h"},
    FindingRow{"SizeNoUnit", "gpus: [{ id: 0, vram_budget: 22 }]\n", "bad_size", 1, 30, "gpus[0].vram_budget", "with its unit"},
    FindingRow{"Money", "jobs: { spend_cap_usd: two }\n", "bad_money", 1, 24, "jobs.spend_cap_usd", ""},
    FindingRow{"YesIsAText", "server: { metrics: yes }\n", "wrong_type", 1, 20, "server.metrics", "true or false is wanted, and this is a text"},
    FindingRow{"QuotedIsAText", "server: { metrics: \"true\" }\n", "wrong_type", 1, 20, "server.metrics", "a text"},
    FindingRow{"NumberForText", "providers:\n  a: { plugin: 1 }\n", "wrong_type", 2, 16, "providers.a.plugin", "a number", "quotes"},
    FindingRow{"Word", "log: { level: wran }\n", "bad_word", 1, 15, "log.level", "none of debug, info, warn, error", "`warn`"},
    FindingRow{"WordInAList", "auth:\n  keys:\n    - { name: a, secret: { env: HOME }, scopes: [vidoes] }\n", "bad_word", 3, 50, "auth.keys[0].scopes[0]", "videos", "`videos`"},
    FindingRow{"ListForMap", "server: []\n", "wrong_type", 1, 9, "server", "a map is wanted, and this is a list"},
    FindingRow{"MapForList", "gpus: { id: 0 }\n", "wrong_type", 1, 7, "gpus", "a list is wanted, and this is a map"},
    FindingRow{"TextForList", "server: { cors_origins: \"*\" }\n", "wrong_type", 1, 25, "server.cors_origins", "a list"},
    FindingRow{"NoValue", "server:\n  listen:\n", "no_value", 2, 3, "server.listen", "no value"},
    FindingRow{"Missing", "gpus: [{ vram_budget: 22GiB }]\n", "missing", 1, 8, "gpus[0].id", "must be given"},
    FindingRow{"EmptyChain", "routes:\n  chains:\n    c: { steps: [] }\n", "missing", 3, 8, "routes.chains.c.steps", "must have an entry"},
    FindingRow{"Address", "server: { listen: \"8055\" }\n", "bad_address", 1, 19, "server.listen", "HOST:PORT"},
    FindingRow{"Version", "version: 2\n", "out_of_bounds", 1, 10, "version", "from 1 to 1"},
    FindingRow{"NumberTooBig", "jobs: { max_queued: 99999999999999999999 }\n", "out_of_bounds", 1, 21, "jobs.max_queued", "fits"},
    FindingRow{"FrameSize", "providers:\n  a: { plugin: p, models: [{ id: m, sizes: [1280*704] }] }\n", "bad_frame_size", 2, 45, "providers.a.models[0].sizes[0]", "WIDTHxHEIGHT"},
    FindingRow{"ModelTwice", "providers:\n  a: { plugin: p, models: [{ id: m }, { id: m }] }\n", "duplicate_model", 2, 39, "providers.a.models[1]", "twice"},
    FindingRow{"Origin", "server: { cors_origins: [\"http://a/b\"] }\n", "bad_origin", 1, 26, "server.cors_origins[0]", "SCHEME"},
    FindingRow{"OpenToAll", "server:\n  listen: \"0.0.0.0:8055\"\n", "open_to_all", 2, 11, "server.listen", "whoever reaches", "auth.keys"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(References, BadConfig, testing::Values(
    FindingRow{"Unset", "server: { listen: \"${env:NOWHERE}\" }\n", "unset_variable", 1, 19, "server.listen", "NOWHERE is not set", ":-default"},
    FindingRow{"NoFile", "server: { listen: \"${file:./none}\" }\n", "unreadable_file", 1, 19, "server.listen", "none"},
    FindingRow{"InsideAText", "server: { listen: \"${env:HOST}:80\" }\n", "bad_reference", 1, 19, "server.listen", "whole value", "nothing around it"},
    FindingRow{"NoName", "server: { listen: \"${env:1x}\" }\n", "bad_reference", 1, 19, "server.listen", "names no variable"},
    FindingRow{"InlineSecret", "auth:\n  keys: [{ name: a, secret: hunter2 }]\n", "inline_secret", 2, 29, "auth.keys[0].secret", "does not stand in the file", "allow_inline_secrets"},
    FindingRow{"SecretOfNothing", "auth:\n  keys: [{ name: a, secret: { evn: A } }]\n", "bad_secret", 2, 29, "auth.keys[0].secret", "{ env: NAME }"},
    FindingRow{"KeySecretUnset", "auth:\n  keys: [{ name: a, secret: { env: NOWHERE } }]\n", "secret_missing", 2, 29, "auth.keys[0].secret", "NOWHERE is not set"}),
    row_name);
// clang-format on

} // namespace
} // namespace reelgate
