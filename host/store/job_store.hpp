// Jobs on disk. What create() and apply() have answered survives a crash of everything: the answer
// comes after the flush, and many changes share one. Live jobs (those that are not final) are also
// held in memory, where they are what has been handed to the writer; the rest is read from disk.
//
// Everything here runs on the loop, which owns it; SQLite is on a writer thread and two readers.
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
    std::size_t queue_limit = 4096;  // changes that may wait for the writer
    std::uint64_t keep_free_bytes = 256ULL << 20U; // below this nothing new is admitted
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
    std::optional<JobId> after = {}; // keyset: the last of the page before
};

struct JobPage {
    std::vector<Job> jobs;
    bool has_more = false;
};

// One line of a job's story, in the order of writing over all jobs: the cursor of listeners.
struct StoredEvent {
    std::uint64_t cursor = 0;
    JobId job;
    WallTime at = {};
    std::optional<JobEvent> event = {}; // nothing: created
    JobState state = JobState::queued;  // afterwards
};

struct LedgerSum {
    Money reserved;
    Money settled;
};

class JobStore {
public:
    // Refuses, touching nothing: a database of a newer version (code `store_too_new`), a damaged
    // one
    // (`store_damaged`), a directory it cannot write (`store_unwritable`). Blocks.
    static Result<std::unique_ptr<JobStore>> open(asio::any_io_executor loop, StoreOptions options);
    virtual ~JobStore() = default;

    // Called on the loop after each durable change, in order.
    using Listener = std::function<void(const Job&, const StoredEvent&)>;
    virtual void on_change(Listener listener) = 0;

    // `storage_full` where the disk is (nothing stored), `invalid_params/idempotency_key_reused`.
    virtual Task<Admitted>
    create(JobOrder order, std::uint64_t seed, std::optional<IdempotencyKey> key) = 0;

    // All steps or none. An event that the table does not know for the job's state is `internal`,
    // code `illegal_event`, and nothing changes: the caller looks first. While the disk is full
    // changes wait, for as long as it takes.
    virtual Task<Job> apply(JobId id, std::vector<Step> steps) = 0;

    // Changes nothing of the state: reserved money, what a job waits for, a routing record.
    virtual Task<Job> note(JobId id, std::function<void(Job&)> edit) = 0;

    virtual const Job* live(const JobId& id) const = 0;    // nothing if final or unknown
    virtual std::vector<const Job*> live_jobs() const = 0; // oldest first

    virtual Task<Job> find(JobId id) = 0; // not_found/video_not_found
    virtual Task<JobPage> list(JobFilter filter) = 0;
    virtual Task<std::vector<StoredEvent>> events_after(std::uint64_t cursor,
                                                        std::size_t limit) = 0;
    virtual std::uint64_t newest_cursor() const = 0;

    // Routing records, newest last; kept with the job, at most 64.
    virtual Task<Done> record_route(JobId id, std::string record_json) = 0;
    virtual Task<std::vector<std::string>> routes(JobId id) = 0;

    virtual Task<Done> remove(JobId id) = 0; // a final job and its rows
    virtual Task<std::vector<Job>> expired(WallTime now, std::size_t limit) = 0;

    // Sums over attempts since `from` of one owner (nothing: of all), for budgets.
    virtual Task<LedgerSum> spent(std::optional<std::string> owner, WallTime from) = 0;

    // Small facts that outlive a restart: breaker states, starts of the daemon.
    virtual Task<Done> put_fact(std::string name, std::string json) = 0;
    virtual Task<std::optional<std::string>> fact(std::string name) = 0;

    virtual bool is_full() const = 0; // the disk; nothing is admitted

    // Flushes what waits and ends the threads. Nothing may be called afterwards.
    virtual asio::awaitable<void> close() = 0;
};

} // namespace reelgate
