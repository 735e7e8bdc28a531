// The optional abilities of the scripted provider, and copies of it that describe themselves
// otherwise.
#include "host/plugin/description.hpp"
#include "host/plugin/registry.hpp"
#include "host/plugin/sums.hpp"
#include "tests/fakes/scripted_fixture.hpp"

#include <fstream>

namespace reelgate::fakes {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string content(const fs::path& file)
{
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST_F(ScriptedTest, IsReadByTheHostWithoutAWarning)
{
    for (const rg_provider* plugin : {scripted(), scripted_paid()}) {
        const auto read = parse_description(describe(plugin).text);
        ASSERT_TRUE(read) << read.error().sentence();
        EXPECT_THAT(read->warnings, testing::IsEmpty());
        EXPECT_EQ(read->models.size(), 2U);
    }
    Life life(scripted(), json::object(), dir_.path());
    const auto probe = parse_probe(life.probe().text);
    ASSERT_TRUE(probe) << probe.error().sentence();
    EXPECT_EQ(probe->state, ProviderState::ready);
    EXPECT_THAT(probe->warnings, testing::IsEmpty());
}

TEST_F(ScriptedTest, AnswersAProbeWithEverythingTheContractKnows)
{
    const json config = config_of(R"({"probe": [{"state": {
        "state": "busy", "reason": "one job", "queue": 3, "idle_s": 1.5, "loaded": ["pattern"],
        "vram_mb": {"total": 24000, "free": 100}, "missing": ["wan"],
        "models": [{"id": "only", "tasks": ["t2v"], "sizes": ["64x64"], "frames": {"min": 1, "max": 9}}]}}]})");
    Life life(scripted(), config, dir_.path());
    const auto probe = parse_probe(life.probe().text);
    ASSERT_TRUE(probe) << probe.error().sentence();
    EXPECT_EQ(probe->state, ProviderState::busy);
    EXPECT_EQ(probe->queue, 3U);
    ASSERT_TRUE(probe->models);
    EXPECT_EQ(probe->models->at(0).id, "only");
    EXPECT_THAT(probe->missing, testing::ElementsAre("wan"));
}

TEST_F(ScriptedTest, TellsItsPriceBeforeAndAfter)
{
    json config;
    config["price_usd"] = "0.60";
    Life life(scripted_paid(), config, dir_.path());
    EXPECT_EQ(life.estimate(small_request()).json().at("usd"), json("0.60"));
    EXPECT_EQ(charged_micros(ledger()), 0);
    TableJob job(small_request());
    ASSERT_EQ(life.run(job).status, RG_OK);
    EXPECT_EQ(life.amount(job.accepted().at(0)).json().at("usd"), json("0.60"));
    EXPECT_EQ(life.amount({
                              {"id", "r-9"}
    })
                  .status,
              RG_FAILED);
}

TEST_F(ScriptedTest, ScriptsItsPriceAndItsSilenceAboutIt)
{
    const json config = config_of(R"({"estimate": [{"answer": {"usd": "9.99", "basis": "guess"}}],
                                      "amount": ["fail"]})");
    Life life(scripted_paid(), config, dir_.path());
    EXPECT_EQ(life.estimate(small_request()).json().at("usd"), json("9.99"));
    TableJob job(small_request());
    ASSERT_EQ(life.run(job).status, RG_OK);
    EXPECT_EQ(life.amount(job.accepted().at(0)).status, RG_FAILED);
}

TEST_F(ScriptedTest, RemembersWhatIsLoaded)
{
    Life life(scripted(), config_of(R"({"unload": [[], ["refuse"]]})"), dir_.path());
    EXPECT_EQ(life.loaded().json(), json::array());
    EXPECT_EQ(life.load("pattern").status, RG_OK);
    EXPECT_EQ(life.load("pattern").status, RG_OK);
    EXPECT_EQ(life.loaded().json(), json::array({"pattern"}));
    EXPECT_EQ(life.probe().json().at("loaded"), json::array({"pattern"}));
    EXPECT_EQ(life.unload("pattern").status, RG_OK);
    EXPECT_EQ(life.loaded().json(), json::array());
    EXPECT_EQ(life.unload("pattern").status, RG_REJECTED);
}

TEST_F(ScriptedTest, HasTools)
{
    Life life(scripted(), json::object(), dir_.path());
    life.probe();
    EXPECT_EQ(life.tool("ledger", json::object()).json().at("probe"), json(1));
    EXPECT_THAT(life.tool("steps", json::object()).json().at("markdown").get<std::string>(),
                testing::HasSubstr("| `crash` |"));
    const json good = {
        {"script", {{"run", {"deliver"}}}}
    };
    const json bad = {
        {"script", {{"run", {"delivr"}}}}
    };
    EXPECT_EQ(life.tool("check-script", good).json().at("ok"), json(true));
    EXPECT_EQ(life.tool("check-script", bad).json().at("ok"), json(false));
    EXPECT_EQ(life.tool("no-such", json::object()).status, RG_REJECTED);
}

