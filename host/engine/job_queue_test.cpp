// The order of the queue is that of sorting it, and costs nothing to keep.
#include "host/engine/job_queue.hpp"
#include "host/engine/waitlist.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace reelgate {
namespace {

using namespace std::chrono_literals;

const WallTime kNow = WallTime{} + std::chrono::hours(400'000);

JobQueue::Entry entry(std::string id, WallTime::duration age, std::string owner, Priority priority)
{
    return {kNow - age, JobId(std::move(id)), std::move(owner), priority};
}

std::vector<std::string> walked(const JobQueue& queue, WallTime now = kNow)
{
    std::vector<std::string> ids;
    JobQueue::Walk walk(queue, now);
    while (const JobId* id = walk.next())
        ids.push_back(id->text);
    return ids;
}

// The definition: sorted by class, by how many of the same owner and class stand before, by age.
std::vector<std::string> sorted(std::vector<JobQueue::Entry> all, WallTime now)
{
    std::sort(
        all.begin(), all.end(), [](const auto& a, const auto& b) { return a.age() < b.age(); });
    std::map<std::pair<std::string, int>, int> rounds;
    std::vector<std::tuple<int, int, WallTime, std::string>> keys;
    for (const auto& one : all) {
        const auto steps = std::min<long>((now - one.created) / kAgeingStep, 2);
        const int priority = std::max(static_cast<int>(one.priority) - static_cast<int>(steps), 0);
        keys.emplace_back(priority, rounds[{one.owner, priority}]++, one.created, one.id.text);
    }
    std::sort(keys.begin(), keys.end());
    std::vector<std::string> ids;
    for (const auto& key : keys)
        ids.push_back(std::get<3>(key));
    return ids;
}

TEST(JobQueue, TakesOneJobOfEachOwnerInTurn)
{
    JobQueue queue;
    for (const char* id : {"a1", "a2", "a3"})
        queue.insert(entry(id, 5s, "a", Priority::normal));
    queue.insert(entry("b1", 1s, "b", Priority::normal));
    queue.insert(entry("now", 0s, "c", Priority::interactive));
    queue.insert(entry("bulk", 9min, "c", Priority::bulk));
    EXPECT_EQ(walked(queue), (std::vector<std::string>{"now", "a1", "b1", "a2", "a3", "bulk"}));
    EXPECT_EQ(walked(queue, kNow + 1min),
              (std::vector<std::string>{"now", "bulk", "a1", "b1", "a2", "a3"}))
        << "bulk has aged into the class of normal work, and is the oldest there";
}

TEST(JobQueue, IsInTheOrderOfSortingWhateverCameAndWent)
{
    std::mt19937 random(7);
    const auto below = [&](unsigned n) { return random() % n; };
    for (int world = 0; world < 50; ++world) {
        JobQueue queue;
        std::vector<JobQueue::Entry> all;
        for (unsigned i = 0; i < 60; ++i) {
            all.push_back(entry("job" + std::to_string(below(10'000)) + '_' + std::to_string(i),
                                std::chrono::seconds(below(2400)),
                                std::string(1, static_cast<char>('a' + below(4))),
                                static_cast<Priority>(below(3))));
            queue.insert(all.back());
            queue.insert(all.back()); // once is enough
            if (below(3) != 0) continue;
            const std::size_t gone = below(static_cast<unsigned>(all.size()));
            queue.erase(all[gone].id);
            all.erase(all.begin() + static_cast<std::ptrdiff_t>(gone));
        }
        ASSERT_EQ(queue.size(), all.size());
        for (const auto later : {0s, 400s, 1300s})
            ASSERT_EQ(walked(queue, kNow + later), sorted(all, kNow + later)) << world;
        std::sort(
            all.begin(), all.end(), [](const auto& a, const auto& b) { return a.age() < b.age(); });
        JobAges ages;
        for (const auto& one : all)
            ages.insert(queue.find(one.id));
        for (std::size_t i = 0; i < all.size(); ++i)
            ASSERT_EQ(ages.position(queue.find(all[i].id)), i);
    }
}

Job job(std::string id)
{
    Job job;
    job.id = JobId(std::move(id));
    job.created = kNow;
    return job;
}

std::vector<std::string> texts(const std::vector<JobId>& ids)
{
    std::vector<std::string> out;
    for (const JobId& id : ids)
        out.push_back(id.text);
    return out;
}

TEST(Waitlist, WhoHasBeenLookedAtWaitsForHisTimeOrForAnotherWorld)
{
    Waitlist list;
    for (const char* id : {"a", "b", "c"})
        list.add(job(id));
    using Ids = std::vector<std::string>;
    EXPECT_EQ(texts(list.next_due(9, kNow)), (Ids{"a", "b", "c"})) << "nobody has been looked at";
    for (const char* id : {"a", "b", "c"})
        list.note(JobId(id), {.until = kNow + 1min});
    list.note(JobId("b"), {.until = kNow + 10s});
    list.caught_up();
    EXPECT_FALSE(list.is_behind());
    EXPECT_EQ(list.earliest(), kNow + 10s);
    EXPECT_EQ(texts(list.next_due(9, kNow)), Ids{});
    EXPECT_EQ(texts(list.next_due(9, kNow + 10s)), Ids{"b"});
    EXPECT_EQ(texts(list.next_due(9, kNow + 10s)), Ids{"b"}) << "until it has been looked at";
    list.add(job("d"));
    EXPECT_EQ(texts(list.next_due(1, kNow + 10s)), Ids{"b"});
    EXPECT_EQ(texts(list.next_due(9, kNow + 10s)), (Ids{"b", "d"}));
    list.note(JobId("b"), {});
    list.note(JobId("d"), {});
    list.world_changed();
    EXPECT_TRUE(list.is_behind());
    EXPECT_EQ(texts(list.next_behind(2, kNow)), (Ids{"a", "b"}));
    list.note(JobId("a"), {});
    list.drop(JobId("b"));
    EXPECT_EQ(texts(list.next_behind(9, kNow)), (Ids{"c", "d"}));
    EXPECT_EQ(list.noted(JobId("b")), std::nullopt);
    list.drop(JobId("c"));
    EXPECT_EQ(list.earliest(), std::nullopt);
}

// Looks at everybody, so many at a time; the answer is how many were looked at.
std::size_t pass(Waitlist& list, std::size_t at_a_time)
{
    std::size_t looked = 0;
    while (list.is_behind()) {
        const std::vector<JobId> next = list.next_behind(at_a_time, kNow);
        for (const JobId& id : next)
            list.note(id, {.until = kNow + 1min});
        looked += next.size();
        if (next.size() < at_a_time) list.caught_up();
    }
    return looked;
}

TEST(Waitlist, APassCostsAsManyStepsAsJobsAreLookedAt)
{
    constexpr std::size_t kJobs = 2000;
    Waitlist list;
    for (std::size_t i = 0; i < kJobs; ++i)
        list.add(job("job" + std::to_string(i)));
    EXPECT_EQ(pass(list, 64), kJobs);
    EXPECT_EQ(list.steps(), kJobs);
    list.world_changed();
    EXPECT_EQ(pass(list, 64), kJobs) << "everybody again, who was noted as well";
    EXPECT_EQ(list.steps(), 2 * kJobs);
}

TEST(Waitlist, AChangeInAPassCostsNoMoreStepsThanThePassHasMade)
{
    constexpr std::size_t kJobs = 2000;
    Waitlist list;
    for (std::size_t i = 0; i < kJobs; ++i)
        list.add(job("job" + std::to_string(i)));
    for (int change = 0; change < 100; ++change) {
        for (const JobId& id : list.next_behind(64, kNow))
            list.note(id, {.until = kNow + 1min});
        list.world_changed();
    }
    EXPECT_EQ(list.steps(), 100U * 2 * 64);
    EXPECT_EQ(texts(list.next_over(9, kNow)), std::vector<std::string>{});
    EXPECT_EQ(list.next_over(99, kNow + 1min).size(), 64U) << "each time it began at the head";
    EXPECT_EQ(pass(list, 64), kJobs);
}

TEST(Waitlist, WhoIsNewIsDueButNotOverdue)
{
    Waitlist list;
    for (const char* id : {"a", "b"})
        list.add(job(id));
    using Ids = std::vector<std::string>;
    EXPECT_EQ(texts(list.next_over(9, kNow)), Ids{});
    EXPECT_EQ(list.position(JobId("b")), 1U);
    EXPECT_EQ(texts(list.next_due(9, kNow)), (Ids{"a", "b"}));
    list.note(JobId("a"), {});
    list.drop(JobId("b"));
    EXPECT_EQ(texts(list.next_due(9, kNow)), Ids{});
    EXPECT_EQ(list.position(JobId("b")), std::nullopt);
    EXPECT_FALSE(list.empty());
    list.look_again();
    EXPECT_EQ(texts(list.next_due(9, kNow)), Ids{"a"});
}

} // namespace
} // namespace reelgate
