#include "host/store/job_store.hpp"

#include "host/store/commit_queue.hpp"
#include "host/store/directory_lock.hpp"
#include "host/store/job_list.hpp"
#include "host/store/readers.hpp"
#include "host/store/schema.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <unordered_map>
#include <utility>

namespace reelgate {
namespace {

using store::Change;
using store::CommitQueue;
using store::Written;

// A job in memory: a live one, or a final one on which a change waits.
struct Entry {
    std::int64_t seq = 0;
    std::shared_ptr<const Job> newest;  // what has been handed to the writer
    std::shared_ptr<const Job> on_disk; // what readers are shown
    unsigned pending = 0;               // changes between the two
};

Error illegal(const Job& job, JobEvent event)
{
    Error error = internal_error(to_string(job.id) + " is " + std::string(to_string(job.state)) +
                                 ": " + std::string(to_string(event)) + " cannot happen to it");
    error.code = "illegal_event";
    error.phase = Phase::store;
    return error;
}

Error full_now()
{
    return Error{.category = Category::storage_full,
                 .text = "the disk of the job database is full",
                 .code = "store_full",
                 .hint = "make room on the disk",
                 .phase = Phase::store};
}

Error too_many()
{
    return Error{.category = Category::worker_unavailable,
                 .text = "too many changes wait for the disk",
                 .code = "store_busy",
                 .phase = Phase::admit,
                 .retry_after = std::chrono::seconds(1)};
}

Error not_final(const Job& job)
{
    return invalid(to_string(job.id) + " is " + std::string(to_string(job.state)) +
                       " and cannot be removed",
                   "job_not_final");
}

// The disk knows microseconds; memory shall not know better.
WallTime on_disk_time(WallTime time)
{
    return std::chrono::time_point_cast<std::chrono::microseconds>(time);
}

// One event on `job`, with what comes along.
Result<Done> take_step(Job& job, const Step& step, WallTime now)
{
    const auto state = next(job.state, step.event);
    if (!state) return illegal(job, step.event);
    job.state = *state;
    job.finished.reset();
    if (is_final(*state)) job.finished = now;
    if (step.edit) step.edit(job);
    return Done{};
}

class SqliteJobStore final : public JobStore {
public:
    SqliteJobStore(asio::any_io_executor loop,
                   const Clock& clock,
                   const StoreOptions& options,
                   Fd lock,
                   store::BatchWriter writer,
                   std::vector<store::Database> readers)
        : lock_(std::move(lock)), clock_(clock), queue_limit_(options.queue_limit),
          newest_cursor_(writer.newest_cursor()), readers_(std::move(readers)),
          queue_(loop,
                 clock,
                 std::move(writer),
                 options.retry_every,
                 [this](const Change& change, const Result<Written>& written) {
                     std::visit([&](const auto& what) { settled(what, written); }, change);
                 })
    {
    }

    void start(std::vector<store::JobRow> live)
    {
        for (store::JobRow& row : live) {
            auto job = std::make_shared<const Job>(std::move(row.job));
            remember({.seq = row.seq, .newest = job, .on_disk = job});
        }
        queue_.start();
    }

    void on_change(Listener listener) override { listeners_.push_back(std::move(listener)); }
    void on_room(std::function<void()> listener) override { queue_.on_room = std::move(listener); }

