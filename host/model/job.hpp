// A job is what a client holds: one order, carried to a finished file or to the reason why there is
// none. An attempt is one submit of it at one provider. The life of a job is the table at the end;
// host/store is the only place that moves a job along it.
#pragma once

#include "host/base/clock.hpp"
#include "host/base/error.hpp"
#include "host/base/ids.hpp"
#include "host/model/artifact.hpp"
#include "host/model/money.hpp"
#include "host/model/provider.hpp"
#include "host/model/request.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reelgate {

enum class JobState : std::uint8_t {
    queued,     // waits for its turn; the engine knows for what
    submitting, // the intent is on disk, no verdict yet
    ambiguous,  // it may have left; being reconciled, or waiting for a person
    running,    // accepted and working
    collecting, // fetched, verified, adopted
    cancelling, // asked to stop
    completed,  // the file is here, verified
    failed,
    cancelled,
    quarantined, // killed its worker twice
};

enum class JobEvent : std::uint8_t {
    picked,       // a provider was chosen, the intent is stored
    accepted,     // the provider has it, or its worker has begun
    refused,      // it has not left, or was turned away
    verdict_lost, // nobody knows whether it was accepted
    written_off,  // an ambiguous submit is known or declared to be lost
    attempt_lost, // accepted, and came to nothing
    output_ready, // the provider says it is done
    verified,     // the file is adopted
    cancel_asked,
    stopped,  // what was cancelled has ended
    gave_up,  // nobody is left to try, or a deadline is over
    poisoned, // it has killed its worker too often
    retried,  // its owner lets a quarantined job try again
};

// What a queued job waits for.
enum class Waiting : std::uint8_t { slot, waiting_for_provider, storage, retry };

enum class Priority : std::uint8_t { interactive, normal, bulk };

std::string_view to_string(JobState state);
std::string_view to_string(JobEvent event);
std::string_view to_string(Waiting waiting);
std::string_view to_string(Priority priority);
std::optional<JobState> job_state_from(std::string_view word);
std::optional<JobEvent> job_event_from(std::string_view word);
std::optional<Waiting> waiting_from(std::string_view word);
std::optional<Priority> priority_from(std::string_view word);

// Where the client wants it to go. May narrow what its key and the chain permit, never widen it.
struct RouteWish {
    std::string chain = {};                   // empty: the default chain
    std::optional<std::string> provider = {}; // this one only, unless allow_fallback
    std::vector<std::string> order = {};      // these first, in this order
    std::vector<std::string> only = {};
    std::vector<std::string> ignore = {};
    std::optional<bool> allow_fallback = {}; // open: yes, except with a named provider
    std::optional<Money> max_price = {};
    std::optional<Egress> egress = {};           // no further than this
    std::optional<bool> allow_media_egress = {}; // consent to send inputs to a cloud

    friend bool operator==(const RouteWish&, const RouteWish&) = default;
};

// What the client asked for. Written once, when the job is admitted.
struct JobOrder {
    Wish wish;
    RouteWish route = {};
    Adjust adjust = Adjust::nearest;
    bool accept_deviation = false;
    Priority priority = Priority::normal;
    std::vector<std::string> on_oom = {};              // ladder of settings to give up, in order
    std::optional<std::chrono::seconds> max_wait = {}; // for a provider; 0: fail at once
    std::optional<std::chrono::seconds> deadline = {}; // for the whole job
    std::string params_by_plugin_json = "{}";          // {"<plugin id>": {...}}
    std::string extra_json = "{}";                     // fields that only other programs know
    std::string inputs_dir = {};                       // holds wish.inputs; a name, not a path
    std::string owner = {};                            // name of the key; empty: nobody's
    std::string user = {};                             // the client's own word, stored only
    std::optional<JobId> remixed_from = {};
    std::string trace_parent = {};

    friend bool operator==(const JobOrder&, const JobOrder&) = default;
};

// What became of a submit.
enum class Verdict : std::uint8_t { pending, not_sent, refused, ambiguous, accepted };
std::string_view to_string(Verdict verdict);
std::optional<Verdict> verdict_from(std::string_view word);

// How long something took, by the name that whoever did it gave it.
struct StageTime {
    std::string name;
    double seconds = 0;

    StageTime() = default;
    StageTime(std::string stage, double took) : name(std::move(stage)), seconds(took) {}
    friend bool operator==(const StageTime&, const StageTime&) = default;
};

// One submit at one provider. Everything a restart needs to follow the work with the same identity
// is here, because by then the configuration may name somebody else.
struct Attempt {
    unsigned number = 1;          // 1, 2, ... within the job
    std::uint64_t generation = 0; // fencing: what another generation says is not heard
    std::string provider = {};
    std::string plugin = {};
    std::string plugin_identity = {}; // version and hash of what ran
    std::string model = {};
    std::uint64_t config_revision = 0;
    Charge charge = Charge::paid;
    Request request = {};
    std::vector<std::string> warnings = {}; // what normalising changed
    std::string intent_json = {};           // what the plugin said before it submitted
    std::string remote_json = {};           // what it needs to follow accepted work
    Verdict verdict = Verdict::pending;
    Money reserved = {};
    std::optional<Money> settled = {};
    Billing billing = Billing::not_billed;
    WallTime started = {};
    std::optional<WallTime> accepted = {};
    std::optional<WallTime> ended = {};
    std::optional<Error> error = {};
    bool crashed_worker = false;
    unsigned host_deaths = 0;               // deaths of the whole daemon while it was at work
    bool forgiven = false;                  // its owner let the job try again after it
    std::string last_stage = {};            // for "silent since ..."
    std::vector<StageTime> stages = {};     // as the provider named them, in order
    std::vector<StageTime> collecting = {}; // verify, convert, pictures, adopt

