// What the job database looks like, and how one of an earlier version becomes one of today's.
#pragma once

#include "host/store/database.hpp"

#include <filesystem>
#include <span>

namespace reelgate::store {

// The steps, in order: step n (from 1) leads from version n - 1 to version n. A step that has been
// released is never changed; what is new is a new step.
std::span<const char* const> migrations();
int schema_version(); // of this program

// Runs the steps that the database has not seen, up to `version`, each in a transaction of its own.
Result<Done> migrate(Database& database, int version);

// Opens `directory`/jobs.db for its one writer, who has taken the directory; made or migrated as
// need be. Refuses, and has touched nothing then: `store_too_new`, `store_damaged` (also what is no
// database, or another program's), `store_unwritable`.
Result<Database> open_for_writing(const std::filesystem::path& directory);
Result<Database> open_for_reading(const std::filesystem::path& directory);

} // namespace reelgate::store
