#include "host/plugin/oom_kills.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <ostream>

namespace reelgate {
namespace {

struct CountRow {
    const char* name;
    const char* text;
    std::optional<std::uint64_t> count;
};
void PrintTo(const CountRow& row, std::ostream* out) { *out << row.name; }

class Count : public testing::TestWithParam<CountRow> {};

TEST_P(Count, IsTheNumberOnALineOfItsOwn)
{
    EXPECT_EQ(oom_kills_in(GetParam().text), GetParam().count);
}

INSTANTIATE_TEST_SUITE_P(
    Rows,
    Count,
    testing::Values(
        CountRow{"memory_events", "low 0\nhigh 7\nmax 9\noom 3\noom_kill 2\noom_group_kill 1\n", 2},
        CountRow{"oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5", 5},
        CountRow{"vmstat", "nr_free_pages 10\noom_kill 0\nnuma_hit 4\n", 0},
        CountRow{"only_longer_names", "oom_kill_disable 1\noom_group_kill 4\n", std::nullopt},
        CountRow{"no_number", "oom_kill many\n", std::nullopt},
        CountRow{"more_than_a_number", "oom_kill 3 4\n", std::nullopt},
        CountRow{"too_large", "oom_kill 99999999999999999999\n", std::nullopt},
        CountRow{"empty", "", std::nullopt}),
    [](const auto& row) { return row.param.name; });

struct GroupRow {
    const char* name;
    const char* groups;
    std::vector<std::string> counters; // before that of the whole machine
};
void PrintTo(const GroupRow& row, std::ostream* out) { *out << row.name; }

class Counters : public testing::TestWithParam<GroupRow> {};

TEST_P(Counters, BeginWithTheGroupAndEndWithTheMachine)
{
    std::vector<std::string> expected = GetParam().counters;
    expected.emplace_back("/proc/vmstat");
    std::vector<std::string> found;
    for (const auto& counter : oom_counters(GetParam().groups))
        found.push_back(counter.string());
    EXPECT_EQ(found, expected);
}

INSTANTIATE_TEST_SUITE_P(
    Rows,
    Counters,
    testing::Values(
        GroupRow{
            "version_2",
            "0::/system.slice/reelgate.service\n",
            {"/sys/fs/cgroup/system.slice/reelgate.service/memory.events"}
},
        GroupRow{"version_1",
                 "5:devices:/\n4:memory:/user/me\n1:cpu,cpuacct:/\n",
                 {"/sys/fs/cgroup/memory/user/me/memory.oom_control"}},
        GroupRow{"both",
                 "4:memory:/m\n0::/u\n",
                 {"/sys/fs/cgroup/memory/m/memory.oom_control", "/sys/fs/cgroup/u/memory.events"}},
        GroupRow{"a_colon_in_a_name", "0::/a:b\n", {"/sys/fs/cgroup/a:b/memory.events"}},
        GroupRow{"none", "", {}},
        GroupRow{"rubbish", "\n::\nmemory\n", {}}),
    [](const auto& row) { return row.param.name; });

// Every Linux counts for the machine, at least.
TEST(OomKills, CountsFromTheMomentItWasMade)
{
    OomKills kills(::getpid());
    ASSERT_TRUE(kills.since());
    EXPECT_LT(*kills.since(), 1000U) << "that is not since then";
    kills.forget();
    EXPECT_TRUE(kills.since());
}

// A process that is gone has no group, and the machine still counts.
TEST(OomKills, OfAProcessThatIsGoneAreTheMachines)
{
    const OomKills kills(-1);
    EXPECT_TRUE(kills.since());
}

} // namespace
} // namespace reelgate
