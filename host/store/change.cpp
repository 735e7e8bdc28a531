#include "host/store/change.hpp"

#include "host/store/job_document.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

namespace reelgate::store {
namespace {

// A job that is decided again and again keeps its latest routing records.
constexpr std::int64_t kRoutesOfAJob = 64;

// How much is thinned out at once, so that no commit is late for it.
constexpr std::uint64_t kEventsAtOnce = 1000;
constexpr std::int64_t kKeysAtOnce = 1000;
constexpr auto kForgetKeysEvery = std::chrono::minutes(1);

Error low_space()
{
    return Error{.category = Category::storage_full,
                 .text = "too little space is left on the disk of the job database",
                 .code = "store_full",
                 .hint = "make room on the disk",
                 .phase = Phase::store};
}

Error key_reused()
{
    return Error{.category = Category::invalid_params,
                 .text = "this idempotency key was used for another request",
                 .code = "idempotency_key_reused",
                 .hint = "send a fresh key with each new request"};
}

// A refusal concerns its own change only; nothing was written for it. All other failures are
// SQLite's, and the transaction is void.
bool is_refusal(const Error& error)
{
    return error.category == Category::not_found || error.category == Category::invalid_params;
}

} // namespace

BatchWriter::BatchWriter(Database database, Limits limits)
    : database_(std::move(database)), limits_(std::move(limits))
{
}

Result<BatchWriter> BatchWriter::make(Database database, Limits limits)
{
    BatchWriter made(std::move(database), std::move(limits));
    RG_TRY(const auto seq, made.database_.query("SELECT max(seq) FROM jobs").number());
    RG_TRY(const auto cursor, made.database_.query("SELECT max(cursor) FROM events").number());
    made.next_seq_ = seq.value_or(0) + 1;
    made.next_cursor_ = static_cast<std::uint64_t>(cursor.value_or(0)) + 1;
    return made;
}

bool BatchWriter::is_low() const
{
    struct statvfs facts {};
    if (::statvfs(limits_.directory.c_str(), &facts) != 0) return false; // the write will tell
    return facts.f_bavail * facts.f_frsize < limits_.keep_free_bytes;
}

BatchResult BatchWriter::write(const std::vector<Change>& changes, WallTime now)
{
    BatchResult result;
    low_space_ = result.low_space = is_low();
    if (changes.empty()) return result;
    auto together = transaction(changes, now);
    if (together) {
        result.answers = *std::move(together);
        return result;
    }
    const bool own_fault = !is_full(together.error()) && !is_damaged(together.error());
    if (!own_fault || changes.size() == 1) {
        result.stopped = std::move(together).error();
        return result;
    }
    // One of them cannot be written. The others shall not suffer for it.
    for (const Change& change : changes) {
        auto alone = transaction({&change, 1}, now);
        if (alone) {
            result.answers.push_back(std::move(alone->front()));
            continue;
        }
        result.stopped = std::move(alone).error();
        break;
    }
    return result;
}

Result<BatchWriter::Answers> BatchWriter::transaction(std::span<const Change> changes, WallTime now)
{
    const auto seq = next_seq_;
    const auto cursor = next_cursor_;
    RG_CHECK(database_.query("BEGIN IMMEDIATE").run());
    auto answers = steps(changes, now);
    if (answers) {
        const auto committed = database_.query("COMMIT").run();
        if (committed) return answers;
        answers = Error(committed.error());
    }
    // SQLite has rolled back by itself after some failures; then this one fails and says nothing.
    (void)database_.query("ROLLBACK").run().has_value();
    next_seq_ = seq;
    next_cursor_ = cursor;
    return answers;
}

Result<BatchWriter::Answers> BatchWriter::steps(std::span<const Change> changes, WallTime now)
{
    Answers answers;
    answers.reserve(changes.size());
    for (const Change& change : changes) {
        auto answer = std::visit([&](const auto& what) { return carry_out(what, now); }, change);
        const bool void_now = !answer && !is_refusal(answer.error()) &&
                              !(low_space_ && std::holds_alternative<CreateJob>(change));
        if (void_now) return std::move(answer).error();
        answers.push_back(std::move(answer));
    }
    RG_CHECK(forget(now));
    return answers;
}

Result<Written> BatchWriter::carry_out(const CreateJob& change, WallTime now)
{
    RG_TRY(auto known, known_key(change, now));
    if (known) return *std::move(known);
    if (low_space_) return low_space();
    const Job& job = *change.job;
    Written written{.seq = next_seq_++};
    RG_CHECK(insert_job(database_, written.seq, job));
    StoredEvent created{.job = job.id, .at = job.created, .state = job.state};
    RG_CHECK(put_event(created));
    written.events.push_back(std::move(created));
    if (!change.key) return written;
    auto query = database_.query("INSERT OR REPLACE INTO keys (owner, key, fingerprint, job,"
                                 " created) VALUES (?, ?, ?, ?, ?)");
    query.bind(job.order.owner)
        .bind(change.key->key)
        .bind(change.key->fingerprint)
        .bind(to_string(job.id))
        .bind(micros_of(now));
    RG_CHECK(query.run());
    return written;
}

Result<std::optional<Written>> BatchWriter::known_key(const CreateJob& change, WallTime now)
{
    if (!change.key) return std::optional<Written>{};
    auto query = database_.query("SELECT fingerprint, job FROM keys"
                                 " WHERE owner = ? AND key = ? AND created > ?");
    query.bind(change.job->order.owner)
        .bind(change.key->key)
        .bind(micros_of(now - limits_.keep_keys));
    RG_TRY(const bool there, query.next());
    if (!there) return std::optional<Written>{};
    if (query.text(0) != change.key->fingerprint) return key_reused();
    return std::optional(Written{.known = JobId(query.text(1))});
}

Result<Written> BatchWriter::carry_out(const UpdateJob& change, WallTime)
{
    RG_CHECK(update_job(database_, change.seq, *change.job, change.attempts));
    Written written{.seq = change.seq, .events = change.events};
    for (StoredEvent& event : written.events)
        RG_CHECK(put_event(event));
    return written;
}

Result<Done> BatchWriter::put_event(StoredEvent& event)
{
    event.cursor = next_cursor_++;
    auto query = database_.query("INSERT INTO events (cursor, job, at, event, state)"
                                 " VALUES (?, ?, ?, ?, ?)");
    query.bind(static_cast<std::int64_t>(event.cursor))
        .bind(to_string(event.job))
        .bind(micros_of(event.at));
    if (event.event)
        query.bind(to_string(*event.event));
    else
        query.bind(std::optional<std::int64_t>{});
    query.bind(to_string(event.state));
    return query.run();
}

Result<Written> BatchWriter::carry_out(const AddRoute& change, WallTime)
{
    RG_TRY(const auto seq, seq_of(database_, change.job));
    if (!seq) return no_such_job(change.job);
    auto last = database_.query("SELECT max(number) FROM routes WHERE job = ?");
    RG_TRY(const auto number, last.bind(*seq).number());
    const std::int64_t next = number.value_or(0) + 1;
    auto add = database_.query("INSERT INTO routes (job, number, doc) VALUES (?, ?, ?)");
    RG_CHECK(add.bind(*seq).bind(next).bind(change.document).run());
    auto thin = database_.query("DELETE FROM routes WHERE job = ? AND number <= ?");
    RG_CHECK(thin.bind(*seq).bind(next - kRoutesOfAJob).run());
    return Written{.seq = *seq};
}

Result<Written> BatchWriter::carry_out(const RemoveJob& change, WallTime)
{
    RG_TRY(const auto seq, seq_of(database_, change.job));
    if (!seq) return no_such_job(change.job);
    RG_CHECK(delete_job(database_, *seq));
    return Written{.seq = *seq};
}

Result<Written> BatchWriter::carry_out(const PutFact& change, WallTime)
{
    auto query = database_.query("INSERT OR REPLACE INTO facts (name, doc) VALUES (?, ?)");
    RG_CHECK(query.bind(change.name).bind(change.document).run());
    return Written{};
}

Result<Done> BatchWriter::forget(WallTime now)
{
    if (next_cursor_ > limits_.keep_events && next_cursor_ >= forget_at_) {
        RG_TRY(const auto oldest, database_.query("SELECT min(cursor) FROM events").number());
        const std::uint64_t upto =
            std::min(next_cursor_ - limits_.keep_events,
                     static_cast<std::uint64_t>(oldest.value_or(0)) + 10 * kEventsAtOnce);
        auto query = database_.query("DELETE FROM events WHERE cursor < ?");
        RG_CHECK(query.bind(static_cast<std::int64_t>(upto)).run());
        forget_at_ = next_cursor_ + kEventsAtOnce;
    }
    if (now - keys_forgotten_ < kForgetKeysEvery) return Done{};
    keys_forgotten_ = now;
    auto query = database_.query("DELETE FROM keys WHERE number IN (SELECT number FROM (SELECT"
                                 " number, created FROM keys ORDER BY number LIMIT ?)"
                                 " WHERE created <= ?)");
    return query.bind(kKeysAtOnce).bind(micros_of(now - limits_.keep_keys)).run();
}

} // namespace reelgate::store
