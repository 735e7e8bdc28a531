#include "host/store/schema.hpp"

#include "host/base/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>

namespace reelgate::store {
namespace {

namespace fs = std::filesystem;

// The numbers are documented in docs/ARCHITECTURE.md: `seq` is the order of admission and what
// pages go by; times are microseconds since 1970. Of a job, what is filtered by is a column; the
// order, which never changes, and a request, which is big, have rows that no update touches.
//
// The indexes over final jobs are partial: a job enters them once, at its end, so that its way
// there costs nothing but the small index of live jobs, which is always in memory.
constexpr const char* kFirst = R"sql(
CREATE TABLE jobs (
    seq       INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    owner     TEXT NOT NULL,
    state     TEXT NOT NULL,
    is_final  INTEGER NOT NULL,
    provider  TEXT NOT NULL,
    revision  INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    changed   INTEGER NOT NULL,
    finished  INTEGER,
    expires   INTEGER,
    has_files INTEGER NOT NULL,
    doc       TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_live ON jobs (seq, owner, state, provider) WHERE is_final = 0;
CREATE INDEX jobs_by_state ON jobs (state) WHERE is_final = 1;
CREATE INDEX jobs_by_owner ON jobs (owner, state) WHERE is_final = 1;
CREATE INDEX jobs_by_provider ON jobs (provider, state) WHERE is_final = 1;
CREATE INDEX jobs_by_both ON jobs (owner, provider, state) WHERE is_final = 1;
CREATE INDEX jobs_expiry ON jobs (expires) WHERE is_final = 1 AND has_files = 1;

CREATE TABLE orders (
    seq    INTEGER PRIMARY KEY,
    prompt TEXT NOT NULL,
    doc    TEXT NOT NULL
) STRICT;

CREATE TABLE attempts (
    job        INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    owner      TEXT NOT NULL,
    generation INTEGER NOT NULL,
    provider   TEXT NOT NULL,
    charge     TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    billing    TEXT NOT NULL,
    reserved   INTEGER NOT NULL,
    settled    INTEGER,
    started    INTEGER NOT NULL,
    ended      INTEGER,
    doc        TEXT NOT NULL,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger ON attempts (started, reserved, settled)
    WHERE reserved > 0 OR settled IS NOT NULL;
CREATE INDEX ledger_by_owner ON attempts (owner, started, reserved, settled)
    WHERE reserved > 0 OR settled IS NOT NULL;

CREATE TABLE requests (
    job    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    doc    TEXT NOT NULL,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE routes (
    job    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    doc    TEXT NOT NULL,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    cursor INTEGER PRIMARY KEY,
    job    TEXT NOT NULL,
    at     INTEGER NOT NULL,
    event  TEXT,
    state  TEXT NOT NULL
) STRICT;

CREATE TABLE keys (
    number      INTEGER PRIMARY KEY,
    owner       TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    job         TEXT NOT NULL,
    created     INTEGER NOT NULL,
    UNIQUE (owner, key)
) STRICT;

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// A deleted job that has ended is on its way out; almost always there is none.
constexpr const char* kDeleted = R"sql(
CREATE INDEX jobs_deleted ON jobs (seq) WHERE is_final = 1 AND json_extract(doc, '$.deleted');
)sql";

constexpr std::array kSteps{kFirst, kDeleted};

constexpr std::int64_t kApplicationId = 0x52656c67; // "Relg", at byte 68 of the file

// A header of the file format: https://www.sqlite.org/fileformat.html#the_database_header
constexpr std::size_t kHeaderSize = 100;
constexpr std::string_view kMagic("SQLite format 3\0", 16);

Error too_new(std::int64_t found)
{
    return Error{.category = Category::internal,
                 .text = "the job database is of version " + std::to_string(found) +
                         ", this program knows " + std::to_string(schema_version()),
                 .code = "store_too_new",
                 .hint = "run the newer Reelgate, or give this one another data directory",
                 .phase = Phase::store};
}

Result<Done> check_numbers(std::int64_t application, std::int64_t version)
{
    if (application != 0 && application != kApplicationId)
        return damaged("jobs.db belongs to another program");
    if (version > schema_version()) return too_new(version);
    if (version < 0) return damaged("jobs.db has a version below zero");
    return Done{};
}

std::int64_t big_endian(std::string_view four)
{
    std::uint32_t value = 0;
    for (const char byte : four)
        value = (value << 8U) | static_cast<unsigned char>(byte);
    return static_cast<std::int32_t>(value);
}

// Looks at the file without SQLite, which would make its companions just to look. What is only in
// the log is checked once more after opening.
Result<Done> check_header(const fs::path& file)
{
    const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!in && errno == ENOENT) return Done{};
    struct stat facts {};
    if (!in || ::fstat(in.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        Error error = system_error(Category::internal, "opening " + file.string(), errno);
        error.code = "store_unwritable";
        return error;
    }
    if (facts.st_size == 0) return Done{}; // a start that was cut short
    std::array<char, kHeaderSize> header{};
    if (::pread(in.get(), header.data(), header.size(), 0) != ssize_t{kHeaderSize})
        return damaged("jobs.db is shorter than a header");
    const std::string_view bytes(header.data(), header.size());
    if (!bytes.starts_with(kMagic)) return damaged("jobs.db is no database");
    return check_numbers(big_endian(bytes.substr(68, 4)), big_endian(bytes.substr(60, 4)));
}

Result<std::int64_t> pragma(Database& database, std::string_view name)
{
    RG_TRY(const auto value, database.query("PRAGMA " + std::string(name)).number());
    return value.value_or(0);
}

Result<Done> configure(Database& database)
{
    // A commit is on disk when it is answered: FULL. The log is moved into the database in steps
    // of 4 MB and kept at that size. Cells are checked when a page is read, so that damage is
    // noticed and not believed.
    return database.run("PRAGMA journal_mode = WAL;"
                        "PRAGMA synchronous = FULL;"
                        "PRAGMA wal_autocheckpoint = 1000;"
                        "PRAGMA journal_size_limit = 16777216;"
                        "PRAGMA cell_size_check = ON;"
                        "PRAGMA cache_size = -8000;");
}

Result<Database> opened(const fs::path& file)
{
    RG_TRY(Database database, Database::open(file, Database::Mode::create));
    database.checkpoint_on_close(false); // until it is clear that it is ours to touch
    RG_TRY(const std::int64_t application, pragma(database, "application_id"));
    RG_TRY(const std::int64_t version, pragma(database, "user_version"));
    RG_CHECK(check_numbers(application, version));
    if (application == 0 && version == 0) {
        RG_TRY(const auto tables, database.query("SELECT count(*) FROM sqlite_schema").number());
        if (tables != 0) return damaged("jobs.db belongs to another program");
    }
    RG_CHECK(configure(database));
    RG_CHECK(migrate(database, schema_version()));
    database.checkpoint_on_close(true);
    return database;
}

} // namespace

std::span<const char* const> migrations() { return kSteps; }
int schema_version() { return static_cast<int>(kSteps.size()); }

Result<Done> migrate(Database& database, int version)
{
    RG_TRY(const std::int64_t found, pragma(database, "user_version"));
    for (std::int64_t at = found + 1; at <= version; ++at) {
        const std::string step = std::string("BEGIN IMMEDIATE;") +
                                 kSteps[static_cast<std::size_t>(at - 1)] +
                                 "PRAGMA application_id = " + std::to_string(kApplicationId) +
                                 ";PRAGMA user_version = " + std::to_string(at) + ";COMMIT;";
        if (auto done = database.run(step); !done) {
            (void)database.run("ROLLBACK").has_value(); // the first failure is the one to tell
            return std::move(done).error().while_doing("version " + std::to_string(at));
        }
    }
    return Done{};
}

Result<Database> open_for_writing(const fs::path& directory)
{
    const fs::path file = directory / "jobs.db";
    RG_CHECK(check_header(file));
    auto database = opened(file);
    // A full disk at the start is no reason to wait: nothing waits for it yet.
    if (!database) return std::move(database).error().while_doing(file.string());
    return database;
}

Result<Database> open_for_reading(const fs::path& directory)
{
    RG_TRY(Database database, Database::open(directory / "jobs.db", Database::Mode::read));
    RG_CHECK(database.run("PRAGMA cell_size_check = ON; PRAGMA query_only = ON;"));
    return database;
}

} // namespace reelgate::store
