// Jobs on disk. What create() and apply() have answered survives a crash of everything: the answer
// comes after the flush, and many changes share one. Live jobs (those that are not final) are also
// held in memory, where they are what has been handed to the writer: what the next event is held
// against. find(), list() and the listener show what is on disk, so that nobody is shown what a
// crash could take back.
//
// Everything here runs on the loop, which owns it; SQLite is on a writer thread and two readers.
// Whoever is stopped while he waits here is answered `cancelled`; his change is made all the same.
#pragma once

#include "host/base/async.hpp"
#include "host/model/job.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace reelgate {

struct StoreOptions {
    std::filesystem::path directory; // jobs.db and its companions; made when missing, 0700
    std::size_t queue_limit = 4096;  // changes that may wait for the writer when a job is admitted
    std::uint64_t keep_free_bytes = 256ULL << 20U;           // below this nothing new is admitted
    std::uint64_t keep_events = 100'000;                     // the newest; older ones are forgotten
    std::chrono::seconds keep_keys = std::chrono::hours(24); // idempotency keys
    std::chrono::milliseconds retry_every = std::chrono::seconds(1); // while the disk is full
};

// One step of a job: an event of the table, and what else changes with it. `edit` gets the job as
// the event leaves it and may change everything but id, order, state and revision.
struct Step {
    JobEvent event;
    std::function<void(Job&)> edit = {};
};

// What was asked again under a key, or what is new.
struct Admitted {
    Job job;
    bool replayed = false; // the key had this order already: this is its job
};

struct IdempotencyKey {
    std::string key;
    std::string fingerprint; // of the body; another body under the same key is refused
};

struct JobFilter {
    std::optional<std::string> owner = {}; // nothing: everybody's
    std::vector<JobState> states = {};     // empty: all
    std::optional<std::string> provider = {};
    std::string text = {}; // part of the prompt
    bool newest_first = true;
    std::size_t limit = 20;
    std::optional<JobId> after = {}; // JobPage::next of the page before
};

// In the order of admission. A page costs the same wherever it lies: with a text it looks at a
// bounded number of prompts, so it may hold less than was asked for, even nothing, and `has_more`.
struct JobPage {
    std::vector<Job> jobs = {};
    bool has_more = false;
    std::optional<JobId> next = {}; // the last one looked at: the next page begins after it
};

// One line of a job's story, in the order of writing over all jobs. Cursors are consecutive: a gap
// before the first event of an answer means that the ones between are forgotten.
struct StoredEvent {
    std::uint64_t cursor = 0;
    JobId job = {};
    WallTime at = {};
    std::optional<JobEvent> event = {}; // nothing: created
    JobState state = JobState::queued;  // afterwards
};

struct LedgerSum {
    Money reserved = {}; // of attempts that are not settled and may cost something yet
    Money settled = {};
};

class JobStore {
public:
    // Refuses, touching nothing: a database of a newer version (code `store_too_new`), a damaged
    // one (`store_damaged`), a directory it cannot write (`store_unwritable`) or that another
    // store has (`store_in_use`). Blocks. `clock` outlives the store.
    static Result<std::unique_ptr<JobStore>>
    open(asio::any_io_executor loop, const Clock& clock, StoreOptions options);
    virtual ~JobStore() = default;

    // Called on the loop once a job is created or an event applied, in order, before whoever waits
    // for it goes on; with the job as it is then on disk. A note() is not told.
    using Listener = std::function<void(const Job&, const StoredEvent&)>;
    virtual void on_change(Listener listener) = 0;

    // Called on the loop whenever is_full() has become another.
    virtual void on_room(std::function<void()> listener) = 0;

    // `storage_full` where the disk is (nothing stored), `invalid_params/idempotency_key_reused`,
    // `worker_unavailable/store_busy` beyond queue_limit.
    virtual Task<Admitted>
    create(JobOrder order, std::uint64_t seed, std::optional<IdempotencyKey> key) = 0;

    // All steps or none. An event that the table does not know for the job's state is `internal`,
    // code `illegal_event`, and nothing changes: the caller looks first. While the disk is full
    // changes wait, for as long as it takes. What an attempt was given when it was appended is
    // best left alone: another request in it costs a row more.
    virtual Task<Job> apply(JobId id, std::vector<Step> steps) = 0;

    // Changes nothing of the state: reserved money, what a job waits for. Final jobs too.
    virtual Task<Job> note(JobId id, std::function<void(Job&)> edit) = 0;

    // Live jobs, with all changes that were handed in; good until the next change of the job.
    virtual const Job* live(const JobId& id) const = 0;    // nothing if final or unknown
    virtual std::vector<const Job*> live_jobs() const = 0; // oldest first

    virtual Task<Job> find(JobId id) = 0; // not_found/video_not_found
    virtual Task<JobPage> list(JobFilter filter) = 0;
    virtual Task<std::vector<StoredEvent>> events_after(std::uint64_t cursor,
                                                        std::size_t limit) = 0;
    virtual std::uint64_t newest_cursor() const = 0;

    // Keeps the record with the job, at most 64 of them. Does not wait for the disk: it is there
    // with the next change of the job that is answered. While the disk is full it may be lost.
    virtual Task<Done> record_route(JobId id, std::string record_json) = 0;
    virtual Task<std::vector<std::string>> routes(JobId id) = 0; // newest last

    // A final job and its rows; invalid_params/job_not_final. Its idempotency key stays used.
    virtual Task<Done> remove(JobId id) = 0;

    // Final jobs whose artifact has files although `expires` is over, longest over first. Whoever
    // removes the files takes them out of the artifact by a note().
    virtual Task<std::vector<Job>> expired(WallTime now, std::size_t limit) = 0;

    // Final jobs that were deleted, and whose removal did not come to its end.
    virtual Task<std::vector<Job>> deleted(std::size_t limit) = 0;

    // Sums over attempts started since `from`, of one owner (nothing: of all), for budgets.
    virtual Task<LedgerSum> spent(std::optional<std::string> owner, WallTime from) = 0;

    // Small facts that outlive a restart: breaker states, starts of the daemon.
    virtual Task<Done> put_fact(std::string name, std::string json) = 0;
    virtual Task<std::optional<std::string>> fact(std::string name) = 0;

    virtual bool is_full() const = 0; // the disk; nothing is admitted

    // Why nothing can be written any more, if so: a damaged database met after the start. The
    // daemon should stop; what was answered is on disk.
    virtual std::optional<Error> failure() const = 0;

    // Flushes what waits and ends the threads; what waits for a full disk fails. Nothing may be
    // called afterwards. Must be awaited before the store is destroyed.
    virtual asio::awaitable<void> close() = 0;
};

} // namespace reelgate
