// A disk without room, a queue without room, and what is kept for how long.
#include "host/store/store_fixture.hpp"
#include "tests/fakes/full_disk.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using E = JobEvent;
using S = JobState;

class StoreLimitsTest : public StoreFixture {
protected:
    void SetUp() override { open(); }

    template <class Answer>
    void turns_until(const Answer& answer)
    {
        while (!answer->has_value())
            turn();
    }
    void turns_until_full(bool full)
    {
        while (store->is_full() != full)
            turn();
    }
};

TEST_F(StoreLimitsTest, ChangesWaitForRoomAndNewJobsAreRefused)
{
    const Job first = created(order_of("first"));
    const Job other = created(order_of("other"));
    std::shared_ptr<std::optional<Result<Job>>> change;
    std::shared_ptr<std::optional<Result<Job>>> second;
    {
        const FullDisk full;
        const auto refused = begin(store->create(order_of("refused"), 1, {}));
        change = begin(store->apply(first.id, steps({E::picked})));
        turns_until(refused);
        ASSERT_FALSE(**refused);
        EXPECT_EQ((*refused)->error().category, Category::storage_full);
        EXPECT_TRUE(store->is_full());
        EXPECT_FALSE(store->failure());
        // At once, and without asking the disk.
        const auto at_once = begin(store->create(order_of("refused"), 1, {}));
        ASSERT_TRUE(at_once->has_value());
        EXPECT_EQ((*at_once)->error().category, Category::storage_full);
        // The job goes on in memory, nobody is shown it, and nobody is answered.
        second = begin(store->apply(first.id, steps({E::accepted})));
        const auto with_it = begin(store->apply(other.id, steps({E::picked})));
        for (int i = 0; i < 20; ++i)
            turn();
        EXPECT_FALSE(change->has_value() || second->has_value() || with_it->has_value());
        EXPECT_EQ(store->live(first.id)->state, S::running);
        EXPECT_EQ(found(first.id).state, S::queued);
    }
    turns_until(change);
    turns_until(second);
    ASSERT_TRUE(**change && **second);
    EXPECT_EQ((*change)->operator->()->state, S::submitting);
    turns_until_full(false);
    created(order_of("again"));
    EXPECT_EQ(found(other.id).state, S::submitting);
    reopen();
    EXPECT_EQ(found(first.id).state, S::running);
    EXPECT_EQ(store->live_jobs().size(), 3U);
    const auto events = wait(store->events_after(0, 100));
    ASSERT_TRUE(events);
    EXPECT_EQ(events->size(), 6U) << "three created, three changed, each told once";
    EXPECT_EQ(events->back().cursor, 6U);
}

TEST_F(StoreLimitsTest, RoomIsSeenWithoutAnybodyAsking)
{
    {
        const FullDisk full;
        EXPECT_FALSE(wait(store->create(order_of("x"), 1, {})));
        EXPECT_TRUE(store->is_full());
    }
    turns_until_full(false);
    created(order_of("x"));
}

TEST_F(StoreLimitsTest, WhatStillWaitsAtTheEndFailsAndHasNotHappened)
{
    const Job job = created(order_of("x"));
    {
        const FullDisk full;
        const auto change = begin(store->apply(job.id, steps({E::picked})));
        const auto refused = begin(store->create(order_of("y"), 1, {}));
        turns_until(refused);
        EXPECT_FALSE(change->has_value());
        close();
        ASSERT_TRUE(change->has_value());
        EXPECT_EQ((*change)->error().category, Category::storage_full);
    }
    open();
    EXPECT_EQ(found(job.id), job);
}

TEST_F(StoreLimitsTest, AFullDiskAtTheStartIsSaidAndHarmsNothing)
{
    const Job job = created(order_of("x"));
    close();
    StoreOptions fresh = options();
    fresh.directory = scratch / "fresh";
    for (const StoreOptions& how : {options(), fresh}) {
        const FullDisk full;
        const auto opened = JobStore::open(loop.get_executor(), clock, how);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().category, Category::storage_full) << opened.error().sentence();
    }
    open(fresh);
    close();
    open();
    EXPECT_EQ(found(job.id), job);
}

