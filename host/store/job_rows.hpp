// A job as rows: how it is written, changed and read. Blocks; on the connection it is given.
#pragma once

#include "host/model/job.hpp"
#include "host/store/database.hpp"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace reelgate::store {

struct JobRow {
    std::int64_t seq = 0; // the order of admission
    Job job;
};

Result<Done> insert_job(Database& database, std::int64_t seq, const Job& job);

// Which attempts of a job an update has to write.
struct AttemptChanges {
    std::vector<std::size_t> made;    // not on disk yet, or with another request
    std::vector<std::size_t> changed; // their request has not
};
AttemptChanges attempt_changes(const Job& before, const Job& after);

// `not_found` if there is no such row any more.
Result<Done>
update_job(Database& database, std::int64_t seq, const Job& job, const AttemptChanges& attempts);

Result<Done> delete_job(Database& database, std::int64_t seq);

Result<std::optional<std::int64_t>> seq_of(Database& database, const JobId& id);
Result<std::optional<JobRow>> read_job(Database& database, std::int64_t seq);
Result<std::vector<JobRow>> read_live_jobs(Database& database); // oldest first

Error no_such_job(const JobId& id);

} // namespace reelgate::store
