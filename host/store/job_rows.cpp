#include "host/store/job_rows.hpp"

#include "host/store/job_document.hpp"

#include <initializer_list>
#include <utility>

namespace reelgate::store {
namespace {

// LEFT: a job without its order is damage, and must not look like no job.
constexpr const char* kJobRow =
    "SELECT j.seq, j.id, j.owner, j.state, j.revision, j.created, j.changed, j.finished,"
    " j.expires, j.doc, o.prompt, o.doc FROM jobs j LEFT JOIN orders o ON o.seq = j.seq ";
constexpr const char* kAttemptRow =
    "SELECT a.job, a.number, a.generation, a.provider, a.charge, a.verdict, a.billing,"
    " a.reserved, a.settled, a.started, a.ended, a.doc, r.doc FROM attempts a"
    " LEFT JOIN requests r ON r.job = a.job AND r.number = a.number ";

std::optional<std::int64_t> micros_if_any(const std::optional<WallTime>& time)
{
    if (!time) return std::nullopt;
    return micros_of(*time);
}

std::optional<WallTime> time_if_any(std::optional<std::int64_t> micros)
{
    if (!micros) return std::nullopt;
    return time_of(*micros);
}

// SQLite's integers have a sign; the bits are what counts.
std::int64_t stored(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t unstored(std::int64_t value) { return static_cast<std::uint64_t>(value); }

std::string_view provider_of(const Job& job)
{
    return job.current() == nullptr ? std::string_view() : job.current()->provider;
}

bool has_files(const Job& job) { return job.artifact && !job.artifact->files.empty(); }

// The columns that an update may change, in the order of both statements.
void bind_changeable(Query& query, const Job& job)
{
    query.bind(to_string(job.state))
        .bind(std::int64_t{is_final(job.state)})
        .bind(provider_of(job))
        .bind(stored(job.revision))
        .bind(micros_of(job.changed))
        .bind(micros_if_any(job.finished))
        .bind(micros_if_any(job.expires))
        .bind(std::int64_t{has_files(job)})
        .bind(document_of(job));
}

Result<Done> write_request(Database& database, std::int64_t seq, const Attempt& attempt)
{
    auto query = database.query("INSERT OR REPLACE INTO requests (job, number, doc)"
                                " VALUES (?, ?, ?)");
    query.bind(seq).bind(std::int64_t{attempt.number}).bind(document_of(attempt.request));
    return query.run();
}

Result<Done>
write_attempt(Database& database, std::int64_t seq, const Job& job, const Attempt& attempt)
{
    std::optional<std::int64_t> settled;
    if (attempt.settled) settled = attempt.settled->micros;
    auto query = database.query(
        "INSERT OR REPLACE INTO attempts (job, number, owner, generation, provider, charge,"
        " verdict, billing, reserved, settled, started, ended, doc)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query.bind(seq)
        .bind(std::int64_t{attempt.number})
        .bind(job.order.owner)
        .bind(stored(attempt.generation))
        .bind(attempt.provider)
        .bind(to_string(attempt.charge))
        .bind(to_string(attempt.verdict))
        .bind(to_string(attempt.billing))
        .bind(attempt.reserved.micros)
        .bind(settled)
        .bind(micros_of(attempt.started))
        .bind(micros_if_any(attempt.ended))
        .bind(document_of(attempt));
    return query.run();
}

std::optional<Charge> charge_from(std::string_view word)
{
    for (const Charge each : {Charge::free, Charge::paid})
        if (to_string(each) == word) return each;
    return std::nullopt;
}

// From the columns of kAttemptRow.
Result<Attempt> attempt_from(const Query& row)
{
    Attempt attempt;
    attempt.number = static_cast<unsigned>(row.integer(1));
    attempt.generation = unstored(row.integer(2));
    attempt.provider = row.text(3);
    const auto charge = charge_from(row.text(4));
    const auto verdict = verdict_from(row.text(5));
    const auto billing = billing_from(row.text(6));
    if (!charge || !verdict || !billing) return damaged("an attempt has a word of no table");
    attempt.charge = *charge;
    attempt.verdict = *verdict;
    attempt.billing = *billing;
    attempt.reserved = {row.integer(7)};
    if (const auto settled = row.integer_if_any(8)) attempt.settled = Money{*settled};
    attempt.started = time_of(row.integer(9));
    attempt.ended = time_if_any(row.integer_if_any(10));
    RG_CHECK(read_document(row.text(11), attempt));
    RG_CHECK(read_document(row.text(12), attempt.request));
    return attempt;
}

// From the columns of kJobRow; without attempts.
Result<JobRow> job_from(const Query& row)
{
    JobRow found;
    Job& job = found.job;
    found.seq = row.integer(0);
    job.id = JobId(row.text(1));
    job.order.owner = row.text(2);
    const auto state = job_state_from(row.text(3));
    if (!state) return damaged("a job has a state of no table");
    job.state = *state;
    job.revision = unstored(row.integer(4));
    job.created = time_of(row.integer(5));
    job.changed = time_of(row.integer(6));
    job.finished = time_if_any(row.integer_if_any(7));
    job.expires = time_if_any(row.integer_if_any(8));
    if (row.is_null(11)) return damaged("a job has no order");
    RG_CHECK(read_document(row.text(9), job));
    job.order.wish.prompt = row.text(10);
    RG_CHECK(read_document(row.text(11), job.order));
    return found;
}

// All rows of `query`, which has been bound; the attempts go to the jobs of `rows`, both by seq.
Result<Done> add_attempts(Query& query, std::span<JobRow> rows)
{
    std::size_t at = 0;
    while (true) {
        RG_TRY(const bool row, query.next());
        if (!row) return Done{};
        while (at < rows.size() && rows[at].seq < query.integer(0))
            ++at;
        if (at == rows.size() || rows[at].seq != query.integer(0))
            return damaged("an attempt has no job");
        RG_TRY(Attempt attempt, attempt_from(query));
        rows[at].job.attempts.push_back(std::move(attempt));
    }
}

} // namespace

Error no_such_job(const JobId& id)
{
    return Error{.category = Category::not_found,
                 .text = "there is no video " + to_string(id),
                 .code = "video_not_found"};
}

AttemptChanges attempt_changes(const Job& before, const Job& after)
{
    AttemptChanges changes;
    for (std::size_t i = 0; i < after.attempts.size(); ++i) {
        if (i >= before.attempts.size())
            changes.made.push_back(i);
        else if (!(after.attempts[i].request == before.attempts[i].request))
            changes.made.push_back(i);
        else if (!(after.attempts[i] == before.attempts[i]))
            changes.changed.push_back(i);
    }
    return changes;
}

Result<Done> insert_job(Database& database, std::int64_t seq, const Job& job)
{
    auto row = database.query("INSERT INTO jobs (state, is_final, provider, revision, changed,"
                              " finished, expires, has_files, doc, seq, id, owner, created)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bind_changeable(row, job);
    row.bind(seq).bind(to_string(job.id)).bind(job.order.owner).bind(micros_of(job.created));
    RG_CHECK(row.run());
    auto order = database.query("INSERT INTO orders (seq, prompt, doc) VALUES (?, ?, ?)");
    order.bind(seq).bind(job.order.wish.prompt).bind(document_of(job.order));
    return order.run();
}

Result<Done>
update_job(Database& database, std::int64_t seq, const Job& job, const AttemptChanges& attempts)
{
    auto row = database.query("UPDATE jobs SET state = ?, is_final = ?, provider = ?,"
                              " revision = ?, changed = ?, finished = ?, expires = ?,"
                              " has_files = ?, doc = ? WHERE seq = ?");
    bind_changeable(row, job);
    row.bind(seq);
    RG_CHECK(row.run());
    if (database.changed_rows() == 0) return no_such_job(job.id);
    for (const std::size_t made : attempts.made) {
        RG_CHECK(write_attempt(database, seq, job, job.attempts[made]));
        RG_CHECK(write_request(database, seq, job.attempts[made]));
    }
    for (const std::size_t changed : attempts.changed)
        RG_CHECK(write_attempt(database, seq, job, job.attempts[changed]));
    return Done{};
}

Result<Done> delete_job(Database& database, std::int64_t seq)
{
    for (const std::string_view statement : {"DELETE FROM jobs WHERE seq = ?",
                                             "DELETE FROM orders WHERE seq = ?",
                                             "DELETE FROM attempts WHERE job = ?",
                                             "DELETE FROM requests WHERE job = ?",
                                             "DELETE FROM routes WHERE job = ?"}) {
        auto query = database.query(statement);
        query.bind(seq);
        RG_CHECK(query.run());
    }
    return Done{};
}

Result<std::optional<std::int64_t>> seq_of(Database& database, const JobId& id)
{
    auto query = database.query("SELECT seq FROM jobs WHERE id = ?");
    query.bind(to_string(id));
    return query.number();
}

Result<std::optional<JobRow>> read_job(Database& database, std::int64_t seq)
{
    static const std::string kOneJob = std::string(kJobRow) + "WHERE j.seq = ?";
    static const std::string kItsAttempts =
        std::string(kAttemptRow) + "WHERE a.job = ? ORDER BY a.number";
    auto jobs = database.query(kOneJob);
    jobs.bind(seq);
    RG_TRY(const bool there, jobs.next());
    if (!there) return std::optional<JobRow>{};
    RG_TRY(JobRow found, job_from(jobs));
    auto attempts = database.query(kItsAttempts);
    attempts.bind(seq);
    RG_CHECK(add_attempts(attempts, {&found, 1}));
    return std::optional(std::move(found));
}

Result<std::vector<JobRow>> read_live_jobs(Database& database)
{
    static const std::string kLiveJobs =
        std::string(kJobRow) + "WHERE j.is_final = 0 ORDER BY j.seq";
    static const std::string kTheirAttempts =
        std::string(kAttemptRow) +
        "WHERE a.job IN (SELECT seq FROM jobs WHERE is_final = 0) ORDER BY a.job, a.number";
    std::vector<JobRow> found;
    auto jobs = database.query(kLiveJobs);
    while (true) {
        RG_TRY(const bool row, jobs.next());
        if (!row) break;
        RG_TRY(JobRow one, job_from(jobs));
        found.push_back(std::move(one));
    }
    auto attempts = database.query(kTheirAttempts);
    RG_CHECK(add_attempts(attempts, found));
    return found;
}

} // namespace reelgate::store
