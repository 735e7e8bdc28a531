#include "host/engine/purses.hpp"

#include "host/router/history.hpp"

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

constexpr auto kRetry = std::chrono::seconds(1); // where the store did not answer

// Whoever waits for tomorrow is woken no later than so long after it has come: by a timer that
// stands still while the machine sleeps.
constexpr auto kLookAtTheClock = std::chrono::minutes(1);

} // namespace

Purses::Purses(asio::io_context& loop,
               JobStore& store,
               const Clock& clock,
               std::function<void()> changed)
    : store_(store), clock_(clock), changed_(std::move(changed)), alarm_(loop),
      known_alarm_(loop, asio::steady_timer::time_point::max())
{
}

void Purses::configure(const std::map<std::string, Money>& caps)
{
    std::erase_if(purses_, [&caps](const auto& one) { return !caps.contains(one.first); });
    for (const auto& [owner, cap] : caps)
        purses_[owner].cap = cap;
    alarm_.cancel();
}

bool Purses::are_known()
{
    if (purses_.empty()) return true;
    if (midnight() != day_) {
        alarm_.cancel();
        return false;
    }
    return std::all_of(
        purses_.begin(), purses_.end(), [](const auto& one) { return one.second.is_known; });
}

asio::awaitable<void> Purses::until_known()
{
    while (!are_known() && !stopped_) {
        boost::system::error_code woken;
        co_await known_alarm_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
}

std::optional<Money> Purses::left(const std::string& owner) const
{
    const auto purse = purses_.find(owner);
    if (purse == purses_.end()) return std::nullopt;
    Money left = purse->second.cap - purse->second.spent;
    for (const Promise& promise : promises_)
        if (promise.owner == owner) left -= promise.amount;
    return std::max(left, Money{});
}

void Purses::promise(const JobId& id, std::size_t attempt, const std::string& owner, Money amount)
{
    if (amount > Money{}) promises_.push_back({id, attempt, owner, amount});
}

void Purses::withdraw(const JobId& id)
{
    if (std::erase_if(promises_, [&id](const Promise& promise) { return promise.id == id; }) > 0)
        changed_();
}

Money Purses::committed_today(const Job& job) const
{
    Money sum;
    for (const Attempt& attempt : job.attempts)
        if (attempt.started >= day_) sum += committed_by(attempt);
    return sum;
}

void Purses::stored(const Job& job)
{
    ++changes_;
    std::erase_if(promises_, [&job](const Promise& promise) {
        return promise.id == job.id && job.attempts.size() >= promise.attempt;
    });
    const Money now = committed_today(job);
    // One that is seen for the first time is new, or its share is in what the store said.
    const auto [share, is_first] = shares_.try_emplace(job.id, Share{day_, now});
    const Money before = share->second.day == day_ ? share->second.amount : Money{};
    if (const auto purse = purses_.find(job.order.owner); purse != purses_.end() && !is_first)
        purse->second.spent += now - before;
    share->second = {day_, now};
    if (is_final(job.state)) shares_.erase(share);
}

WallTime Purses::midnight() const { return std::chrono::floor<std::chrono::days>(clock_.wall()); }

// What changes meanwhile may be in the answer or not: then it is asked again.
asio::awaitable<bool> Purses::ask(std::string owner)
{
    while (!stopped_) {
        const std::uint64_t seen = changes_;
        auto asking = store_.spent(owner, day_);
        const Result<LedgerSum> sum = co_await std::move(asking);
        if (!sum) co_return false;
        if (seen != changes_) continue;
        if (const auto purse = purses_.find(owner); purse != purses_.end()) {
            purse->second.spent = sum->settled + sum->reserved;
            purse->second.is_known = true;
        }
        co_return true;
    }
    co_return false;
}

void Purses::begin_day()
{
    day_ = midnight();
    for (auto& [owner, purse] : purses_)
        purse.is_known = false;
    for (const Job* job : store_.live_jobs())
        shares_[job->id] = {day_, committed_today(*job)};
}

asio::awaitable<void> Purses::keep()
{
    while (!stopped_) {
        if (day_ != midnight()) begin_day();
        std::vector<std::string> unknown;
        for (const auto& [owner, purse] : purses_)
            if (!purse.is_known) unknown.push_back(owner);
        bool answered = true;
        for (const std::string& owner : unknown) {
            const bool known = co_await ask(owner);
            answered = answered && known;
        }
        if (are_known()) known_alarm_.cancel();
        if (!unknown.empty()) changed_();
        if (stopped_ || (answered && !are_known())) continue; // configured anew meanwhile
        const WallTime::duration rest = day_ + std::chrono::days(1) - clock_.wall();
        alarm_.expires_after(std::chrono::duration_cast<std::chrono::nanoseconds>(
            answered ? std::min<WallTime::duration>(rest, kLookAtTheClock) : kRetry));
        boost::system::error_code woken;
        co_await alarm_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
}

void Purses::stop()
{
    stopped_ = true;
    alarm_.cancel();
    known_alarm_.cancel();
}

} // namespace reelgate
