// The life of a job: admitted, decided, attempted, collected, ended; cancelled on the way; found
// again after a restart. Everything runs on the loop; what blocks goes to the pool.
//
// The scheduler's turn is short on purpose. It asks the router about each job that waits, does what
// the router answers, and sleeps until something changes or the earliest wait is over.
#pragma once

#include "host/base/async.hpp"
#include "host/base/clock.hpp"
#include "host/base/log.hpp"
#include "host/engine/bell.hpp"
#include "host/engine/milestone.hpp"
#include "host/engine/progress_hub.hpp"
#include "host/engine/provider_slot.hpp"
#include "host/engine/purses.hpp"
#include "host/engine/waitlist.hpp"
#include "host/media/desk.hpp"
#include "host/router/decide.hpp"
#include "host/router/pace.hpp"
#include "host/store/artifact_store.hpp"
#include "host/store/job_store.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace reelgate {

// What the engine is made of. All of it outlives the engine.
struct EngineParts {
    asio::io_context& loop;
    asio::thread_pool& pool;
    const Clock& clock;
    const Log& log;
    JobStore& store;
    const ArtifactStore& artifacts;
    MediaDesk& media;
    std::filesystem::path work_root;   // work directories of attempts, below each provider's name
    std::filesystem::path keep_root;   // what they left, while it is verified
    std::filesystem::path inputs_root; // what clients sent, a directory for each order
};

struct EngineSettings {
    std::vector<Chain> chains;
    std::string default_chain;
    JobLimits limits;
    std::map<std::string, KeyView> keys; // by name; who is not named here may go anywhere
    std::map<std::string, std::size_t> queued_per_key;
    std::map<std::string, Money> spend_per_day; // most that the jobs of a key may cost in a day
    PromptsInLog prompts = PromptsInLog::hash;
    std::size_t max_queued = 10'000;
    std::chrono::seconds keep_artifacts = std::chrono::hours(24 * 30);
    std::chrono::seconds attempt_deadline = std::chrono::hours(2);
    std::chrono::milliseconds room_every = std::chrono::seconds(30); // between looks for space
    std::chrono::milliseconds first_rest = std::chrono::seconds(1);  // where a worker is waited for
    // A job that waits is looked at again this often even if nothing has told of a change.
    std::chrono::milliseconds look_again_every = std::chrono::seconds(30);
    std::uint64_t config_revision = 1;
};

// A provider in another configuration.
struct NewPlace {
    SlotConfig config;
    bool is_kept = false;                         // what runs goes on, by the new config
    std::unique_ptr<Provider> provider = nullptr; // of one that is not kept; may be none
};

// What would happen to an order now. Nothing is stored and nobody is asked.
struct Explained {
    Decision decision;
    std::string chain;
    std::uint64_t config_revision = 0;
    WallTime at = {};
};

struct CancelAnswer {
    JobState state = JobState::cancelled;
    std::optional<bool> compute_stopped = {};
    Billing billing = Billing::free;
};

// What a person says of an ambiguous submit.
enum class Resolution : std::uint8_t { wait, lost, charged };

class Engine {
public:
    Engine(EngineParts parts, EngineSettings settings);
    ~Engine();

    // Before start(). Ids are unique.
    void add(SlotConfig config, std::unique_ptr<Provider> provider);

    // Another configuration, from the next decision on; attempts that run end as they began. What
    // holds for the daemon as a whole is in `settings`; `providers` are all there are from now on,
    // in their order. One that has no place any more, or gets another, ends what it works on
    // before its plugin is stopped. Changes nothing while draining.
    void reconfigure(EngineSettings settings, std::vector<NewPlace> providers);

    // Takes up what an earlier daemon left, then begins to work.
    void start();

    // Refused before anything is stored: an order that no provider can ever serve
    // (unsupported_capability and the like), a full queue (rate_limited/queue_full), an unknown
    // chain or provider, while draining (worker_unavailable/shutting_down).
    Task<Admitted> submit(JobOrder order, std::optional<IdempotencyKey> key);

    // Where the inputs of an order lie; `name` is JobOrder::inputs_dir. Filled before submit().
    std::filesystem::path inputs_of(const std::string& name) const;

    Task<Job> find(JobId id);
    Task<CancelAnswer> cancel(JobId id);
    Task<Job> resolve(JobId id, Resolution resolution);

    // A quarantined job tries again: what it has met speaks against nobody any more, what it has
    // spent stays spent, and its time begins anew.
    Task<Job> retry(JobId id);

    // Cancels it if it lives, and waits for its end for at most `patience`; one that needs longer
    // is hidden from now on and gone once it has ended. Nobody finds it any more.
    Task<Done> remove(JobId id, std::chrono::milliseconds patience);

    Explained explain(const JobOrder& order, const std::map<std::string, Health>& assume) const;

    // What a live job waits for, as of the last turn.
    std::optional<WaitNote> waiting(const JobId& id) const;
    std::optional<std::size_t> queue_position(const JobId& id) const;

    // Whoever waits for something of one holds on to it: a new configuration may take its place.
    const std::vector<std::shared_ptr<ProviderSlot>>& slots() const { return slots_; }
    std::shared_ptr<ProviderSlot> slot(const std::string& id) const;
    ProgressHub& hub() { return hub_; }
    JobStore& store() { return parts_.store; }
    MediaDesk& media() const { return parts_.media; }
    const EngineSettings& settings() const { return settings_; }
    bool is_draining() const { return draining_; }
    const Chain& chain_for(const JobOrder& order) const;

    // Takes nothing new, lets running attempts end for at most `patience`, then leaves them to the
    // next start, and stops every provider.
    asio::awaitable<void> drain(std::chrono::milliseconds patience);

