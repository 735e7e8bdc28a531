// One attempt of one job, from the stored intent to the adopted file or to the verdict that the
// router reads next. Nothing is told to a provider before it is on disk, and nothing a provider
// tells is believed before it is.
#pragma once

#include "host/engine/attempt.hpp"
#include "host/engine/engine.hpp"
#include "host/engine/stage_clock.hpp"

#include <string>

namespace reelgate {

// What the provider knows an attempt by: "video_... .2".
std::string attempt_name(const JobId& id, unsigned number);

class JobRun final : AttemptWatcher {
public:
    JobRun(Engine& engine, ProviderSlot& slot, JobId id);

    // The router chose this provider: a new attempt.
    asio::awaitable<void> from_the_start(Dispatch dispatch, std::string record);

    // The job's current attempt was accepted by this provider and is followed, never submitted.
    asio::awaitable<void> from_remote();

private:
    void on_progress(const ProgressNote& note) override;
    void on_preview(const std::string& path) override;
    void on_intend(const std::string& what_json, Ack ack) override;
    void on_accepted(const std::string& remote_json, Ack ack) override;

    Attempt drawn_up(const Job& job, Dispatch dispatch);
    Task<Done> pick(Dispatch dispatch, std::string record);
    Task<Done> work_dir_ready();
    Task<Done> make_work_dir_once();
    asio::awaitable<void> work();
    asio::awaitable<bool> until_worker_is_back();
    asio::awaitable<void> let_go();
    asio::awaitable<void> collect(std::vector<ArtifactOffer> offers);
    Task<VerifiedVideo> verified(std::vector<ArtifactOffer> offers);
    Task<Done> adopted(VerifiedVideo video);
    Task<Done> adopt_once(const VerifiedVideo& video, Job& done);
    asio::awaitable<bool> wait_for_room(const Error& why); // false: it is not to be waited for
    void wait_no_longer_for_room();
    asio::awaitable<void> failed(Error told);
    Error as_it_is_known(Error error) const;
    asio::awaitable<void> stopped(Error error);
    asio::awaitable<void> give_back(JobEvent as, Error error, Verdict verdict);
    asio::awaitable<void> until_deadline();
    asio::awaitable<void> pause(std::chrono::nanoseconds longest);
    asio::awaitable<void> store_intent(std::string what_json, Ack ack);
    asio::awaitable<void> store_acceptance(std::string remote_json, Ack ack);
    asio::awaitable<void> put(std::vector<Step> steps);
    asio::awaitable<void> clean_up();

    bool is_followed() const; // it was accepted, and goes on without the worker
    bool is_paid() const;
    bool is_worker_gone(const Error& error) const;
    AttemptTools tools() { return {*slot_.provider(), engine_.parts_.media}; }
    const Job* job() const { return engine_.parts_.store.live(id_); } // nothing once it has ended
    bool goes_on() const; // nobody has cancelled it, its time is not over, the daemon stays

    Engine& engine_;
    ProviderSlot& slot_;
    JobId id_;
    AttemptPlan plan_;
    StageClock stages_;
    std::optional<Error> unfit_; // what the order says to this plugin is not for it
    std::string last_stage_;
    std::string last_heard_; // the stage and its step, for people
    bool over_deadline_ = false;
    bool heard_ = false;    // anything, in this run of the worker
    unsigned restarts_ = 0; // of the worker, when that run began
    bool waits_for_room_ = false;
    asio::steady_timer deadline_;
    TaskGroup clock_;  // waits for the deadline
    TaskGroup writes_; // what the provider said and is not on disk yet
};

} // namespace reelgate
