#include "host/store/job_list.hpp"

#include "host/store/job_document.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <limits>
#include <utility>

namespace reelgate::store {
namespace {

// How many prompts a page looks at for a text: measured to take 1.5 to 3 ms. What was not found
// among them the next page looks for.
constexpr std::size_t kPromptsAPage = 500;

constexpr std::array kAllStates{JobState::queued,
                                JobState::submitting,
                                JobState::ambiguous,
                                JobState::running,
                                JobState::collecting,
                                JobState::cancelling,
                                JobState::completed,
                                JobState::failed,
                                JobState::cancelled,
                                JobState::quarantined};

bool wants(const JobFilter& filter, JobState state)
{
    return filter.states.empty() ||
           std::find(filter.states.begin(), filter.states.end(), state) != filter.states.end();
}

// "WHERE <kind> AND ... AND seq < ? ORDER BY seq DESC LIMIT ?"
std::string seqs_where(const JobFilter& filter, const char* kind)
{
    std::string text = "SELECT seq FROM jobs WHERE ";
    text += kind;
    if (filter.owner) text += " AND owner = ?";
    if (filter.provider) text += " AND provider = ?";
    text += filter.newest_first ? " AND seq < ? ORDER BY seq DESC LIMIT ?"
                                : " AND seq > ? ORDER BY seq LIMIT ?";
    return text;
}

struct Walk {
    const JobFilter& filter;
    std::int64_t from;
    std::size_t limit;

