// Pages of the history, and what else is read without changing anything. Blocks; on the connection
// of a reader.
#pragma once

#include "host/store/job_rows.hpp"
#include "host/store/job_store.hpp"

namespace reelgate::store {

Result<Job> find_job(Database& database, const JobId& id); // video_not_found
Result<JobPage> list_jobs(Database& database, const JobFilter& filter);
Result<std::vector<Job>> expired_jobs(Database& database, WallTime now, std::size_t limit);
Result<std::vector<Job>> deleted_jobs(Database& database, std::size_t limit);
Result<std::vector<StoredEvent>>
events_after(Database& database, std::uint64_t cursor, std::size_t limit);
Result<std::vector<std::string>> routes_of(Database& database, const JobId& id);
Result<LedgerSum>
spent_since(Database& database, const std::optional<std::string>& owner, WallTime from);
Result<std::optional<std::string>> fact_of(Database& database, const std::string& name);

// Whether `text` holds `part`; a to z mean the same as A to Z.
bool holds(std::string_view text, std::string_view part);

} // namespace reelgate::store