TEST_F(StoreLimitsTest, SpaceIsKeptForTheJobsThatAreThere)
{
    const Job job = created(order_of("x"));
    close();
    StoreOptions careful = options();
    careful.keep_free_bytes = std::uint64_t{1} << 62U;
    open(careful);
    const auto refused = wait(store->create(order_of("y"), 1, {}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().category, Category::storage_full);
    EXPECT_TRUE(store->is_full());
    EXPECT_EQ(applied(job.id, steps({E::picked})).state, S::submitting);
    EXPECT_TRUE(wait(store->put_fact("a", "1")));
}

TEST_F(StoreLimitsTest, TooManyWaitingChangesRefuseANewJobOnly)
{
    close();
    StoreOptions small = options();
    small.queue_limit = 4;
    open(small);
    const Job job = created(order_of("x"));
    std::vector<std::shared_ptr<std::optional<Result<Admitted>>>> asked;
    for (int i = 0; i < 64; ++i)
        asked.push_back(spawned(store->create(order_of("y"), 1, {})));
    const auto change = spawned(store->apply(job.id, steps({E::picked})));
    std::size_t busy = 0;
    for (const auto& one : asked) {
        turns_until(one);
        if (**one) continue;
        ++busy;
        EXPECT_EQ((*one)->error().code, "store_busy");
        EXPECT_EQ((*one)->error().category, Category::worker_unavailable);
    }
    EXPECT_GE(busy, 1U);
    EXPECT_LT(busy, 64U);
    turns_until(change);
    EXPECT_TRUE(**change);
    EXPECT_EQ(store->live_jobs().size(), 1 + 64 - busy);
}

TEST_F(StoreLimitsTest, WhoStopsWaitingIsToldAndTheChangeIsMade)
{
    const Job job = created(order_of("x"));
    const auto change = spawned(store->apply(job.id, steps({E::picked})));
    loop.poll();
    tasks.stop();
    turns_until(change);
    ASSERT_FALSE(**change);
    EXPECT_EQ((*change)->error().category, Category::cancelled);
    created(order_of("y")); // whatever was handed in before is on disk now
    EXPECT_EQ(found(job.id).state, S::submitting);
}

// Idempotency keys -------------------------------------------------------------------------------

TEST_F(StoreLimitsTest, AKeyHasOneJob)
{
    const auto ask = [this](const char* owner, const char* key, const char* fingerprint) {
        return wait(store->create(order_of("x", owner), 1, IdempotencyKey{key, fingerprint}));
    };
    const auto first = ask("anna", "k1", "f1");
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->replayed);
    applied(first->job.id, steps({E::picked}));

    const auto again = ask("anna", "k1", "f1");
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->job.id, first->job.id);
    EXPECT_EQ(again->job.state, S::submitting) << "the job as it is now";

    const auto other_body = ask("anna", "k1", "f2");
    ASSERT_FALSE(other_body);
    EXPECT_EQ(other_body.error().category, Category::invalid_params);
    EXPECT_EQ(other_body.error().code, "idempotency_key_reused");

    const auto other_owner = ask("bert", "k1", "f2");
    ASSERT_TRUE(other_owner);
    EXPECT_FALSE(other_owner->replayed);
    EXPECT_EQ(store->live_jobs().size(), 2U);

    reopen();
    EXPECT_TRUE(ask("anna", "k1", "f1")->replayed);
}

