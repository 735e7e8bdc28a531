// The job database: what a durable job costs beside a bare SQLite program, and how a long history
// weighs on the start and on a page of the list.
#include "host/store/job_rows.hpp"
#include "host/store/job_store.hpp"
#include "host/store/schema.hpp"
#include "tests/bench/table.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>

namespace reelgate::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kInFlight = 64;
constexpr int kRounds = 60;
constexpr std::int64_t kHistory = 1'000'000;
constexpr std::int64_t kQueued = 10'000;

template <class T>
T must(Result<T> result)
{
    if (!result) throw std::runtime_error(result.error().sentence());
    return *std::move(result);
}

JobOrder order_of(std::int64_t number)
{
    JobOrder order;
    order.wish.prompt = "a lighthouse on a cliff at dusk, waves below, gulls, the camera circles "
                        "slowly from left to right, take " +
                        std::to_string(number);
    order.wish.model = "wan-2.1";
    order.wish.size = FrameSize{832, 480};
    order.wish.seconds = 5;
    order.wish.seed = static_cast<std::uint64_t>(number);
    order.owner = number % 10 == 0 ? "anna" : "bert";
    return order;
}

// The store on a loop of its own.
class Store {
public:
    explicit Store(const std::filesystem::path& directory)
    {
        StoreOptions options;
        options.directory = directory;
        store_ = must(JobStore::open(loop_.get_executor(), clock_, options));
    }
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store()
    {
        tasks_.spawn(store_->close());
        loop_.restart();
        loop_.run();
    }

    JobStore& operator*() { return *store_; }

    // Runs `tasks` side by side until all are done.
    void run(std::vector<asio::awaitable<void>> tasks)
    {
        for (auto& task : tasks)
            work_.spawn(std::move(task));
        loop_.restart();
        while (work_.size() > 0)
            loop_.run_one();
    }

private:
    SystemClock clock_;
    asio::io_context loop_;
    TaskGroup tasks_{loop_.get_executor()};
    TaskGroup work_{loop_.get_executor()};
    std::unique_ptr<JobStore> store_;
};

// What a program does that knows nothing but SQLite: the text of a job in one table, as safe on
// disk.
class Bare {
public:
    explicit Bare(const std::filesystem::path& file)
    {
        sqlite3* made = nullptr;
        check(sqlite3_open(file.c_str(), &made));
        connection_.reset(made);
        run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE jobs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, state TEXT NOT NULL,"
            " created INTEGER NOT NULL, prompt TEXT NOT NULL, doc TEXT NOT NULL);");
        check(sqlite3_prepare_v2(connection_.get(),
                                 "INSERT INTO jobs (id, state, created, prompt, doc)"
                                 " VALUES (?, 'queued', 1, ?, ?)",
                                 -1,
                                 &insert_,
                                 nullptr));
    }
    Bare(const Bare&) = delete;
    Bare& operator=(const Bare&) = delete;
    ~Bare() { sqlite3_finalize(insert_); }

    void commit(int rows)
    {
        run("BEGIN IMMEDIATE");
        for (int i = 0; i < rows; ++i)
            insert();
        run("COMMIT");
    }

private:
    void check(int status) const
    {
        if (status != SQLITE_OK && status != SQLITE_DONE)
            throw std::runtime_error(sqlite3_errstr(status));
    }
    void run(const char* statements)
    {
        check(sqlite3_exec(connection_.get(), statements, nullptr, nullptr, nullptr));
    }
    void text(int at, const std::string& value)
    {
        check(sqlite3_bind_text(insert_, at, value.c_str(), -1, SQLITE_TRANSIENT));
    }
    void insert()
    {
        text(1, new_job_id().text);
        text(2, order_of(++number_).wish.prompt);
        text(3, std::string(160, 'd')); // as long as the documents of such a job
        check(sqlite3_step(insert_));
        check(sqlite3_reset(insert_));
    }

    struct Close {
        void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
    };
    std::unique_ptr<sqlite3, Close> connection_;
    sqlite3_stmt* insert_ = nullptr;
    std::int64_t number_ = 0;
};

asio::awaitable<void> create(JobStore& store, std::int64_t number, Samples& latencies)
{
    const auto began = std::chrono::steady_clock::now();
    auto order = order_of(number);
    const std::optional<IdempotencyKey> no_key;
    must(co_await store.create(std::move(order), 1, no_key));
    latencies.emplace_back(std::chrono::steady_clock::now() - began);
}

asio::awaitable<void> create_one_after_the_other(JobStore& store, int count, Samples& latencies)
{
    for (int i = 0; i < count; ++i)
        co_await create(store, i, latencies);
}

// Both write in turns, so that whatever else the disk does is shared.
Measured sixty_four_jobs(int rows_a_commit)
{
    const ScratchDir scratch;
    Bare bare(scratch / "bare.db");
    Store store(scratch / "store");
    Measured measured;
    Samples unused;
    for (int round = 0; round < kRounds; ++round) {
        const auto began = std::chrono::steady_clock::now();
        std::vector<asio::awaitable<void>> tasks;
        for (int i = 0; i < kInFlight; ++i)
            tasks.push_back(create(*store, i, unused));
        store.run(std::move(tasks));
        const auto between = std::chrono::steady_clock::now();
        for (int i = 0; i < kInFlight; i += rows_a_commit)
            bare.commit(rows_a_commit);
        measured.samples.emplace_back(between - began);
        measured.floor.emplace_back(std::chrono::steady_clock::now() - between);
    }
    return measured;
}

