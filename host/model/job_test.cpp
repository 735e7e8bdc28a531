#include "host/model/job.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace reelgate {
namespace {

// The life of a job, drawn: a line for each state, a column for each event, in the order of the
// enums. A dot is an event that cannot happen there.
constexpr const char* kMatrix = R"(
             picked accepted refused  lost      written lost_run output  verified cancel stopped gave_up poison retried
queued       submit .        .        .         .       .        .       .        cancld .       failed  quarant .
submitting   .      running  queued   ambiguous .       queued   .       .        cancel .       .       .      .
ambiguous    .      running  .        .         queued  .        .       .        cancel .       failed  .      .
running      .      .        .        ambiguous .       queued   collect .        cancel .       .       .      .
collecting   .      .        .        ambiguous .       queued   .       complete cancel .       failed  .      .
cancelling   .      .        .        .         .       .        collect .        .      cancld  .       .      .
completed    .      .        .        .         .       .        .       .        .      .       .       .      .
failed       .      .        .        .         .       .        .       .        .      .       .       .      .
cancelled    .      .        .        .         .       .        .       .        .      .       .       .      .
quarantined  .      .        .        .         .       .        .       .        .      .       .       .      queued
)";

constexpr unsigned kStates = 10;
constexpr unsigned kEvents = 13;

std::string drawn(std::optional<JobState> state)
{
    if (!state) return ".";
    const std::map<JobState, std::string> names{
        {JobState::queued,      "queued"   },
        {JobState::submitting,  "submit"   },
        {JobState::ambiguous,   "ambiguous"},
        {JobState::running,     "running"  },
        {JobState::collecting,  "collect"  },
        {JobState::cancelling,  "cancel"   },
        {JobState::completed,   "complete" },
        {JobState::failed,      "failed"   },
        {JobState::cancelled,   "cancld"   },
        {JobState::quarantined, "quarant"  }
    };
    return names.at(*state);
}

TEST(JobLife, IsAsDrawn)
{
    std::istringstream lines(kMatrix);
    std::string line;
    std::getline(lines, line); // empty
    std::getline(lines, line); // the events
    for (unsigned s = 0; s < kStates; ++s) {
        ASSERT_TRUE(std::getline(lines, line));
        std::istringstream words(line);
        std::string name;
        words >> name;
        const auto state = static_cast<JobState>(s);
        EXPECT_EQ(name, to_string(state));
        for (unsigned e = 0; e < kEvents; ++e) {
            const auto event = static_cast<JobEvent>(e);
            std::string expected;
            ASSERT_TRUE(words >> expected) << line;
            EXPECT_EQ(drawn(next(state, event)), expected)
                << to_string(state) << " on " << to_string(event);
        }
        std::string more;
        EXPECT_FALSE(words >> more) << "a column too many: " << line;
    }
}

TEST(JobLife, HasOneRowForEachPair)
{
    for (const Transition& a : kTransitions)
        for (const Transition& b : kTransitions)
            EXPECT_TRUE(&a == &b || a.from != b.from || a.on != b.on)
                << to_string(a.from) << " on " << to_string(a.on);
}

TEST(JobLife, EndsWhereNothingGoesOnByItself)
{
    const std::vector<JobState> ends{
        JobState::completed, JobState::failed, JobState::cancelled, JobState::quarantined};
    for (unsigned s = 0; s < kStates; ++s) {
        const auto state = static_cast<JobState>(s);
        const bool is_end = std::find(ends.begin(), ends.end(), state) != ends.end();
        EXPECT_EQ(is_final(state), is_end) << to_string(state);
    }
}

TEST(JobLife, ReachesEveryStateFromQueued)
{
    std::vector<bool> seen(kStates, false);
    std::vector<JobState> open{JobState::queued};
    while (!open.empty()) {
        const JobState state = open.back();
        open.pop_back();
        if (seen[static_cast<std::size_t>(state)]) continue;
        seen[static_cast<std::size_t>(state)] = true;
        for (const Transition& t : kTransitions)
            if (t.from == state) open.push_back(t.to);
    }
    for (unsigned s = 0; s < kStates; ++s)
        EXPECT_TRUE(seen[s]) << to_string(static_cast<JobState>(s));
}

template <class Enum>
void go_round(unsigned count, std::optional<Enum> (*from)(std::string_view))
{
    for (unsigned i = 0; i < count; ++i) {
        const auto value = static_cast<Enum>(i);
        EXPECT_EQ(from(to_string(value)), value) << to_string(value);
    }
    EXPECT_EQ(from(""), std::nullopt);
    EXPECT_EQ(from("Queued"), std::nullopt);
}

TEST(JobWords, ComeBackAsWhatTheyWere)
{
    go_round<JobState>(kStates, job_state_from);
    go_round<JobEvent>(kEvents, job_event_from);
    go_round<Waiting>(4, waiting_from);
    go_round<Priority>(3, priority_from);
    go_round<Verdict>(5, verdict_from);
    go_round<Egress>(3, egress_from);
}

TEST(JobWords, NameBreakersAndCharges)
{
    EXPECT_EQ(to_string(Breaker::closed), "closed");
    EXPECT_EQ(to_string(Breaker::half_open), "half_open");
    EXPECT_EQ(to_string(Breaker::open), "open");
    EXPECT_EQ(to_string(Charge::free), "free");
    EXPECT_EQ(to_string(Charge::paid), "paid");
}

TEST(JobBilling, IsTheMostCautiousOfItsAttempts)
{
    Job job;
    EXPECT_EQ(billing_of(job), Billing::not_billed);
    job.attempts.push_back({.billing = Billing::free});
    EXPECT_EQ(billing_of(job), Billing::free);
    job.attempts.push_back({.billing = Billing::maybe_billed});
    job.attempts.push_back({.billing = Billing::not_billed});
    EXPECT_EQ(billing_of(job), Billing::maybe_billed);
}

TEST(Ids, AreWellFormedAndNeverTheSame)
{
    const std::string one = to_string(new_job_id());
    EXPECT_THAT(one, testing::MatchesRegex("video_[0-9a-f]{32}"));
    EXPECT_NE(one, to_string(new_job_id()));
}

} // namespace
} // namespace reelgate