TEST_F(StoreLimitsTest, TwoWhoAskAtOnceWithOneKeyGetOneJob)
{
    const IdempotencyKey key{"k", "f"};
    const auto one = spawned(store->create(order_of("x"), 1, key));
    const auto two = spawned(store->create(order_of("x"), 2, key));
    turns_until(one);
    turns_until(two);
    ASSERT_TRUE(**one && **two);
    EXPECT_NE((**one)->replayed, (**two)->replayed);
    EXPECT_EQ((**one)->job.id, (**two)->job.id);
    EXPECT_EQ(store->live_jobs().size(), 1U);
}

TEST_F(StoreLimitsTest, AKeyIsForgottenAfterItsTime)
{
    const IdempotencyKey key{"k", "f"};
    const auto first = wait(store->create(order_of("x"), 1, key));
    clock.passed += 24h - 1s;
    EXPECT_TRUE(wait(store->create(order_of("x"), 1, key))->replayed);
    clock.passed += 2s;
    const auto later = wait(store->create(order_of("x"), 1, IdempotencyKey{"k", "another"}));
    ASSERT_TRUE(later) << later.error().sentence();
    EXPECT_FALSE(later->replayed);
    EXPECT_NE(later->job.id, first->job.id);
}

TEST_F(StoreLimitsTest, TheKeyOfARemovedJobStaysUsed)
{
    const IdempotencyKey key{"k", "f"};
    const auto first = wait(store->create(order_of("x"), 1, key));
    applied(first->job.id, steps({E::gave_up}));
    ASSERT_TRUE(wait(store->remove(first->job.id)));
    const auto again = wait(store->create(order_of("x"), 1, key));
    ASSERT_FALSE(again) << "it was made once";
    EXPECT_EQ(again.error().code, "video_not_found");
}

// Events -----------------------------------------------------------------------------------------

TEST_F(StoreLimitsTest, OldEventsAreForgottenAndTheGapIsSeen)
{
    close();
    StoreOptions few = options();
    few.keep_events = 10;
    open(few);
    const Job job = created(order_of("x"));
    std::vector<Step> dance = steps({E::picked, E::refused});
    for (int i = 0; i < 9; ++i)
        dance.insert(dance.end(), dance.begin(), dance.begin() + 2);
    for (int i = 0; i < 60; ++i) // a thousand events and more
        applied(job.id, dance);
    const auto events = wait(store->events_after(0, 5000));
    ASSERT_TRUE(events);
    EXPECT_GT(events->front().cursor, 1U);
    EXPECT_EQ(events->back().cursor, store->newest_cursor());
    EXPECT_EQ(events->back().cursor, 1 + 60 * dance.size());
    for (std::size_t i = 1; i < events->size(); ++i)
        ASSERT_EQ((*events)[i].cursor, (*events)[i - 1].cursor + 1);
    EXPECT_LT(events->size(), 1100U);
    EXPECT_EQ(wait(store->events_after(store->newest_cursor(), 10))->size(), 0U);
    EXPECT_EQ(wait(store->events_after(~std::uint64_t{0}, 10))->size(), 0U);
}

// Money and expiry -------------------------------------------------------------------------------

Attempt paid(WallTime when, std::int64_t reserved, std::optional<std::int64_t> settled)
{
    Attempt attempt;
    attempt.started = when;
    attempt.provider = "cloud";
    attempt.reserved = {reserved};
    if (settled) attempt.settled = Money{*settled};
    return attempt;
}