    friend bool operator==(const Attempt&, const Attempt&) = default;
};

struct StoredFile {
    std::string role; // video, thumbnail, spritesheet, summary
    std::string path; // below the artifact directory
    std::string mime;
    std::string sha256; // hex
    std::uint64_t bytes = 0;

    friend bool operator==(const StoredFile&, const StoredFile&) = default;
};

struct JobArtifact {
    std::vector<StoredFile> files = {}; // the first is the video
    MediaFacts facts = {};
    std::vector<Deviation> deviations = {};

    friend bool operator==(const JobArtifact&, const JobArtifact&) = default;
};

struct Job {
    JobId id;
    std::uint64_t revision = 0; // grows with each change
    JobOrder order;
    JobState state = JobState::queued;
    Waiting waiting = Waiting::slot;
    std::optional<WallTime> wait_until = {}; // the earliest moment at which waiting may end
    WallTime created = {};
    WallTime changed = {};
    std::optional<WallTime> retried = {}; // its time begins anew then
    std::optional<WallTime> finished = {};
    std::optional<WallTime> expires = {};
    std::vector<Attempt> attempts = {};
    unsigned crashes = 0;
    std::optional<Error> error = {};
    bool cancel_asked = false;
    bool can_stop = true;
    std::optional<bool> compute_stopped = {};
    bool late = false;    // a result came after the end
    bool deleted = false; // by its owner while it lived: hidden, and gone once it has ended
    std::optional<JobArtifact> artifact = {};
    std::vector<std::string> warnings = {};
    std::uint64_t seed = 0; // drawn at admission where the client left it open

    Attempt* current() { return attempts.empty() ? nullptr : &attempts.back(); }
    const Attempt* current() const { return attempts.empty() ? nullptr : &attempts.back(); }
    WallTime began() const { return retried.value_or(created); } // what its deadline counts from

    friend bool operator==(const Job&, const Job&) = default;
};

// The most cautious of what its attempts may have cost.
Billing billing_of(const Job& job);

struct Transition {
    JobState from;
    JobEvent on;
    JobState to;
};

// clang-format off
inline constexpr std::array kTransitions{
    Transition{JobState::queued,      JobEvent::picked,       JobState::submitting},
    Transition{JobState::queued,      JobEvent::gave_up,      JobState::failed},
    Transition{JobState::queued,      JobEvent::poisoned,     JobState::quarantined},
    Transition{JobState::queued,      JobEvent::cancel_asked, JobState::cancelled},
    Transition{JobState::submitting,  JobEvent::accepted,     JobState::running},
    Transition{JobState::submitting,  JobEvent::refused,      JobState::queued},
    Transition{JobState::submitting,  JobEvent::attempt_lost, JobState::queued},
    Transition{JobState::submitting,  JobEvent::verdict_lost, JobState::ambiguous},
    Transition{JobState::submitting,  JobEvent::cancel_asked, JobState::cancelling},
    Transition{JobState::ambiguous,   JobEvent::accepted,     JobState::running},
    Transition{JobState::ambiguous,   JobEvent::written_off,  JobState::queued},
    Transition{JobState::ambiguous,   JobEvent::gave_up,      JobState::failed},
    Transition{JobState::ambiguous,   JobEvent::cancel_asked, JobState::cancelling},
    Transition{JobState::running,     JobEvent::output_ready, JobState::collecting},
    Transition{JobState::running,     JobEvent::attempt_lost, JobState::queued},
    Transition{JobState::running,     JobEvent::verdict_lost, JobState::ambiguous},
    Transition{JobState::running,     JobEvent::cancel_asked, JobState::cancelling},
    Transition{JobState::collecting,  JobEvent::verified,     JobState::completed},
    Transition{JobState::collecting,  JobEvent::attempt_lost, JobState::queued},
    Transition{JobState::collecting,  JobEvent::verdict_lost, JobState::ambiguous},
    Transition{JobState::collecting,  JobEvent::gave_up,      JobState::failed},
    Transition{JobState::collecting,  JobEvent::cancel_asked, JobState::cancelling},
    Transition{JobState::cancelling,  JobEvent::stopped,      JobState::cancelled},
    Transition{JobState::cancelling,  JobEvent::output_ready, JobState::collecting},
    Transition{JobState::quarantined, JobEvent::retried,      JobState::queued},
};
// clang-format on

// Where `state` goes on `event`; nothing if that pair is illegal.
constexpr std::optional<JobState> next(JobState state, JobEvent event)
{
    for (const Transition& t : kTransitions)
        if (t.from == state && t.on == event) return t.to;
    return std::nullopt;
}

// A final job does nothing any more by itself; a quarantined one may be let go again.
constexpr bool is_final(JobState state)
{
    for (const Transition& t : kTransitions)
        if (t.from == state && t.on != JobEvent::retried) return false;
    return true;
}

} // namespace reelgate