    // How often a job that waits has been looked at since the start.
    std::uint64_t looks() const { return looks_; }

    // For the tests of restarts: called at each milestone.
    std::function<void(Milestone, const JobId&)> on_milestone;

private:
    friend class JobRun;

    void took_place(const Job& job, const StoredEvent& event); // on disk
    void learn_from(const Job& film);                          // how long it took
    void count_in(const std::string& owner);
    void count_out(const std::string& owner);

    // When jobs are looked at, and what follows: host/engine/scheduler.cpp.
    void wake();
    asio::awaitable<void> turns();
    std::optional<WallTime> turn(); // when to look again; nothing: once something has changed
    void look_at(const JobId& id, std::vector<ProviderSnapshot>& all);
    void begin(const Job& job, Decision decision, std::vector<ProviderSnapshot>& all);
    asio::awaitable<void>
    carry(JobId id, Dispatch dispatch, std::shared_ptr<ProviderSlot> place, std::string record);
    asio::awaitable<void> give_up(JobId id, GiveUp why, std::string record);
    void put_down(const JobId& id); // nobody carries it any more
    bool is_short_of_room() const { return parts_.store.is_full() || short_of_room_ > 0; }

    std::vector<ProviderSnapshot> snapshots() const;
    Decision decide_now(const JobOrder& order,
                        std::span<const Attempt> attempts,
                        std::uint64_t seed,
                        WallTime created,
                        std::span<const ProviderSnapshot> snapshots,
                        std::optional<WallTime> waiting_since) const;
    KeyView key_of(const std::string& owner) const;
    Result<Done> admissible(const JobOrder& order) const;
    Result<Done> room_for_one_more(const std::string& owner) const;

    // How jobs end before their time: host/engine/ending.cpp.
    asio::awaitable<void> until_ended(JobId id, std::chrono::milliseconds patience);
    Task<Done> erase(JobId id);
    asio::awaitable<void> bury(JobId id);

    // host/engine/drain.cpp
    asio::awaitable<void> until_nobody_is_carried(std::chrono::milliseconds patience);
    asio::awaitable<void> until_the_end_is_noted();

    // host/engine/sweep.cpp
    asio::awaitable<void> sweep();
    asio::awaitable<void> sweep_expired();
    asio::awaitable<void> sweep_deleted();
    asio::awaitable<void> sweep_inputs(std::vector<std::string> names);
    asio::awaitable<void> sweep_artifacts();
    asio::awaitable<bool> is_unknown(JobId id);

    // What a restart means for a job that was not at rest: host/engine/take_up.cpp.
    asio::awaitable<void> take_up(JobId id);
    asio::awaitable<bool> settle(JobId id, std::vector<Step> steps);
    asio::awaitable<void> follow(JobId id, std::shared_ptr<ProviderSlot> place);
    asio::awaitable<void> abandon(JobId id, std::shared_ptr<ProviderSlot> place);
    asio::awaitable<void> tell_to_stop(JobId id, ProviderSlot& place, std::string remote_json);
    asio::awaitable<void> reconcile(JobId id);
    asio::awaitable<void> while_ambiguous(JobId id, std::chrono::nanoseconds longest);
    Step cancelled_unknown() const;
    std::shared_ptr<ProviderSlot> place_of(const Attempt& attempt) const;
    asio::awaitable<void> orphan(JobId id, Attempt attempt);
    asio::awaitable<void> ask_what_became(JobId id, Attempt attempt);
    Step found_step(std::string remote_json) const;
    Step never_arrived_step() const;
    std::vector<Step> leftover_steps(const Job& job) const;
    Step end_as(JobEvent event, Error error) const;

    // What outlives a daemon: host/engine/recall.cpp.
    asio::awaitable<void> recall();
    asio::awaitable<void> recall_breakers();
    asio::awaitable<void> recall_films();
    asio::awaitable<void> note_orderly_end();
    void keep_breakers();
    asio::awaitable<void> keep_fact(std::string name, std::string text);

    // Another configuration: host/engine/reconfigure.cpp.
    asio::awaitable<void> watch(std::shared_ptr<ProviderSlot> place);
    asio::awaitable<void> retire(std::shared_ptr<ProviderSlot> place);
    void cancel_at(const Attempt& attempt, const std::string& name);

    void reached(Milestone milestone, const JobId& id) const;
    void note_bug(std::string_view doing, const Error& error) const;

    EngineParts parts_;
    EngineSettings settings_;
    std::vector<std::shared_ptr<ProviderSlot>> slots_;
    std::vector<std::shared_ptr<ProviderSlot>> retired_; // they end what they work on
    ProgressHub hub_;
    Waitlist waits_;
    std::set<JobId> busy_;                       // jobs that some coroutine carries
    std::map<std::string, std::size_t> live_of_; // how many jobs live, by owner; with those to come
    std::size_t live_ = 0;
    unsigned short_of_room_ = 0;  // attempts that wait for space on the disk
    std::string no_room_because_; // as the last of them was told
    bool draining_ = false;       // nothing new is taken or begun
    bool leaving_ = false;        // providers are being stopped: their last words are not verdicts
    bool end_is_noted_ = false;   // or could not be
    bool was_killed_ = false;     // the last daemon died
    std::map<std::string, std::string> kept_breakers_; // by provider, as they are on disk
    std::map<std::pair<std::string, std::string>, PaceFold> paces_; // by provider and model
    bool woken_ = false;
    std::uint64_t looks_ = 0;
    asio::steady_timer alarm_;
    Purses purses_;
    Bell bell_; // a job has changed, is put down, or everything is about to end

    // They run code that uses the members above: keep them last.
    TaskGroup retiring_;
    TaskGroup counting_; // what purses hold
    TaskGroup tasks_;
};

} // namespace reelgate