TEST_F(StoreLimitsTest, SumsWhatIsReservedAndWhatIsSettled)
{
    const auto spend = [this](const char* owner, const Attempt& attempt) {
        const Job job = created(order_of("x", owner));
        const auto edit = [&](Job& it) { it.attempts.push_back(attempt); };
        applied(job.id, {step(E::picked, edit)});
        return job.id;
    };
    const WallTime noon = clock.wall();
    spend("anna", paid(noon - 1h, 100, 90));
    spend("anna", paid(noon, 200, {}));
    spend("bert", paid(noon + 1h, 400, 0));
    const JobId open_one = spend("bert", paid(noon + 1h, 800, {}));
    spend("bert", paid(noon, 0, {}));

    const auto sum = [this](std::optional<std::string> owner, WallTime from) {
        const auto found = wait(store->spent(std::move(owner), from));
        EXPECT_TRUE(found);
        return std::pair(found->reserved.micros, found->settled.micros);
    };
    EXPECT_EQ(sum({}, WallTime{}), std::pair(1000L, 90L));
    EXPECT_EQ(sum({}, noon), std::pair(1000L, 0L));
    EXPECT_EQ(sum("anna", WallTime{}), std::pair(200L, 90L));
    EXPECT_EQ(sum("anna", noon + 1s), std::pair(0L, 0L));
    EXPECT_EQ(sum("bert", noon), std::pair(800L, 0L));
    EXPECT_EQ(sum("nobody", WallTime{}), std::pair(0L, 0L));
    ASSERT_TRUE(wait(store->note(open_one, [](Job& it) { it.current()->settled = Money{700}; })));
    EXPECT_EQ(sum("bert", noon), std::pair(0L, 700L));
}

TEST_F(StoreLimitsTest, FindsWhatHasExpired)
{
    const auto end = [this](std::optional<std::chrono::hours> keep, bool files) {
        const Job job = created(order_of("x"));
        applied(job.id, steps({E::picked, E::accepted, E::output_ready}));
        const auto edit = [&](Job& it) {
            if (keep) it.expires = clock.wall() + *keep;
            it.artifact.emplace();
            if (files)
                it.artifact->files = {
                    {"video", "ab/x.mp4", "video/mp4", "00", 1}
                };
        };
        applied(job.id, {step(E::verified, edit)});
        return job.id;
    };
    const JobId second = end(2h, true);
    const JobId first = end(1h, true);
    end(1h, false);
    end({}, true);
    end(9h, true);
    const WallTime later = clock.wall() + 3h;
    const auto ids = [&](WallTime now, std::size_t limit) {
        std::vector<JobId> found;
        const auto expired = wait(store->expired(now, limit));
        EXPECT_TRUE(expired);
        for (const Job& job : *expired)
            found.push_back(job.id);
        return found;
    };
    EXPECT_THAT(ids(clock.wall(), 10), testing::IsEmpty());
    EXPECT_THAT(ids(later, 10), testing::ElementsAre(first, second));
    EXPECT_THAT(ids(later, 1), testing::ElementsAre(first));
    ASSERT_TRUE(wait(store->note(first, [](Job& it) { it.artifact->files.clear(); })));
    EXPECT_THAT(ids(later, 10), testing::ElementsAre(second));
}

TEST_F(StoreLimitsTest, FindsWhatWasDeletedAndIsStillThere)
{
    const auto hidden = [this](std::initializer_list<E> events) {
        const Job job = created(order_of("x"));
        EXPECT_TRUE(wait(store->note(job.id, [](Job& it) { it.deleted = true; })));
        applied(job.id, steps(events));
        return job.id;
    };
    const JobId first = hidden({E::cancel_asked});
    const JobId second = hidden({E::cancel_asked});
    hidden({E::picked}); // lives
    applied(created(order_of("x")).id, steps({E::cancel_asked}));
    const auto ids = [&](std::size_t limit) {
        std::vector<JobId> found;
        const auto deleted = wait(store->deleted(limit));
        EXPECT_TRUE(deleted);
        for (const Job& job : *deleted)
            found.push_back(job.id);
        return found;
    };
    EXPECT_THAT(ids(10), testing::ElementsAre(first, second));
    EXPECT_THAT(ids(1), testing::ElementsAre(first));
    reopen();
    EXPECT_THAT(ids(10), testing::ElementsAre(first, second));
    ASSERT_TRUE(wait(store->remove(first)));
    EXPECT_THAT(ids(10), testing::ElementsAre(second));
}

} // namespace
} // namespace reelgate
