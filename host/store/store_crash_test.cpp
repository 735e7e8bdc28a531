// A process that makes and changes jobs as fast as it can is killed again and again. Whatever it
// was answered is there afterwards, and each job stands before a change or after it, never between.
#include "host/base/fd.hpp"
#include "host/store/store_fixture.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <string_view>

namespace reelgate {
namespace {

using E = JobEvent;
using S = JobState;

constexpr int kKills = 25;
constexpr int kAtOnce = 8; // coroutines of the process, so that a commit holds several changes

// The process ----------------------------------------------------------------------------------

void say(const std::string& line)
{
    const std::string text = line + "\n"; // short enough to arrive whole
    if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) std::abort();
}

// Three changes of each job, each said once it is answered.
asio::awaitable<void> make_jobs(JobStore& store, int who)
{
    for (int i = 0;; ++i) {
        const std::string key =
            std::to_string(::getpid()) + "-" + std::to_string(who) + "-" + std::to_string(i);
        const IdempotencyKey once{key, "f"};
        auto order = order_of("a film for " + key);
        const auto admitted = co_await store.create(std::move(order), 1, once);
        if (!admitted) std::abort();
        const JobId id = admitted->job.id;
        say("1 " + id.text + " " + key);

        if (!co_await store.record_route(id, "\"" + key + "\"")) std::abort();
        std::vector<Step> begin = steps({E::picked, E::accepted});
        begin[0].edit = [key](Job& job) {
            job.attempts.emplace_back().provider = "p";
            job.current()->request.prompt = key;
        };
        if (!co_await store.apply(id, std::move(begin))) std::abort();
        say("2 " + id.text + " " + key);

        std::vector<Step> end = steps({E::output_ready, E::verified});
        end[1].edit = [key](Job& job) {
            job.artifact.emplace().files = {
                {key, "", "", "", 1}
            };
        };
        if (!co_await store.apply(id, std::move(end))) std::abort();
        say("3 " + id.text + " " + key);
    }
}

int work(const char* directory)
{
    const SystemClock clock;
    asio::io_context loop;
    StoreOptions options;
    options.directory = directory;
    options.keep_free_bytes = 0;
    options.keep_events = 1'000'000;
    auto opened = JobStore::open(loop.get_executor(), clock, options);
    if (!opened) {
        std::cerr << opened.error().sentence() << '\n';
        return 1;
    }
    TaskGroup tasks(loop.get_executor());
    for (int who = 0; who < kAtOnce; ++who)
        tasks.spawn(make_jobs(**opened, who));
    loop.run();
    return 1; // it is killed before
}

// The test -------------------------------------------------------------------------------------

struct Known {
    unsigned changes = 0; // that were answered
    std::string key;
};

class StoreCrashTest : public StoreFixture {
protected:
    // Runs the process until it has said `lines` of them.
    void run_and_kill(int lines)
    {
        int ends[2] = {-1, -1};
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        Fd reading(ends[0]);
        Fd writing(ends[1]);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
        std::string program = "/proc/self/exe";
        std::string option = "--work";
        std::string directory = options().directory.string();
        char* words[] = {program.data(), option.data(), directory.data(), nullptr};
        pid_t child = -1;
        ASSERT_EQ(::posix_spawn(&child, program.c_str(), &actions, nullptr, words, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        writing.reset();

        std::string said;
        char block[512];
        ssize_t got = 1;
        while (std::count(said.begin(), said.end(), '\n') < lines && got > 0) {
            got = ::read(reading.get(), block, sizeof block);
            if (got > 0) said.append(block, static_cast<std::size_t>(got));
        }
        ::kill(child, SIGKILL);
        while ((got = ::read(reading.get(), block, sizeof block)) > 0)
            said.append(block, static_cast<std::size_t>(got));
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
        remember(said);
    }

    void remember(const std::string& said)
    {
        std::istringstream lines(said);
        unsigned changes = 0;
        std::string id;
        std::string key;
        while (lines >> changes >> id >> key)
            known_[JobId(id)] = {changes, key};
    }

    // Each job as it may stand after so many changes, with its rows.
    void expect_whole(const Job& job, const std::vector<std::optional<E>>& events)
    {
        const std::vector<std::optional<E>> story{
            std::nullopt, E::picked, E::accepted, E::output_ready, E::verified};
        ASSERT_GE(job.revision, 1U);
        ASSERT_LE(job.revision, 3U);
        const std::size_t told = 2 * job.revision - 1;
        EXPECT_EQ(events, std::vector(story.begin(), story.begin() + std::ptrdiff_t(told)));
        EXPECT_EQ(job.state, (std::array{S::queued, S::running, S::completed})[job.revision - 1]);
        EXPECT_EQ(job.attempts.size(), job.revision > 1 ? 1U : 0U);
        EXPECT_EQ(job.artifact.has_value(), job.revision == 3);
        const auto at = job.order.wish.prompt.rfind(' ') + 1;
        const std::string key = job.order.wish.prompt.substr(at);
        if (job.revision > 1) {
            EXPECT_EQ(job.attempts[0].request.prompt, key);
            const auto routes = wait(store->routes(job.id));
            ASSERT_TRUE(routes);
            EXPECT_EQ(*routes, std::vector{"\"" + key + "\""});
        }
        if (job.revision == 3) {
            EXPECT_EQ(job.artifact->files.at(0).role, key);
        }
    }

    void look_at_everything()
    {
        std::map<JobId, std::vector<std::optional<E>>> stories;
        const auto events = wait(store->events_after(0, 1'000'000));
        ASSERT_TRUE(events);
        for (std::size_t i = 0; i < events->size(); ++i) {
            ASSERT_EQ((*events)[i].cursor, i + 1);
            stories[(*events)[i].job].push_back((*events)[i].event);
        }
        JobFilter all;
        all.limit = 1'000'000;
        const auto page = wait(store->list(all));
        ASSERT_TRUE(page) << page.error().sentence();
        EXPECT_EQ(page->jobs.size(), stories.size());
        std::map<JobId, std::uint64_t> revisions;
        for (const Job& job : page->jobs) {
            expect_whole(job, stories[job.id]);
            revisions[job.id] = job.revision;
        }
        for (const auto& [id, told] : known_)
            EXPECT_GE(revisions[id], told.changes) << id.text << " was answered and is lost";
    }

    void expect_key_is_known()
    {
        if (known_.empty()) return;
        const auto& [id, told] = *known_.rbegin();
        const IdempotencyKey once{told.key, "f"};
        const auto again = wait(store->create(order_of("again"), 1, once));
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->replayed);
        EXPECT_EQ(again->job.id, id);
    }

    std::map<JobId, Known> known_;
};

TEST_F(StoreCrashTest, LosesNothingThatWasAnsweredAndShowsNothingHalf)
{
    clock.passed = std::chrono::duration_cast<std::chrono::microseconds>(
        SystemClock().wall() - HandClock().wall()); // the keys are as old as they are
    std::mt19937 random(std::random_device{}());
    for (int kill = 0; kill < kKills && !HasFailure(); ++kill) {
        // None: while it opens what the one before left.
        run_and_kill(kill % 5 == 4 ? 0 : static_cast<int>(random() % 100));
        open();
        look_at_everything();
        expect_key_is_known();
        close();
    }
    EXPECT_GT(known_.size(), std::size_t{kKills});
}

} // namespace

int run(int argc, char** argv)
{
    if (argc == 3 && std::string_view(argv[1]) == "--work") return work(argv[2]);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}

} // namespace reelgate

int main(int argc, char** argv) { return reelgate::run(argc, argv); }