TEST_F(ScriptedTest, ShowsPreviews)
{
    TableJob job(small_request());
    EXPECT_EQ(run_once(R"({"run": [{"preview": 3}, "deliver"]})", job).status, RG_OK);
    EXPECT_EQ(job.previews(), 3U);
    EXPECT_EQ(content(job.work_dir() / "preview.jpg").substr(0, 2), "\xff\xd8");
    EXPECT_FALSE(fs::exists(job.work_dir() / "preview.part"));
}

TEST_F(ScriptedTest, MayFailToBeCreated)
{
    Life life(scripted(),
              config_of(R"({"create": [{"refuse": {"category": "auth_failed"}}]})"),
              dir_.path());
    EXPECT_EQ(life.created().status, RG_REJECTED);
    EXPECT_EQ(life.created().json().at("category"), json("auth_failed"));
    EXPECT_EQ(count(ledger(), "create"), 1U);
}

TEST_F(ScriptedTest, ReadsItsScriptFromAFile)
{
    const fs::path file = dir_ / "script.json";
    json config;
    config["script_file"] = file.string();
    EXPECT_EQ(Life(scripted(), config, dir_.path()).created().status, RG_REJECTED);
    std::ofstream(file) << "{";
    EXPECT_EQ(Life(scripted(), config, dir_.path()).created().status, RG_REJECTED);
    std::ofstream(file) << R"({"probe": [{"state": "degraded"}]})";
    Life life(scripted(), config, dir_.path());
    EXPECT_EQ(life.probe().json().at("state"), json("degraded"));
    config["script"] = {
        {"run", json::array()}
    };
    EXPECT_THAT(Life(scripted(), config, dir_.path()).created().text,
                testing::HasSubstr("both given"));
}

TEST_F(ScriptedTest, WithoutALedgerNothingIsWritten)
{
    json config;
    config["ledger"] = "";
    Life life(scripted(), config, dir_.path());
    EXPECT_EQ(life.probe().status, RG_OK);
    EXPECT_FALSE(fs::exists(dir_ / "ledger.jsonl"));
}

TEST_F(ScriptedTest, ACopyDescribesItselfAsTheTestWants)
{
    const json wanted = json::parse(R"({
        "max_concurrency": 1, "silent_for_s": 3, "cancel_within_s": 2, "egress": "cloud",
        "models": [{"id": "tiny", "tasks": ["i2v"], "sizes": ["64x64"], "frames": {"min": 1, "max": 9}}]})");
    const fs::path copy =
        copy_plugin(REELGATE_BINARY_DIR "/plugins/scripted-paid", dir_.path(), "cloud-a", wanted);
    const rg_provider* plugin = load_plugin(copy);
    const auto read = parse_description(describe(plugin).text);
    ASSERT_TRUE(read) << read.error().sentence();
    EXPECT_EQ(read->id, "cloud-a");
    EXPECT_EQ(read->max_concurrency, 1U);
    EXPECT_EQ(read->silent_for.count(), 3);
    EXPECT_EQ(read->models.size(), 1U);
    EXPECT_EQ(read->models.at(0).id, "tiny");

    Life life(plugin, json::object(), dir_.path());
    EXPECT_EQ(life.probe().status, RG_OK);
    EXPECT_EQ(count(ledger(), "probe", "cloud-a"), 1U)
        << "each copy has its own name in the ledger";

    HashCache cache;
    const auto sums = sum_directory(copy, cache);
    ASSERT_TRUE(sums);
    FileSums others = *sums; // the sums do not speak of themselves
    std::erase_if(others, [](const FileSum& sum) { return sum.path == "SHA256SUMS"; });
    const auto promised = parse_sums(content(copy / "SHA256SUMS"), copy / "SHA256SUMS");
    ASSERT_TRUE(promised) << promised.error().sentence();
    EXPECT_TRUE(compare_sums(*promised, others, copy));
}

TEST_F(ScriptedTest, ACopyCanMisbehaveInDescribe)
{
    const json steps = json::parse(R"([{"garbage": "no_object"}])");
    const fs::path copy = copy_plugin(
        REELGATE_BINARY_DIR "/plugins/scripted", dir_.path(), "mumbles", json::object(), steps);
    EXPECT_EQ(describe(load_plugin(copy)).text, "42");

    const json unknown = json::parse(R"(["delivr"])");
    const fs::path typo = copy_plugin(
        REELGATE_BINARY_DIR "/plugins/scripted", dir_.path(), "typo", json::object(), unknown);
    EXPECT_EQ(describe(load_plugin(typo)).status, RG_FAILED);
}

} // namespace
} // namespace reelgate::fakes
