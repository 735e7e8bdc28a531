#include "tests/fakes/ledger.hpp"

#include "tests/fakes/remote_jobs.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <thread>

namespace reelgate::fakes {
namespace {

using nlohmann::json;

struct AmountRow {
    const char* text;
    std::int64_t micros;
};

class Amounts : public testing::TestWithParam<AmountRow> {};

TEST_P(Amounts, AreExact) { EXPECT_EQ(micros(GetParam().text), GetParam().micros); }

INSTANTIATE_TEST_SUITE_P(EachForm,
                         Amounts,
                         testing::Values(AmountRow{"0", 0},
                                         AmountRow{"0.40", 400'000},
                                         AmountRow{"12", 12'000'000},
                                         AmountRow{"0.000001", 1},
                                         AmountRow{"999999999.999999", 999'999'999'999'999}));

TEST(Amounts, RefuseWhatIsNone)
{
    for (const char* text :
         {"", ".", "1.", ".5", "-1", "1e3", "0.0000001", "1,5", " 1", "1000000000", "0x1"})
        EXPECT_THROW(micros(text), std::invalid_argument) << text;
}

TEST(Ledger, CountsAndAddsUp)
{
    const ScratchDir dir;
    const Ledger a(dir / "ledger.jsonl", "a");
    const Ledger b(dir / "ledger.jsonl", "b");
    a.append("submit");
    a.append("charge",
             {
                 {"usd", "0.10"}
    });
    b.append("submit");
    b.append("charge",
             {
                 {"usd", "0.20"}
    });
    const LedgerEntries entries = read_ledger(dir / "ledger.jsonl");
    EXPECT_EQ(count(entries, "submit"), 2U);
    EXPECT_EQ(count(entries, "submit", "b"), 1U);
    EXPECT_EQ(charged_micros(entries), 300'000);
    EXPECT_EQ(charged_micros(entries, "a"), 100'000);
}

TEST(Ledger, KeepsWholeLinesUnderManyWriters)
{
    const ScratchDir dir;
    std::vector<std::thread> writers;
    for (int i = 0; i < 4; ++i)
        writers.emplace_back([&] {
            const Ledger ledger(dir / "ledger.jsonl", "a");
            for (int n = 0; n < 25; ++n)
                ledger.append("probe",
                              {
                                  {"text", std::string(300, 'x')}
                });
        });
    for (std::thread& writer : writers)
        writer.join();
    EXPECT_EQ(count(read_ledger(dir / "ledger.jsonl"), "probe"), 100U);
}

TEST(Ledger, LeavesOutATornLine)
{
    const ScratchDir dir;
    std::ofstream(dir / "ledger.jsonl") << "{\"event\": \"submit\"}\n{\"event\": \"sub";
    EXPECT_EQ(count(read_ledger(dir / "ledger.jsonl"), "submit"), 1U);
    EXPECT_THAT(read_ledger(dir / "absent"), testing::IsEmpty());
}

TEST(Ledger, SaysWhenItCannotWrite)
{
    const ScratchDir dir;
    const Ledger ledger(dir / "missing" / "ledger.jsonl", "a");
    EXPECT_THROW(ledger.append("submit"), std::system_error);
    EXPECT_NO_THROW(Ledger({}, "a").append("submit")); // the one that forgets
}

TEST(RemoteJobs, AreFoundByIdAndByKey)
{
    const ScratchDir dir;
    const RemoteJobs jobs(dir / "remote");
    EXPECT_FALSE(jobs.find_by_key("k"));
    RemoteJob job =
        jobs.create({.key = "k", .steps = 3, .usd = "0.40", .request = {{"width", 64}}});
    EXPECT_EQ(job.id, "r-1");
    EXPECT_EQ(jobs.create({.key = "l"}).id, "r-2");
    job.steps_done = 2;
    job.charged = true;
    jobs.save(job);
    const auto again = RemoteJobs(dir / "remote").find("r-1");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->steps_done, 2U);
    EXPECT_TRUE(again->charged);
    EXPECT_EQ(again->request.at("width"), json(64));
    EXPECT_EQ(jobs.find_by_key("l")->id, "r-2");
    EXPECT_FALSE(jobs.find_by_key(""));
    EXPECT_FALSE(jobs.find("r-3"));
    EXPECT_FALSE(jobs.find("../ledger"));
    EXPECT_FALSE(jobs.find("r-1/../r-2"));
}

TEST(RemoteJobs, GetIdsOfTheirOwnUnderManyThreads)
{
    const ScratchDir dir;
    const RemoteJobs jobs(dir / "remote");
    std::vector<std::vector<std::string>> ids(4);
    std::vector<std::thread> threads;
    for (auto& mine : ids)
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i)
                mine.push_back(jobs.create({.key = "k"}).id);
        });
    for (std::thread& thread : threads)
        thread.join();
    std::set<std::string> all;
    for (const auto& mine : ids)
        all.insert(mine.begin(), mine.end());
    EXPECT_EQ(all.size(), 80U);
}

} // namespace
} // namespace reelgate::fakes
