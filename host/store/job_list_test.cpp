// Pages of the history, held against what a plain loop over all jobs finds.
#include "host/store/job_list.hpp"

#include "host/store/store_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

namespace reelgate {
namespace {

using E = JobEvent;
using S = JobState;

class JobListTest : public StoreFixture {
protected:
    void SetUp() override { open(); }

    // Sixty jobs of all kinds, in the order of admission.
    void fill()
    {
        const std::vector<std::vector<E>> ways{
            {               },
            {E::picked       },
            {E::picked,        E::verdict_lost},
            {E::picked,                E::accepted},
            {E::picked,E::accepted, E::output_ready},
            {E::picked,        E::cancel_asked},
            {E::picked, E::accepted, E::output_ready, E::verified},
            {E::gave_up       },
            {E::cancel_asked               },
            {E::poisoned    },
        };
        std::vector<std::shared_ptr<std::optional<Result<Job>>>> waiting;
        for (int i = 0; i < 60; ++i) {
            const char* owner = pick({"anna", "bert", ""});
            const std::string prompt = std::string(pick({"a Cube", "a cone"})) + std::to_string(i);
            const Job job = created(order_of(prompt, owner));
            std::vector<Step> what = steps({});
            for (const E event : ways[random_() % ways.size()])
                what.push_back(step(event));
            const std::string provider = pick({"gpu0", "cloud"});
            if (what.size() > 1)
                what.front().edit = [provider](Job& it) {
                    it.attempts.emplace_back().provider = provider;
                };
            waiting.push_back(spawned(store->apply(job.id, std::move(what))));
            all_.push_back(job);
        }
        for (std::size_t i = 0; i < all_.size(); ++i) {
            while (!waiting[i]->has_value())
                turn();
            all_[i] = ***waiting[i];
        }
    }

    std::vector<JobId> expected(const JobFilter& filter) const
    {
        std::vector<JobId> ids;
        for (const Job& job : all_) {
            const bool has_state =
                filter.states.empty() ||
                std::count(filter.states.begin(), filter.states.end(), job.state);
            const std::string provider = job.attempts.empty() ? "" : job.attempts.back().provider;
            if (filter.owner.value_or(job.order.owner) == job.order.owner && has_state &&
                filter.provider.value_or(provider) == provider &&
                store::holds(job.order.wish.prompt, filter.text))
                ids.push_back(job.id);
        }
        if (filter.newest_first) std::reverse(ids.begin(), ids.end());
        return ids;
    }

    // All pages, one after the other.
    std::vector<JobId> paged(JobFilter filter)
    {
        std::vector<JobId> ids;
        while (true) {
            const auto page = wait(store->list(filter));
            EXPECT_TRUE(page) << page.error().sentence();
            if (!page) return ids;
            EXPECT_LE(page->jobs.size(), filter.limit);
            for (const Job& job : page->jobs) {
                ids.push_back(job.id);
                EXPECT_EQ(job, found(job.id));
            }
            if (!page->has_more) return ids;
            EXPECT_TRUE(page->next);
            filter.after = page->next;
        }
    }

    template <class T>
    T pick(std::initializer_list<T> from)
    {
        return from.begin()[random_() % from.size()];
    }

    std::mt19937 random_{7};
    std::vector<Job> all_;
};

TEST_F(JobListTest, HoldsWhatAPlainLoopFinds)
{
    fill();
    for (int round = 0; round < 300; ++round) {
        JobFilter filter;
        if (pick({true, false})) filter.owner = pick({"anna", "bert", "", "nobody"});
        if (pick({true, false})) filter.provider = pick({"gpu0", "cloud", "", "nowhere"});
        for (unsigned n = random_() % 4; n > 0; --n)
            filter.states.push_back(static_cast<S>(random_() % 10));
        filter.text = pick({"", "", "cube", "CONE1", "no such"});
        filter.newest_first = pick({true, false});
        filter.limit = pick<std::size_t>({1, 3, 7, 100});
        ASSERT_EQ(paged(filter), expected(filter)) << "round " << round;
    }
}

TEST_F(JobListTest, APageStaysWhereItIsWhileJobsCome)
{
    std::vector<JobId> ids;
    for (int i = 0; i < 6; ++i)
        ids.push_back(created(order_of(std::to_string(i))).id);
    JobFilter filter;
    filter.limit = 2;
    const auto first = wait(store->list(filter));
    ASSERT_TRUE(first);
    ASSERT_EQ(first->jobs.size(), 2U);
    EXPECT_EQ(first->next, ids[4]);
    created(order_of("newer"));
    applied(ids[3], steps({E::gave_up}));
    filter.after = first->next;
    const auto second = wait(store->list(filter));
    ASSERT_TRUE(second);
    ASSERT_EQ(second->jobs.size(), 2U);
    EXPECT_EQ(second->jobs[0].id, ids[3]);
    EXPECT_EQ(second->jobs[1].id, ids[2]);
    EXPECT_TRUE(second->has_more);
}

TEST_F(JobListTest, ATextThatIsRareIsLookedForPageByPage)
{
    std::vector<std::shared_ptr<std::optional<Result<Admitted>>>> waiting;
    for (int i = 0; i < 2100; ++i)
        waiting.push_back(spawned(store->create(order_of(i == 50 ? "needle" : "hay"), 1, {})));
    for (const auto& one : waiting)
        while (!one->has_value())
            turn();
    JobFilter filter;
    filter.text = "needle";
    const auto first = wait(store->list(filter));
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->jobs.empty());
    EXPECT_TRUE(first->has_more);
    EXPECT_TRUE(first->next);
    EXPECT_EQ(paged(filter).size(), 1U);
}

TEST_F(JobListTest, AnEmptyHistoryHasAnEmptyPage)
{
    const auto page = wait(store->list({}));
    ASSERT_TRUE(page);
    EXPECT_TRUE(page->jobs.empty());
    EXPECT_FALSE(page->has_more);
    EXPECT_FALSE(page->next);
}

TEST_F(JobListTest, APageAfterNobodyIsRefused)
{
    JobFilter filter;
    filter.after = JobId("video_none");
    const auto page = wait(store->list(filter));
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code, "video_not_found");
}

TEST(Holds, IsBlindToCaseInAscii)
{
    EXPECT_TRUE(store::holds("A Red CUBE", "red cube"));
    EXPECT_TRUE(store::holds("anything", ""));
    EXPECT_FALSE(store::holds("cub", "cube"));
    EXPECT_TRUE(store::holds("\xC3\xA4rger", "\xC3\xA4R"));
}

} // namespace
} // namespace reelgate
