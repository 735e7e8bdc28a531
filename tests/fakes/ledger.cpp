#include "tests/fakes/ledger.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace reelgate::fakes {
namespace {

using nlohmann::json;

[[noreturn]] void fail(const std::filesystem::path& file)
{
    throw std::system_error(errno, std::generic_category(), "ledger " + file.string());
}

void write_durably(int fd, const std::string& line, const std::filesystem::path& file)
{
    const ssize_t written = ::write(fd, line.data(), line.size());
    if (written < 0) fail(file);
    if (static_cast<std::size_t>(written) != line.size()) {
        errno = ENOSPC;
        fail(file);
    }
    if (::fsync(fd) != 0) fail(file);
}

bool is_of(const json& entry, std::string_view provider)
{
    return provider.empty() || entry.value("provider", "") == provider;
}

} // namespace

Ledger::Ledger(std::filesystem::path file, std::string provider)
    : file_(std::move(file)), provider_(std::move(provider))
{
}

void Ledger::append(std::string_view event, json fields) const
{
    if (file_.empty()) return;
    using namespace std::chrono;
    fields["event"] = event;
    fields["provider"] = provider_;
    fields["pid"] = ::getpid();
    fields["at_ms"] = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    const std::string line = fields.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
    const int fd = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) fail(file_);
    try {
        write_durably(fd, line, file_);
    } catch (...) {
        ::close(fd);
        throw;
    }
    ::close(fd);
}

LedgerEntries read_ledger(const std::filesystem::path& file)
{
    LedgerEntries entries;
    std::ifstream in(file);
    std::string line;
    while (std::getline(in, line))
        if (!in.eof()) entries.push_back(json::parse(line)); // a line without its end is a torn one
    return entries;
}

std::size_t count(const LedgerEntries& entries, std::string_view event, std::string_view provider)
{
    return static_cast<std::size_t>(std::ranges::count_if(entries, [&](const json& entry) {
        return entry.value("event", "") == event && is_of(entry, provider);
    }));
}

std::int64_t charged_micros(const LedgerEntries& entries, std::string_view provider)
{
    std::int64_t sum = 0;
    for (const json& entry : entries)
        if (entry.value("event", "") == "charge" && is_of(entry, provider))
            sum += micros(entry.at("usd").get<std::string>());
    return sum;
}

std::int64_t micros(std::string_view usd)
{
    const auto refuse = [&] {
        throw std::invalid_argument("'" + std::string(usd) + "' is no amount such as 0.40");
    };
    const std::size_t point = std::min(usd.find('.'), usd.size());
    const std::string_view whole = usd.substr(0, point);
    const std::string_view places = point < usd.size() ? usd.substr(point + 1) : std::string_view();
    if (whole.empty() || whole.size() > 9 || places.size() > 6) refuse();
    if (point < usd.size() && places.empty()) refuse();
    std::int64_t amount = 0;
    for (const char c :
         std::string(whole) + std::string(places) + std::string(6 - places.size(), '0')) {
        if (c < '0' || c > '9') refuse();
        amount = amount * 10 + (c - '0');
    }
    return amount;
}

} // namespace reelgate::fakes
