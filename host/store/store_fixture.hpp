// A store in a directory of the test's own, and the loop that it lives on.
#pragma once

#include "host/store/job_store.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace reelgate {

// Stands still until it is told.
class HandClock final : public Clock {
public:
    SteadyTime now() const override { return SteadyTime{} + passed; }
    WallTime wall() const override { return WallTime(std::chrono::hours(500'000)) + passed; }

    std::chrono::microseconds passed{0};
};

inline JobOrder order_of(std::string prompt, std::string owner = "anna")
{
    JobOrder order;
    order.wish.prompt = std::move(prompt);
    order.owner = std::move(owner);
    return order;
}

inline Step step(JobEvent event, std::function<void(Job&)> edit = {})
{
    return {.event = event, .edit = std::move(edit)};
}

inline std::vector<Step> steps(std::initializer_list<JobEvent> events)
{
    std::vector<Step> all;
    for (const JobEvent event : events)
        all.push_back(step(event));
    return all;
}

class StoreFixture : public testing::Test {
protected:
    void TearDown() override { close(); }

    StoreOptions options() const
    {
        StoreOptions made;
        made.directory = scratch / "store";
        made.keep_free_bytes = 0;
        made.retry_every = std::chrono::milliseconds(1);
        return made;
    }

    void open() { open(options()); }
    void open(StoreOptions how)
    {
        auto opened = JobStore::open(loop.get_executor(), clock, std::move(how));
        ASSERT_TRUE(opened) << opened.error().sentence();
        store = *std::move(opened);
    }
    void close()
    {
        if (!store) return;
        bool closed = false;
        tasks.spawn(closing(closed));
        until(closed);
        store.reset();
    }
    void reopen()
    {
        close();
        open();
    }

    template <class T>
    Result<T> wait(Task<T> task)
    {
        std::optional<Result<T>> answer;
        tasks.spawn(into(std::move(task), answer));
        while (!answer)
            turn();
        return *std::move(answer);
    }

    // Begins `task` and lets it go as far as it can without the disk.
    template <class T>
    std::shared_ptr<std::optional<Result<T>>> begin(Task<T> task)
    {
        auto answer = std::make_shared<std::optional<Result<T>>>();
        tasks.spawn(into_shared(std::move(task), answer));
        if (loop.stopped()) loop.restart();
        loop.poll();
        return answer;
    }

    // Begins `task` at the next turn.
    template <class T>
    std::shared_ptr<std::optional<Result<T>>> spawned(Task<T> task)
    {
        auto answer = std::make_shared<std::optional<Result<T>>>();
        tasks.spawn(into_shared(std::move(task), answer));
        return answer;
    }

    Job created(JobOrder order)
    {
        auto admitted = wait(store->create(std::move(order), 7, {}));
        EXPECT_TRUE(admitted) << admitted.error().sentence();
        return admitted ? std::move(admitted->job) : Job{};
    }
    Job applied(const JobId& id, std::vector<Step> what)
    {
        auto job = wait(store->apply(id, std::move(what)));
        EXPECT_TRUE(job) << job.error().sentence();
        return job ? *std::move(job) : Job{};
    }
    Job found(const JobId& id)
    {
        auto job = wait(store->find(id));
        EXPECT_TRUE(job) << job.error().sentence();
        return job ? *std::move(job) : Job{};
    }

    // One more thing that happens. The loop has nothing to do between two stores, and stops then.
    void turn()
    {
        if (loop.stopped()) loop.restart();
        loop.run_one();
    }

    ScratchDir scratch;
    HandClock clock;
    asio::io_context loop;
    TaskGroup tasks{loop.get_executor()};
    std::unique_ptr<JobStore> store;

private:
    asio::awaitable<void> closing(bool& closed)
    {
        co_await store->close();
        closed = true;
    }
    void until(const bool& done)
    {
        while (!done)
            turn();
    }
    template <class T>
    static asio::awaitable<void> into(Task<T> task, std::optional<Result<T>>& answer)
    {
        answer = co_await std::move(task);
    }
    template <class T>
    static asio::awaitable<void> into_shared(Task<T> task,
                                             std::shared_ptr<std::optional<Result<T>>> answer)
    {
        *answer = co_await std::move(task);
    }
};

} // namespace reelgate
