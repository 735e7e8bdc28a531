// What is handed to the writer, and how a batch of it becomes one transaction.
#pragma once

#include "host/store/job_rows.hpp"
#include "host/store/job_store.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace reelgate::store {

struct CreateJob {
    std::shared_ptr<const Job> job; // shared with the loop, which hands it on after the commit
    std::optional<IdempotencyKey> key;
};

struct UpdateJob {
    std::int64_t seq;
    std::shared_ptr<const Job> job; // as CreateJob's
    AttemptChanges attempts;
    std::vector<StoredEvent> events; // the cursors are the writer's to give
};

struct AddRoute {
    JobId job;
    std::string document;
};

struct RemoveJob {
    JobId job;
};

struct PutFact {
    std::string name;
    std::string document;
};

using Change = std::variant<CreateJob, UpdateJob, AddRoute, RemoveJob, PutFact>;

struct Written {
    std::int64_t seq = 0;
    std::vector<StoredEvent> events = {};
    std::optional<JobId> known = {}; // the key had this job already; nothing was written
};

struct BatchResult {
    std::vector<Result<Written>> answers = {}; // of the changes that are settled, from the front
    std::optional<Error> stopped = {};         // why the rest is not written
    bool low_space = false;                    // nothing may be admitted
};

// The only one who writes. Blocks.
class BatchWriter {
public:
    struct Limits {
        std::filesystem::path directory;
        std::uint64_t keep_free_bytes;
        std::uint64_t keep_events;
        std::chrono::seconds keep_keys;
    };
    static Result<BatchWriter> make(Database database, Limits limits);

    BatchResult write(const std::vector<Change>& changes, WallTime now);
    std::uint64_t newest_cursor() const { return next_cursor_ - 1; }
    Database& database() { return database_; }

private:
    BatchWriter(Database database, Limits limits);

    using Answers = std::vector<Result<Written>>;
    Result<Answers> transaction(std::span<const Change> changes, WallTime now);
    Result<Answers> steps(std::span<const Change> changes, WallTime now);
    Result<Written> carry_out(const CreateJob& change, WallTime now);
    Result<Written> carry_out(const UpdateJob& change, WallTime now);
    Result<Written> carry_out(const AddRoute& change, WallTime now);
    Result<Written> carry_out(const RemoveJob& change, WallTime now);
    Result<Written> carry_out(const PutFact& change, WallTime now);
    Result<std::optional<Written>> known_key(const CreateJob& change, WallTime now);
    Result<Done> put_event(StoredEvent& event);
    Result<Done> forget(WallTime now);
    bool is_low() const;

    Database database_;
    Limits limits_;
    std::int64_t next_seq_ = 1;
    std::uint64_t next_cursor_ = 1;
    std::uint64_t forget_at_ = 0; // the cursor at which old events go
    bool low_space_ = false;
    WallTime keys_forgotten_ = {};
};

} // namespace reelgate::store