    Result<Done> add(Query& query, std::vector<std::int64_t>& seqs) const
    {
        if (filter.owner) query.bind(std::string_view(*filter.owner));
        if (filter.provider) query.bind(std::string_view(*filter.provider));
        query.bind(from).bind(static_cast<std::int64_t>(limit));
        while (true) {
            RG_TRY(const bool row, query.next());
            if (!row) return Done{};
            seqs.push_back(query.integer(0));
        }
    }
};

// The jobs that come next, without regard to the text. Each final state is one stretch of an
// index, the live jobs are one more; their first `limit` together hold the first `limit` of all.
Result<std::vector<std::int64_t>> next_seqs(Database& database, const Walk& walk)
{
    std::vector<std::int64_t> seqs;
    bool any_live = false;
    const std::string final_ones = seqs_where(walk.filter, "is_final = 1 AND state = ?");
    for (const JobState state : kAllStates) {
        if (!wants(walk.filter, state)) continue;
        if (!is_final(state)) {
            any_live = true;
            continue;
        }
        auto query = database.query(final_ones);
        query.bind(to_string(state));
        RG_CHECK(walk.add(query, seqs));
    }
    if (any_live) {
        std::string kind = "is_final = 0 AND state IN (''";
        for (const JobState state : kAllStates)
            if (!is_final(state) && wants(walk.filter, state))
                kind.append(",'").append(to_string(state)).append("'");
        auto query = database.query(seqs_where(walk.filter, (kind + ")").c_str()));
        RG_CHECK(walk.add(query, seqs));
    }
    if (walk.filter.newest_first)
        std::sort(seqs.begin(), seqs.end(), std::greater<>());
    else
        std::sort(seqs.begin(), seqs.end());
    if (seqs.size() > walk.limit) seqs.resize(walk.limit);
    return seqs;
}

Result<bool> prompt_holds(Database& database, std::int64_t seq, const std::string& part)
{
    if (part.empty()) return true;
    auto query = database.query("SELECT prompt FROM orders WHERE seq = ?");
    RG_TRY(const bool row, query.bind(seq).next());
    return row && holds(query.text(0), part);
}

// Where a page begins: after this seq.
Result<std::int64_t> start_of(Database& database, const JobFilter& filter)
{
    if (!filter.after)
        return filter.newest_first ? std::numeric_limits<std::int64_t>::max() : std::int64_t{0};
    RG_TRY(const auto seq, seq_of(database, *filter.after));
    if (!seq) return no_such_job(*filter.after).while_doing("after");
    return *seq;
}

// The jobs whose numbers the query finds.
Result<std::vector<Job>> all_of(Database& database, Query& query)
{
    std::vector<Job> found;
    while (true) {
        RG_TRY(const bool row, query.next());
        if (!row) return found;
        RG_TRY(auto job, read_job(database, query.integer(0)));
        if (job) found.push_back(std::move(job->job));
    }
}

} // namespace

bool holds(std::string_view text, std::string_view part)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    const auto same = [&](char a, char b) { return lower(a) == lower(b); };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

Result<Job> find_job(Database& database, const JobId& id)
{
    RG_TRY(const auto seq, seq_of(database, id));
    if (!seq) return no_such_job(id);
    RG_TRY(auto row, read_job(database, *seq));
    if (!row) return no_such_job(id);
    return std::move(row->job);
}

Result<JobPage> list_jobs(Database& database, const JobFilter& filter)
{
    RG_TRY(const std::int64_t from, start_of(database, filter));
    const std::size_t look_at = filter.text.empty() ? filter.limit : kPromptsAPage;
    const Walk walk{filter, from, look_at + 1}; // one more says whether there is more
    RG_TRY(const auto seqs, next_seqs(database, walk));
    JobPage page;
    std::size_t at = 0;
    for (; at < seqs.size() && at < look_at && page.jobs.size() < filter.limit; ++at) {
        RG_TRY(const bool held, prompt_holds(database, seqs[at], filter.text));
        if (!held) continue;
        RG_TRY(auto row, read_job(database, seqs[at]));
        if (!row || row->job.deleted) continue; // or removed between two statements
        page.jobs.push_back(std::move(row->job));
    }
    page.has_more = at < seqs.size();
    if (at == 0) return page;
    auto last = database.query("SELECT id FROM jobs WHERE seq = ?");
    RG_TRY(const bool there, last.bind(seqs[at - 1]).next());
    if (there) page.next = JobId(last.text(0));
    return page;
}

Result<std::vector<Job>> expired_jobs(Database& database, WallTime now, std::size_t limit)
{
    auto expired = database.query("SELECT seq FROM jobs WHERE is_final = 1 AND has_files = 1"
                                  " AND expires <= ? ORDER BY expires LIMIT ?");
    expired.bind(micros_of(now)).bind(static_cast<std::int64_t>(limit));
    return all_of(database, expired);
}

Result<std::vector<Job>> deleted_jobs(Database& database, std::size_t limit)
{
    // In the words of the index.
    auto deleted = database.query("SELECT seq FROM jobs WHERE is_final = 1"
                                  " AND json_extract(doc, '$.deleted') ORDER BY seq LIMIT ?");
    deleted.bind(static_cast<std::int64_t>(limit));
    return all_of(database, deleted);
}

Result<std::vector<StoredEvent>>
events_after(Database& database, std::uint64_t cursor, std::size_t limit)
{
    std::vector<StoredEvent> found;
    auto query = database.query("SELECT cursor, job, at, event, state FROM events"
                                " WHERE cursor > ? ORDER BY cursor LIMIT ?");
    constexpr auto kLast = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    query.bind(static_cast<std::int64_t>(std::min(cursor, kLast)))
        .bind(static_cast<std::int64_t>(limit));
    while (true) {
        RG_TRY(const bool row, query.next());
        if (!row) return found;
        StoredEvent event;
        event.cursor = static_cast<std::uint64_t>(query.integer(0));
        event.job = JobId(query.text(1));
        event.at = time_of(query.integer(2));
        const auto state = job_state_from(query.text(4));
        if (!query.is_null(3)) event.event = job_event_from(query.text(3));
        if (!state || event.event.has_value() == query.is_null(3))
            return damaged("an event has a word of no table");
        event.state = *state;
        found.push_back(std::move(event));
    }
}

Result<std::vector<std::string>> routes_of(Database& database, const JobId& id)
{
    RG_TRY(const auto seq, seq_of(database, id));
    if (!seq) return no_such_job(id);
    std::vector<std::string> found;
    auto query = database.query("SELECT doc FROM routes WHERE job = ? ORDER BY number");
    query.bind(*seq);
    while (true) {
        RG_TRY(const bool row, query.next());
        if (!row) return found;
        found.push_back(query.text(0));
    }
}

Result<LedgerSum>
spent_since(Database& database, const std::optional<std::string>& owner, WallTime from)
{
    // What is settled is no longer reserved, nor what has ended and cost nothing.
    std::string text =
        "SELECT coalesce(sum(CASE WHEN settled IS NULL AND NOT (ended IS NOT NULL AND"
        " billing IN ('free', 'not_billed')) THEN reserved ELSE 0 END), 0),"
        " coalesce(sum(settled), 0) FROM attempts"
        " WHERE (reserved > 0 OR settled IS NOT NULL)";
    text += owner ? " AND owner = ? AND started >= ?" : " AND started >= ?";
    auto query = database.query(text);
    if (owner) query.bind(std::string_view(*owner));
    RG_TRY(const bool row, query.bind(micros_of(from)).next());
    LedgerSum sum;
    if (row) sum = {{query.integer(0)}, {query.integer(1)}};
    return sum;
}

Result<std::optional<std::string>> fact_of(Database& database, const std::string& name)
{
    auto query = database.query("SELECT doc FROM facts WHERE name = ?");
    RG_TRY(const bool row, query.bind(std::string_view(name)).next());
    if (!row) return std::optional<std::string>{};
    return std::optional(query.text(0));
}

} // namespace reelgate::store
