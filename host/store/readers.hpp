// Two connections that read, each used by one thread at a time.
#pragma once

#include "host/base/async.hpp"
#include "host/store/database.hpp"

#include <mutex>
#include <utility>
#include <vector>

namespace reelgate::store {

class Readers {
public:
    static constexpr std::size_t kConnections = 2;

    explicit Readers(std::vector<Database> idle) : pool_(kConnections), idle_(std::move(idle)) {}

    // Runs `work(Database&)` on the pool, inside one snapshot of the database.
    template <class Work>
    auto run(Work work) -> asio::awaitable<std::invoke_result_t<Work&, Database&>>
    {
        auto visit = [this, work = std::move(work)]() mutable {
            Database database = take();
            auto answer = inside_snapshot(database, work);
            give_back(std::move(database));
            return answer;
        };
        return on_pool(pool_, std::move(visit));
    }

    void join() { pool_.join(); }
    void close() { idle_.clear(); }

private:
    template <class Work>
    static std::invoke_result_t<Work&, Database&> inside_snapshot(Database& database, Work& work)
    {
        RG_CHECK(database.query("BEGIN").run());
        auto answer = work(database);
        auto ended = database.query("COMMIT").run();
        if (answer && !ended) return std::move(ended).error();
        return answer;
    }

    // There are as many connections as threads, so there is one left for each thread.
    Database take()
    {
        const std::lock_guard lock(mutex_);
        Database taken = std::move(idle_.back());
        idle_.pop_back();
        return taken;
    }
    void give_back(Database database)
    {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(database));
    }

    asio::thread_pool pool_;
    std::mutex mutex_;
    std::vector<Database> idle_;
};

} // namespace reelgate::store
