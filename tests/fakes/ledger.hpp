// What the world outside remembers: submits, charges, probes and the rest, one JSON object a line
// in a file that only grows. Every process that plays a provider appends to it, and a test reads it
// to count what really happened, whoever crashed in between.
//
// An entry has `event`, `provider` and `pid`, and where they apply `key` (the idempotency key of
// the attempt), `remote` (the id of the work over there) and `usd`.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate::fakes {

class Ledger {
public:
    // An empty path is a ledger that forgets. The file is created by the first entry.
    Ledger(std::filesystem::path file, std::string provider);

    // Returns when the entry is on disk; one write, so that no two processes mix their lines.
    // Throws std::system_error: a fake that cannot count must not go on.
    void append(std::string_view event, nlohmann::json fields = nlohmann::json::object()) const;

    const std::filesystem::path& file() const { return file_; }
    const std::string& provider() const { return provider_; }

private:
    std::filesystem::path file_;
    std::string provider_;
};

using LedgerEntries = std::vector<nlohmann::json>;

// In the order they were written; nothing if there is no file. A torn last line is left out.
LedgerEntries read_ledger(const std::filesystem::path& file);

// How often `event` happened, to `provider` or to all of them.
std::size_t
count(const LedgerEntries& entries, std::string_view event, std::string_view provider = {});

// What all charges add up to, in millionths of a dollar.
std::int64_t charged_micros(const LedgerEntries& entries, std::string_view provider = {});

// "0.40" -> 400000. Throws std::invalid_argument unless it is a plain decimal with at most six
// places.
std::int64_t micros(std::string_view usd);

} // namespace reelgate::fakes
