#include "host/store/database.hpp"

#include <sqlite3.h>

#include <utility>

namespace reelgate::store {
namespace {

// Another process may look into the database with a tool of its own and hold it for a moment.
constexpr int kBusyMs = 2000;

Error full(const std::string& why)
{
    return Error{.category = Category::storage_full,
                 .text = "the job database cannot be written: " + why,
                 .code = "store_full",
                 .hint = "make room on the disk; what waits is written then",
                 .phase = Phase::store};
}

Error unwritable(const std::string& why)
{
    return Error{.category = Category::internal,
                 .text = "the job database cannot be opened for writing: " + why,
                 .code = "store_unwritable",
                 .hint = "check the owner and the mode of the data directory",
                 .phase = Phase::store};
}

Error failed(sqlite3* connection, int status)
{
    const std::string why =
        connection == nullptr ? sqlite3_errstr(status) : sqlite3_errmsg(connection);
    switch (status) { // extended codes first: some of them mean another thing than their family
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_CORRUPTFS:
        return damaged(why);
    default:
        break;
    }
    switch (status & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return full(why);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return damaged(why);
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return unwritable(why);
    default:
        return Error{.category = Category::internal,
                     .text = "the job database: " + why,
                     .code = "store_failed",
                     .phase = Phase::store};
    }
}

int flags_of(Database::Mode mode)
{
    // One thread at a time has a connection, so SQLite need not guard it.
    constexpr int kAlways = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    switch (mode) {
    case Database::Mode::create:
        return kAlways | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case Database::Mode::write:
        return kAlways | SQLITE_OPEN_READWRITE;
    case Database::Mode::read:
        break;
    }
    return kAlways | SQLITE_OPEN_READONLY;
}

} // namespace

Error damaged(const std::string& what)
{
    return Error{.category = Category::internal,
                 .text = "the job database is damaged: " + what,
                 .code = "store_damaged",
                 .hint = "put back a copy of it, or move jobs.db* away to begin anew",
                 .phase = Phase::store};
}

bool is_full(const Error& error) { return error.code == "store_full"; }
bool is_damaged(const Error& error) { return error.code == "store_damaged"; }

// Query ------------------------------------------------------------------------------------------

Query::Query(sqlite3* connection, Result<sqlite3_stmt*> statement) : connection_(connection)
{
    if (statement)
        statement_ = *statement;
    else
        failure_ = std::move(statement).error();
}

Query::~Query()
{
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

void Query::note(int status)
{
    if (status != SQLITE_OK) failure_ = failed(connection_, status);
}

Query& Query::bind(std::int64_t value)
{
    if (!failure_) note(sqlite3_bind_int64(statement_, ++parameters_, value));
    return *this;
}

Query& Query::bind(std::string_view text)
{
    // SQLite copies it: callers may pass what does not outlive the line.
    if (!failure_)
        note(sqlite3_bind_text64(statement_,
                                 ++parameters_,
                                 text.empty() ? "" : text.data(),
                                 text.size(),
                                 SQLITE_TRANSIENT,
                                 SQLITE_UTF8));
    return *this;
}

Query& Query::bind(std::optional<std::int64_t> value)
{
    if (value) return bind(*value);
    if (!failure_) note(sqlite3_bind_null(statement_, ++parameters_));
    return *this;
}

Result<bool> Query::next()
{
    if (failure_) return *failure_;
    const int status = sqlite3_step(statement_);
    if (status == SQLITE_ROW) return true;
    if (status == SQLITE_DONE) return false;
    failure_ = failed(connection_, status);
    return *failure_;
}

Result<Done> Query::run()
{
    RG_TRY(const bool row, next());
    (void)row;
    return Done{};
}

Result<std::optional<std::int64_t>> Query::number()
{
    RG_TRY(const bool row, next());
    if (!row) return std::optional<std::int64_t>{};
    return integer_if_any(0);
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::optional<std::int64_t> Query::integer_if_any(int column) const
{
    if (is_null(column)) return std::nullopt;
    return integer(column);
}

std::string Query::text(int column) const
{
    // SQLite has text as bytes of unsigned char.
    const void* bytes = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    if (bytes == nullptr || size <= 0) return {};
    return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

bool Query::is_null(int column) const
{
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

// Database ---------------------------------------------------------------------------------------

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close(connection); }
void Database::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Database::Database(sqlite3* connection) : connection_(connection) {}

Result<Database> Database::open(const std::filesystem::path& file, Mode mode)
{
    sqlite3* connection = nullptr;
    const int status = sqlite3_open_v2(file.c_str(), &connection, flags_of(mode), nullptr);
    Database opened(connection); // SQLite wants it closed after a failure too
    if (status != SQLITE_OK) return failed(connection, status).while_doing(file.string());
    sqlite3_busy_timeout(connection, kBusyMs);
    return opened;
}

Result<Done> Database::run(const std::string& statements)
{
    const int status =
        sqlite3_exec(connection_.get(), statements.c_str(), nullptr, nullptr, nullptr);
    if (status != SQLITE_OK) return failed(connection_.get(), status);
    return Done{};
}

Query Database::query(std::string_view statement)
{
    return Query(connection_.get(), prepared(statement));
}

Result<sqlite3_stmt*> Database::prepared(std::string_view statement)
{
    const auto known = statements_.find(statement);
    if (known != statements_.end()) return known->second.get();
    sqlite3_stmt* made = nullptr;
    const int status = sqlite3_prepare_v3(connection_.get(),
                                          statement.data(),
                                          static_cast<int>(statement.size()),
                                          SQLITE_PREPARE_PERSISTENT,
                                          &made,
                                          nullptr);
    if (status != SQLITE_OK) return failed(connection_.get(), status);
    statements_.emplace(statement, made);
    return made;
}

std::int64_t Database::changed_rows() const { return sqlite3_changes64(connection_.get()); }

void Database::checkpoint_on_close(bool does)
{
    sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, does ? 0 : 1, nullptr);
}

} // namespace reelgate::store