    Task<Admitted>
    create(JobOrder order, std::uint64_t seed, std::optional<IdempotencyKey> key) override;
    Task<Job> apply(JobId id, std::vector<Step> steps) override;
    Task<Job> note(JobId id, std::function<void(Job&)> edit) override;
    const Job* live(const JobId& id) const override;
    std::vector<const Job*> live_jobs() const override;
    Task<Job> find(JobId id) override;
    Task<JobPage> list(JobFilter filter) override;
    Task<std::vector<StoredEvent>> events_after(std::uint64_t cursor, std::size_t limit) override;
    std::uint64_t newest_cursor() const override { return newest_cursor_; }
    Task<Done> record_route(JobId id, std::string record_json) override;
    Task<std::vector<std::string>> routes(JobId id) override;
    Task<Done> remove(JobId id) override;
    Task<std::vector<Job>> expired(WallTime now, std::size_t limit) override;
    Task<std::vector<Job>> deleted(std::size_t limit) override;
    Task<LedgerSum> spent(std::optional<std::string> owner, WallTime from) override;
    Task<Done> put_fact(std::string name, std::string json) override;
    Task<std::optional<std::string>> fact(std::string name) override;
    bool is_full() const override { return queue_.is_full(); }
    std::optional<Error> failure() const override { return queue_.failure(); }
    asio::awaitable<void> close() override;

private:
    void remember(Entry entry);
    void drop_if_idle(const JobId& id);
    Task<Entry*> bring(JobId id);
    Task<Job> change(JobId id, std::vector<Step> steps, bool is_note);
    Task<Job> hand_in(Entry& entry, std::shared_ptr<Job> after, std::vector<StoredEvent> events);

    // What the queue says of each change, in order.
    void settled(const store::CreateJob& created, const Result<Written>& written);
    void settled(const store::UpdateJob& update, const Result<Written>& written);
    template <class Other>
    void settled(const Other&, const Result<Written>&)
    {
    }
    void tell(const Job& job, const std::vector<StoredEvent>& events);

