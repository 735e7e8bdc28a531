// SQLite as this room sees it: connections, statements that are prepared once, failures as values.
// A connection belongs to one thread at a time.
#pragma once

#include "host/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace reelgate::store {

// A statement in use. It is reset at the end of its scope; the one of the same text must not be in
// use twice at a time.
class Query {
public:
    Query(sqlite3* connection, Result<sqlite3_stmt*> statement);
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    ~Query();

    // The parameters, from left to right.
    Query& bind(std::int64_t value);
    Query& bind(std::string_view text);
    Query& bind(std::optional<std::int64_t> value);

    Result<bool> next();                          // is there a(nother) row?
    Result<Done> run();                           // for statements that answer nothing
    Result<std::optional<std::int64_t>> number(); // the first column of the first row

    // Columns of the row that next() came to, from 0.
    std::int64_t integer(int column) const;
    std::optional<std::int64_t> integer_if_any(int column) const;
    std::string text(int column) const;
    bool is_null(int column) const;

private:
    void note(int status);

    sqlite3* connection_;
    sqlite3_stmt* statement_ = nullptr;
    std::optional<Error> failure_;
    int parameters_ = 0;
};

class Database {
public:
    enum class Mode { create, write, read };

    // Opens the file and no more: nothing is read or written yet.
    static Result<Database> open(const std::filesystem::path& file, Mode mode);

    Result<Done> run(const std::string& statements); // none with parameters
    Query query(std::string_view statement);
    std::int64_t changed_rows() const; // by the statement before

    // Whether closing the last connection moves what is in the log into the database.
    void checkpoint_on_close(bool does);

private:
    explicit Database(sqlite3* connection);
    Result<sqlite3_stmt*> prepared(std::string_view statement);

    struct Close {
        void operator()(sqlite3* connection) const;
    };
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    std::unique_ptr<sqlite3, Close> connection_;
    // Before the connection is closed its statements must be gone: declared after it.
    std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> statements_;
};

// What a failure means for the store. The words are Error::code.
bool is_full(const Error& error);    // the disk, for now: worth another try
bool is_damaged(const Error& error); // `store_damaged`

Error damaged(const std::string& what);

} // namespace reelgate::store