// How long each of them waits for its answer.
Measured one_of_sixty_four()
{
    const ScratchDir scratch;
    Store store(scratch / "store");
    Measured measured;
    std::vector<asio::awaitable<void>> tasks;
    for (int i = 0; i < kInFlight; ++i)
        tasks.push_back(create_one_after_the_other(*store, kRounds, measured.samples));
    store.run(std::move(tasks));
    return measured;
}

// History ----------------------------------------------------------------------------------------

Job old_job(std::int64_t number)
{
    Job job;
    job.id = new_job_id();
    job.revision = 4;
    job.order = order_of(number);
    job.created = job.changed = WallTime(std::chrono::seconds(1'700'000'000 + number));
    if (number >= kHistory) return job; // queued
    job.finished = job.created + 30s;
    job.expires = job.created + 720h;
    Attempt& attempt = job.attempts.emplace_back();
    attempt.provider = number % 100 == 0 ? "cloud" : "gpu0";
    attempt.request.prompt = job.order.wish.prompt;
    attempt.verdict = Verdict::accepted;
    attempt.started = job.created;
    job.state = number % 1000 == 0 ? JobState::cancelled
                : number % 20 == 0 ? JobState::failed
                                   : JobState::completed;
    if (job.state != JobState::completed) return job;
    job.artifact.emplace().files = {
        {"video", "ab/video.mp4", "video/mp4", std::string(64, 'a'), 1'000'000}
    };
    return job;
}

// A million jobs that have ended and ten thousand that wait, made once for all rows.
const std::filesystem::path& history()
{
    static const ScratchDir scratch;
    static const bool made = [] {
        store::Database database = must(store::open_for_writing(scratch.path()));
        must(database.run("PRAGMA synchronous = OFF; BEGIN"));
        for (std::int64_t seq = 1; seq < kHistory + kQueued; ++seq) {
            const Job job = old_job(seq);
            must(store::insert_job(database, seq, job));
            if (seq % 50'000 == 0) must(database.run("COMMIT; BEGIN"));
        }
        must(database.run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)"));
        return true;
    }();
    (void)made;
    return scratch.path();
}

// As after a boot: what the kernel holds of it is let go.
void forget(const std::filesystem::path& file)
{
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) throw std::runtime_error("no " + file.string());
    ::fdatasync(fd);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
}

Measured start_with_history()
{
    Measured measured;
    for (int i = 0; i < 10; ++i) {
        forget(history() / "jobs.db");
        const auto began = std::chrono::steady_clock::now();
        Store store(history());
        measured.samples.emplace_back(std::chrono::steady_clock::now() - began);
        if ((*store).live_jobs().size() != kQueued) throw std::runtime_error("jobs are missing");
    }
    return measured;
}

JobFilter some_filter(std::mt19937& random, const std::vector<JobId>& places)
{
    JobFilter filter;
    if (random() % 2 == 0) filter.owner = random() % 2 == 0 ? "anna" : "nobody";
    if (random() % 2 == 0) filter.provider = random() % 2 == 0 ? "cloud" : "nowhere";
    constexpr std::array kStates{
        JobState::queued, JobState::running, JobState::failed, JobState::cancelled};
    for (auto n = random() % 3; n > 0; --n)
        filter.states.push_back(kStates[random() % kStates.size()]);
    filter.newest_first = random() % 2 == 0;
    if (random() % 4 != 0) filter.after = places[random() % places.size()];
    filter.limit = random() % 2 == 0 ? 20 : 100;
    return filter;
}

asio::awaitable<void> list(JobStore& store, JobFilter filter, Samples& samples)
{
    const auto began = std::chrono::steady_clock::now();
    must(co_await store.list(std::move(filter)));
    samples.emplace_back(std::chrono::steady_clock::now() - began);
}

asio::awaitable<void> find_places(JobStore& store, std::vector<JobId>& places)
{
    for (const bool newest_first : {true, false}) {
        JobFilter all;
        all.newest_first = newest_first;
        for (int page = 0; page < 200; ++page) {
            all.limit = 1000;
            auto answer = must(co_await store.list(all));
            places.push_back(answer.jobs.at(answer.jobs.size() / 2).id);
            all.after = answer.next;
        }
    }
}

Measured pages(const std::string& text)
{
    Store store(history());
    std::vector<JobId> places;
    std::vector<asio::awaitable<void>> first;
    first.push_back(find_places(*store, places));
    store.run(std::move(first));
    std::mt19937 random(7); // NOLINT(cert-msc51-cpp): the same pages each time
    Measured measured;
    for (int i = 0; i < 1000; ++i) {
        std::vector<asio::awaitable<void>> one;
        JobFilter filter = some_filter(random, places);
        filter.text = text;
        one.push_back(list(*store, std::move(filter), measured.samples));
        store.run(std::move(one));
    }
    return measured;
}

} // namespace

std::vector<Row> store_rows()
{
    return {
        {"create",
         "64 jobs on disk, against 64 rows in one commit",                {},
         [] { return sixty_four_jobs(kInFlight); }                                                     },
        {"create_single",
         "64 jobs on disk, against 64 commits of a row",                  {},
         [] { return sixty_four_jobs(1); }                                                             },
        {"create_wait",   "a job on disk, 64 in flight",                  {},  one_of_sixty_four       },
        {"start",         "open, 1 000 000 jobs and 10 000 queued, cold", 1s,  start_with_history      },
        {"list",          "a page of any filter, 1 000 000 jobs",         5ms, [] { return pages(""); }},
        {"list_text",
         "a page of a rare text, 1 000 000 jobs",                         5ms,
         [] { return pages("no such text"); }                                                          },
    };
}

} // namespace reelgate::bench