    Fd lock_; // given back when all else is gone
    const Clock& clock_;
    std::size_t queue_limit_;
    std::uint64_t newest_cursor_;
    std::vector<Listener> listeners_;
    std::unordered_map<JobId, Entry> entries_;
    std::map<std::int64_t, JobId> by_age_;
    std::unordered_map<JobId, unsigned> being_read_; // their entries must not be dropped
    store::Readers readers_;
    CommitQueue queue_; // last: it calls back
};

// Memory -----------------------------------------------------------------------------------------

void SqliteJobStore::remember(Entry entry)
{
    const JobId id = entry.newest->id;
    by_age_.emplace(entry.seq, id);
    entries_.insert_or_assign(id, std::move(entry));
}

// A final job stays only while something is happening to it.
void SqliteJobStore::drop_if_idle(const JobId& id)
{
    const auto found = entries_.find(id);
    if (found == entries_.end() || being_read_.contains(id)) return;
    if (found->second.pending > 0 || !is_final(found->second.newest->state)) return;
    by_age_.erase(found->second.seq);
    entries_.erase(found);
}

// The entry of any job, from memory or from disk. Between the answer and the use nothing is
// awaited. Whoever else changes the job meanwhile leaves the entry in memory, because what was read
// here may be older.
Task<Entry*> SqliteJobStore::bring(JobId id)
{
    if (const auto found = entries_.find(id); found != entries_.end()) co_return &found->second;
    ++being_read_[id];
    auto read = [id](store::Database& database) -> Result<std::optional<store::JobRow>> {
        RG_TRY(const auto seq, store::seq_of(database, id));
        if (!seq) return std::optional<store::JobRow>{};
        return store::read_job(database, *seq);
    };
    auto row = co_await readers_.run(std::move(read));
    if (--being_read_[id] == 0) being_read_.erase(id);
    if (const auto found = entries_.find(id); found != entries_.end()) co_return &found->second;
    if (!row) co_return std::move(row).error();
    if (!*row) co_return store::no_such_job(id);
    const auto job = std::make_shared<const Job>(std::move((*row)->job));
    remember({.seq = (*row)->seq, .newest = job, .on_disk = job});
    co_return &entries_.find(id)->second;
}

const Job* SqliteJobStore::live(const JobId& id) const
{
    const auto found = entries_.find(id);
    if (found == entries_.end() || is_final(found->second.newest->state)) return nullptr;
    return found->second.newest.get();
}

std::vector<const Job*> SqliteJobStore::live_jobs() const
{
    std::vector<const Job*> jobs;
    jobs.reserve(by_age_.size());
    for (const auto& [seq, id] : by_age_)
        if (const Job* job = live(id); job != nullptr) jobs.push_back(job);
    return jobs;
}

// Changes ----------------------------------------------------------------------------------------

Task<Admitted>
SqliteJobStore::create(JobOrder order, std::uint64_t seed, std::optional<IdempotencyKey> key)
{
    if (is_full()) co_return full_now();
    if (queue_.size() >= queue_limit_) co_return too_many();
    const auto job = std::make_shared<Job>();
    // Inputs lie in a directory that is called like the job, so that each finds the other.
    job->id = order.inputs_dir.empty() ? new_job_id() : JobId(order.inputs_dir);
    job->revision = 1;
    job->order = std::move(order);
    job->created = job->changed = on_disk_time(clock_.wall());
    job->seed = seed;
    const auto waiter = queue_.hand_in(store::CreateJob{job, std::move(key)});
    RG_CO_TRY(const Written written, co_await CommitQueue::answer(waiter));
    Admitted admitted{.job = *job};
    if (!written.known) co_return admitted;
    RG_CO_TRY(admitted.job, co_await find(*written.known));
    admitted.replayed = true;
    co_return admitted;
}

Task<Job> SqliteJobStore::apply(JobId id, std::vector<Step> steps)
{
    return change(std::move(id), std::move(steps), false);
}

Task<Job> SqliteJobStore::note(JobId id, std::function<void(Job&)> edit)
{
    std::vector<Step> steps;
    steps.push_back({.event = {}, .edit = std::move(edit)});
    return change(std::move(id), std::move(steps), true);
}

Task<Job> SqliteJobStore::change(JobId id, std::vector<Step> steps, bool is_note)
{
    RG_CO_TRY(Entry * entry, co_await bring(id));
    const WallTime now = on_disk_time(clock_.wall());
    const auto after = std::make_shared<Job>(*entry->newest);
    std::vector<StoredEvent> events;
    for (const Step& step : steps) {
        if (is_note) {
            step.edit(*after);
            continue;
        }
        if (auto done = take_step(*after, step, now); !done) {
            drop_if_idle(id);
            co_return std::move(done).error();
        }
        events.push_back({.job = id, .at = now, .event = step.event, .state = after->state});
    }
    assert(after->id == id);
    ++after->revision;
    after->changed = now;
    co_return co_await hand_in(*entry, after, std::move(events));
}

Task<Job>
SqliteJobStore::hand_in(Entry& entry, std::shared_ptr<Job> after, std::vector<StoredEvent> events)
{
    store::UpdateJob update{.seq = entry.seq,
                            .job = after,
                            .attempts = store::attempt_changes(*entry.newest, *after),
                            .events = std::move(events)};
    entry.newest = after;
    ++entry.pending;
    const auto waiter = queue_.hand_in(std::move(update));
    RG_CO_TRY(const Written written, co_await CommitQueue::answer(waiter));
    (void)written;
    co_return *after;
}

Task<Done> SqliteJobStore::record_route(JobId id, std::string record_json)
{
    if (queue_.size() >= queue_limit_) co_return too_many();
    queue_.hand_in(store::AddRoute{std::move(id), std::move(record_json)});
    co_return Done{};
}

Task<Done> SqliteJobStore::remove(JobId id)
{
    if (const Job* job = live(id); job != nullptr) co_return not_final(*job);
    const auto waiter = queue_.hand_in(store::RemoveJob{id});
    RG_CO_TRY(const Written written, co_await CommitQueue::answer(waiter));
    (void)written;
    co_return Done{};
}

Task<Done> SqliteJobStore::put_fact(std::string name, std::string json)
{
    const auto waiter = queue_.hand_in(store::PutFact{std::move(name), std::move(json)});
    RG_CO_TRY(const Written written, co_await CommitQueue::answer(waiter));
    (void)written;
    co_return Done{};
}

// After the commit -------------------------------------------------------------------------------

void SqliteJobStore::settled(const store::CreateJob& created, const Result<Written>& written)
{
    if (!written || written->known) return;
    remember({.seq = written->seq, .newest = created.job, .on_disk = created.job});
    tell(*created.job, written->events);
}

void SqliteJobStore::settled(const store::UpdateJob& update, const Result<Written>& written)
{
    Entry& entry = entries_.at(update.job->id); // stays while a change is pending
    --entry.pending;
    if (written)
        entry.on_disk = update.job;
    else if (entry.pending == 0)
        entry.newest = entry.on_disk; // what could not be written has not happened
    if (written) tell(*update.job, written->events);
    drop_if_idle(update.job->id);
}

void SqliteJobStore::tell(const Job& job, const std::vector<StoredEvent>& events)
{
    for (const StoredEvent& event : events) {
        newest_cursor_ = event.cursor;
        for (const Listener& listener : listeners_)
            listener(job, event);
    }
}

// Reading ----------------------------------------------------------------------------------------

Task<Job> SqliteJobStore::find(JobId id)
{
    if (const auto found = entries_.find(id); found != entries_.end())
        co_return *found->second.on_disk;
    auto read = [id](store::Database& database) { return store::find_job(database, id); };
    co_return co_await readers_.run(std::move(read));
}

Task<JobPage> SqliteJobStore::list(JobFilter filter)
{
    return readers_.run([filter = std::move(filter)](store::Database& database) {
        return store::list_jobs(database, filter);
    });
}

Task<std::vector<StoredEvent>> SqliteJobStore::events_after(std::uint64_t cursor, std::size_t limit)
{
    return readers_.run([cursor, limit](store::Database& database) {
        return store::events_after(database, cursor, limit);
    });
}

Task<std::vector<std::string>> SqliteJobStore::routes(JobId id)
{
    return readers_.run(
        [id = std::move(id)](store::Database& database) { return store::routes_of(database, id); });
}

Task<std::vector<Job>> SqliteJobStore::expired(WallTime now, std::size_t limit)
{
    return readers_.run([now, limit](store::Database& database) {
        return store::expired_jobs(database, now, limit);
    });
}

Task<std::vector<Job>> SqliteJobStore::deleted(std::size_t limit)
{
    return readers_.run(
        [limit](store::Database& database) { return store::deleted_jobs(database, limit); });
}

Task<LedgerSum> SqliteJobStore::spent(std::optional<std::string> owner, WallTime from)
{
    return readers_.run([owner = std::move(owner), from](store::Database& database) {
        return store::spent_since(database, owner, from);
    });
}

Task<std::optional<std::string>> SqliteJobStore::fact(std::string name)
{
    return readers_.run([name = std::move(name)](store::Database& database) {
        return store::fact_of(database, name);
    });
}

asio::awaitable<void> SqliteJobStore::close()
{
    co_await queue_.close();
    readers_.join();
}

} // namespace

Result<std::unique_ptr<JobStore>>
JobStore::open(asio::any_io_executor loop, const Clock& clock, StoreOptions options)
{
    RG_TRY(Fd lock, store::take_directory(options.directory));
    RG_TRY(store::Database writing, store::open_for_writing(options.directory));
    RG_TRY(auto live, store::read_live_jobs(writing));
    RG_TRY(auto writer,
           store::BatchWriter::make(std::move(writing),
                                    {.directory = options.directory,
                                     .keep_free_bytes = options.keep_free_bytes,
                                     .keep_events = options.keep_events,
                                     .keep_keys = options.keep_keys}));
    std::vector<store::Database> readers;
    for (std::size_t i = 0; i < store::Readers::kConnections; ++i) {
        RG_TRY(store::Database reading, store::open_for_reading(options.directory));
        readers.push_back(std::move(reading));
    }
    auto opened = std::make_unique<SqliteJobStore>(
        std::move(loop), clock, options, std::move(lock), std::move(writer), std::move(readers));
    opened->start(std::move(live));
    return std::unique_ptr<JobStore>(std::move(opened));
}

} // namespace reelgate
