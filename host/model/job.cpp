#include "host/model/job.hpp"

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

// clang-format off
constexpr std::array<std::string_view, 10> kStates{
    "queued", "submitting", "ambiguous", "running", "collecting",
    "cancelling", "completed", "failed", "cancelled", "quarantined"};
constexpr std::array<std::string_view, 13> kEvents{
    "picked", "accepted", "refused", "verdict_lost", "written_off", "attempt_lost", "output_ready",
    "verified", "cancel_asked", "stopped", "gave_up", "poisoned", "retried"};
constexpr std::array<std::string_view, 4> kWaitings{
    "slot", "waiting_for_provider", "storage", "retry"};
constexpr std::array<std::string_view, 3> kPriorities{"interactive", "normal", "bulk"};
constexpr std::array<std::string_view, 5> kVerdicts{
    "pending", "not_sent", "refused", "ambiguous", "accepted"};
// clang-format on

static_assert(kStates.size() == static_cast<std::size_t>(JobState::quarantined) + 1);
static_assert(kEvents.size() == static_cast<std::size_t>(JobEvent::retried) + 1);
static_assert(kWaitings.size() == static_cast<std::size_t>(Waiting::retry) + 1);
static_assert(kPriorities.size() == static_cast<std::size_t>(Priority::bulk) + 1);
static_assert(kVerdicts.size() == static_cast<std::size_t>(Verdict::accepted) + 1);

template <std::size_t N, class Enum>
std::string_view word_of(const std::array<std::string_view, N>& words, Enum value)
{
    return words[static_cast<std::size_t>(value)];
}

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const std::array<std::string_view, N>& words, std::string_view word)
{
    const auto* const found = std::find(words.begin(), words.end(), word);
    if (found == words.end()) return std::nullopt;
    return static_cast<Enum>(found - words.begin());
}

} // namespace

std::string_view to_string(JobState state) { return word_of(kStates, state); }
std::string_view to_string(JobEvent event) { return word_of(kEvents, event); }
std::string_view to_string(Waiting waiting) { return word_of(kWaitings, waiting); }
std::string_view to_string(Priority priority) { return word_of(kPriorities, priority); }
std::string_view to_string(Verdict verdict) { return word_of(kVerdicts, verdict); }

std::optional<JobState> job_state_from(std::string_view word)
{
    return value_of<JobState>(kStates, word);
}

std::optional<JobEvent> job_event_from(std::string_view word)
{
    return value_of<JobEvent>(kEvents, word);
}

std::optional<Waiting> waiting_from(std::string_view word)
{
    return value_of<Waiting>(kWaitings, word);
}

std::optional<Priority> priority_from(std::string_view word)
{
    return value_of<Priority>(kPriorities, word);
}

std::optional<Verdict> verdict_from(std::string_view word)
{
    return value_of<Verdict>(kVerdicts, word);
}

Billing billing_of(const Job& job)
{
    if (job.attempts.empty()) return Billing::not_billed;
    Billing most = Billing::free;
    for (const Attempt& attempt : job.attempts)
        most = std::max(most, attempt.billing);
    return most;
}

} // namespace reelgate
