#include "host/store/job_store.hpp"

#include "host/store/store_fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using E = JobEvent;
using S = JobState;

class JobStoreTest : public StoreFixture {
protected:
    void SetUp() override { open(); }
};

// A value in each member, so that one that is not stored is seen.
JobOrder full_order()
{
    JobOrder order = order_of("a red cube, \"turning\" \xE2\x80\xA6", "anna");
    order.wish.model = "wan-2.1";
    order.wish.task = "i2v";
    order.wish.negative_prompt = "blur";
    order.wish.size = FrameSize{832, 480};
    order.wish.frames = 81;
    order.wish.seconds = 5.0625;
    order.wish.fps = 23.976;
    order.wish.seed = 18'446'744'073'709'551'615ULL;
    order.wish.steps = 0; // nothing, and given all the same
    order.wish.guidance = 7.5;
    order.wish.audio = true;
    order.wish.inputs = {
        {"start_image", "inputs/0.png", "image/png"}
    };
    order.wish.params_json = R"({"shift":3})";
    order.wish.require_seed = true;
    order.route.chain = "careful";
    order.route.provider = "gpu0";
    order.route.order = {"gpu0", "gpu1"};
    order.route.only = {"gpu0"};
    order.route.ignore = {"cloud"};
    order.route.allow_fallback = false;
    order.route.max_price = Money{600'000};
    order.route.egress = Egress::local;
    order.route.allow_media_egress = false;
    order.adjust = Adjust::reject;
    order.accept_deviation = true;
    order.priority = Priority::bulk;
    order.on_oom = {"frames", "size"};
    order.max_wait = 0s;
    order.deadline = 90s;
    order.params_by_plugin_json = R"({"p":{"a":1}})";
    order.extra_json = R"({"size":"832x480"})";
    order.inputs_dir = "in_1";
    order.user = "u-1";
    order.remixed_from = JobId("video_0");
    order.trace_parent = "00-aa-bb-01";
    return order;
}

Error full_error()
{
    return {.category = Category::provider_error,
            .text = "no \xFF luck", // what a plugin says need not be UTF-8
            .code = "c",
            .hint = "h",
            .phase = Phase::run,
            .scope = Scope::model,
            .billing = Billing::maybe_billed,
            .provider_code = "E1",
            .upstream_excerpt = "<html>",
            .retry_after = 3s,
            .compute_stopped = false};
}

Attempt full_attempt(WallTime now)
{
    Attempt attempt;
    attempt.number = 1;
    attempt.generation = 0xFFFF'FFFF'FFFF'FFF0ULL;
    attempt.provider = "gpu0";
    attempt.plugin = "org.example.p";
    attempt.plugin_identity = "1.0 abc";
    attempt.model = "wan-2.1";
    attempt.config_revision = 4;
    attempt.charge = Charge::paid;
    attempt.request.model = "wan-2.1";
    attempt.request.prompt = "a red cube";
    attempt.request.size = {832, 480};
    attempt.request.frames = 81;
    attempt.request.fps = 16;
    attempt.request.seed = 9;
    attempt.request.steps = 30;
    attempt.request.inputs = {
        {"start_image", "inputs/0.png", "image/png"}
    };
    attempt.warnings = {"frames: 80 became 81"};
    attempt.intent_json = "{}";
    attempt.remote_json = R"({"id":"r1"})";
    attempt.verdict = Verdict::accepted;
    attempt.reserved = {600'000};
    attempt.settled = Money{590'000};
    attempt.billing = Billing::billed;
    attempt.started = now;
    attempt.accepted = now + 1s;
    attempt.ended = now + 2s;
    attempt.crashed_worker = true;
    attempt.host_deaths = 2;
    attempt.forgiven = true;
    attempt.last_stage = "decode";
    attempt.stages = {
        {"load",    0.5 },
        {"denoise", 3.25}
    };
    attempt.collecting = {
        {"verify", 0.125}
    };
    return attempt;
}

void fill(Job& job, WallTime now)
{
    job.waiting = Waiting::storage;
    job.wait_until = now + 5s;
    job.retried = now + 3s;
    job.expires = now + 24h;
    job.attempts.push_back(full_attempt(now));
    job.attempts.back().error = full_error();
    job.crashes = 1;
    job.error = full_error();
    job.cancel_asked = true;
    job.can_stop = false;
    job.compute_stopped = true;
    job.late = true;
    job.deleted = true;
    JobArtifact& artifact = job.artifact.emplace();
    artifact.files = {
        {"video", "ab/video.mp4", "video/mp4", "00ff", 1234}
    };
    artifact.facts.container = "mp4";
    artifact.facts.width = 832;
    artifact.facts.fps = 16;
    artifact.facts.audio_codec = "aac";
    artifact.deviations = {
        {"width", "832", "830"}
    };
    job.warnings = {"w"};
}

TEST_F(JobStoreTest, KeepsEveryMemberOfAnOrder)
{
    const Job job = created(full_order());
    EXPECT_EQ(job.order, full_order());
    EXPECT_EQ(job.seed, 7U);
    EXPECT_EQ(job.state, S::queued);
    EXPECT_EQ(found(job.id), job);
    reopen();
    EXPECT_EQ(found(job.id), job);
    ASSERT_NE(store->live(job.id), nullptr);
    EXPECT_EQ(*store->live(job.id), job);
}

TEST_F(JobStoreTest, KeepsEveryMemberOfAJobThatHasEnded)
{
    const Job job = created(full_order());
    clock.passed += 1s;
    const auto edit = [this](Job& it) { fill(it, clock.wall()); };
    Job ended = applied(job.id, {step(E::cancel_asked, edit)});
    EXPECT_EQ(ended.state, S::cancelled);
    EXPECT_EQ(ended.finished, clock.wall());
    EXPECT_EQ(ended.changed, clock.wall());
    EXPECT_EQ(ended.revision, job.revision + 1);
    EXPECT_EQ(store->live(job.id), nullptr);
    reopen();
    // What is no UTF-8 cannot be stored as such; it is stored all the same.
    ended.error->text = ended.attempts[0].error->text = "no \xEF\xBF\xBD luck";
    EXPECT_EQ(found(job.id), ended);
}

TEST_F(JobStoreTest, FindsNothingWhereNothingIs)
{
    const auto none = wait(store->find(JobId("video_none")));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().category, Category::not_found);
    EXPECT_EQ(none.error().code, "video_not_found");
    EXPECT_EQ(store->live(JobId("video_none")), nullptr);
    const auto changed = wait(store->apply(JobId("video_none"), steps({E::picked})));
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code, "video_not_found");
}

TEST_F(JobStoreTest, TakesSeveralStepsOrNone)
{
    const Job job = created(order_of("x"));
    const auto bad = wait(store->apply(job.id, steps({E::picked, E::accepted, E::verified})));
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, "illegal_event");
    EXPECT_EQ(*store->live(job.id), job);
    EXPECT_EQ(found(job.id), job);
    const Job done = applied(job.id, steps({E::picked, E::accepted, E::output_ready, E::verified}));
    EXPECT_EQ(done.state, S::completed);
    EXPECT_EQ(done.revision, 2U);
}

// Every pair of state and event, against the table; the way to each state first.
TEST_F(JobStoreTest, HoldsEachEventAgainstTheTable)
{
    const std::vector<std::pair<S, std::vector<E>>> ways{
        {S::queued,      {}                                                    },
        {S::submitting,  {E::picked}                                           },
        {S::ambiguous,   {E::picked, E::verdict_lost}                          },
        {S::running,     {E::picked, E::accepted}                              },
        {S::collecting,  {E::picked, E::accepted, E::output_ready}             },
        {S::cancelling,  {E::picked, E::cancel_asked}                          },
        {S::completed,   {E::picked, E::accepted, E::output_ready, E::verified}},
        {S::failed,      {E::gave_up}                                          },
        {S::cancelled,   {E::cancel_asked}                                     },
        {S::quarantined, {E::poisoned}                                         }
    };
    struct Case {
        S state;
        E event;
        JobId id;
        std::shared_ptr<std::optional<Result<Job>>> answer;
    };
    std::vector<Case> cases;
    for (const auto& [state, way] : ways) {
        for (int i = 0; i <= static_cast<int>(E::retried); ++i) {
            const auto event = static_cast<E>(i);
            const Job job = created(order_of("x"));
            std::vector<Step> there;
            for (const E each : way)
                there.push_back(step(each));
            // Not awaited: the next event is held against the job as it will be.
            auto arrived = begin(store->apply(job.id, std::move(there)));
            cases.push_back({state, event, job.id, begin(store->apply(job.id, steps({event})))});
        }
    }
    for (const Case& each : cases) {
        while (!each.answer->has_value())
            turn();
        const auto lawful = next(each.state, each.event);
        ASSERT_EQ((*each.answer)->has_value(), lawful.has_value())
            << to_string(each.state) << " " << to_string(each.event);
        EXPECT_EQ(found(each.id).state, lawful.value_or(each.state));
        if (!lawful) {
            EXPECT_EQ((*each.answer)->error().code, "illegal_event");
        }
    }
}

TEST_F(JobStoreTest, LetsAQuarantinedJobTryAgain)
{
    const Job job = created(order_of("x"));
    EXPECT_TRUE(applied(job.id, steps({E::poisoned})).finished);
    EXPECT_EQ(store->live(job.id), nullptr);
    const Job again = applied(job.id, steps({E::retried}));
    EXPECT_EQ(again.state, S::queued);
    EXPECT_FALSE(again.finished);
    ASSERT_NE(store->live(job.id), nullptr);
    reopen();
    EXPECT_EQ(*store->live(job.id), again);
}

TEST_F(JobStoreTest, ShowsTheLiveOnesOldestFirst)
{
    std::vector<JobId> ids;
    for (int i = 0; i < 5; ++i)
        ids.push_back(created(order_of(std::to_string(i))).id);
    applied(ids[2], steps({E::gave_up}));
    for (int round = 0; round < 2; ++round) {
        std::vector<JobId> live;
        for (const Job* job : store->live_jobs())
            live.push_back(job->id);
        EXPECT_EQ(live, (std::vector{ids[0], ids[1], ids[3], ids[4]}));
        reopen();
    }
}

TEST_F(JobStoreTest, ShowsNobodyWhatIsNotYetOnDisk)
{
    const Job job = created(order_of("x"));
    const auto waiting = begin(store->apply(job.id, steps({E::picked})));
    const auto seen = begin(store->find(job.id));
    ASSERT_TRUE(seen->has_value());
    if (!waiting->has_value()) {
        EXPECT_EQ((**seen)->state, S::queued);
    }
    EXPECT_EQ(store->live(job.id)->state, S::submitting);
    while (!waiting->has_value())
        turn();
    EXPECT_EQ(found(job.id).state, S::submitting);
}

TEST_F(JobStoreTest, TellsListenersInOrderBeforeTheOneWhoWaits)
{
    std::vector<std::pair<std::uint64_t, std::string>> told;
    store->on_change([&](const Job& job, const StoredEvent& event) {
        EXPECT_EQ(job.id, event.job);
        told.emplace_back(event.cursor,
                          event.event ? std::string(to_string(*event.event)) : "created");
    });
    const Job job = created(order_of("x"));
    EXPECT_EQ(told.size(), 1U);
    applied(job.id, steps({E::picked, E::accepted}));
    const std::vector<std::pair<std::uint64_t, std::string>> expected{
        {1, "created" },
        {2, "picked"  },
        {3, "accepted"}
    };
    EXPECT_EQ(told, expected);
    EXPECT_EQ(store->newest_cursor(), 3U);
    wait(store->note(job.id, [](Job& it) { it.crashes = 1; })).has_value();
    EXPECT_EQ(told.size(), 3U);
    reopen();
    EXPECT_EQ(store->newest_cursor(), 3U);
    const auto events = wait(store->events_after(1, 10));
    ASSERT_TRUE(events);
    ASSERT_EQ(events->size(), 2U);
    EXPECT_EQ((*events)[0].event, E::picked);
    EXPECT_EQ((*events)[1].state, S::running);
    EXPECT_EQ(wait(store->events_after(0, 1))->front().event, std::nullopt);
}

TEST_F(JobStoreTest, NotesChangeAFinalJobToo)
{
    const Job job = created(order_of("x"));
    applied(job.id, steps({E::gave_up}));
    const auto first = begin(store->note(job.id, [](Job& it) { it.late = true; }));
    const auto second = begin(store->note(job.id, [](Job& it) { it.crashes = 3; }));
    while (!first->has_value() || !second->has_value())
        turn();
    const Job after = found(job.id);
    EXPECT_TRUE(after.late);
    EXPECT_EQ(after.crashes, 3U);
    EXPECT_EQ(after.state, S::failed);
    EXPECT_EQ(store->live(job.id), nullptr);
    reopen();
    EXPECT_EQ(found(job.id), after);
}

TEST_F(JobStoreTest, AttemptsAreAddedAndChanged)
{
    const Job job = created(order_of("x"));
    const auto first = [&](Job& it) { it.attempts.push_back(full_attempt(clock.wall())); };
    applied(job.id, {step(E::picked, first)});
    const auto second = [&](Job& it) {
        it.attempts.front().verdict = Verdict::refused;
        it.attempts.push_back(full_attempt(clock.wall()));
        it.attempts.back().number = 2;
    };
    applied(job.id, {step(E::refused), step(E::picked, second)});
    const auto other_request = [](Job& it) { it.current()->request.seed = 77; };
    const Job last = applied(job.id, {step(E::accepted, other_request)});
    ASSERT_EQ(last.attempts.size(), 2U);
    EXPECT_EQ(last.attempts[0].verdict, Verdict::refused);
    reopen();
    EXPECT_EQ(found(job.id), last);
    EXPECT_EQ(found(job.id).attempts[1].request.seed, 77U);
}

TEST_F(JobStoreTest, KeepsTheLatestRoutingRecords)
{
    const Job job = created(order_of("x"));
    for (int i = 0; i < 70; ++i)
        EXPECT_TRUE(wait(store->record_route(job.id, std::to_string(i))));
    applied(job.id, steps({E::picked}));
    const auto routes = wait(store->routes(job.id));
    ASSERT_TRUE(routes);
    EXPECT_EQ(routes->size(), 64U);
    EXPECT_EQ(routes->front(), "6");
    EXPECT_EQ(routes->back(), "69");
    EXPECT_EQ(wait(store->routes(JobId("video_none"))).error().code, "video_not_found");
}

TEST_F(JobStoreTest, RemovesWhatIsFinalAndNothingElse)
{
    const Job job = created(order_of("x"));
    EXPECT_EQ(wait(store->remove(job.id)).error().code, "job_not_final");
    const auto attempt = [&](Job& it) { it.attempts.push_back(full_attempt(clock.wall())); };
    applied(job.id, {step(E::picked, attempt), step(E::refused), step(E::gave_up)});
    EXPECT_TRUE(wait(store->remove(job.id)));
    EXPECT_EQ(wait(store->find(job.id)).error().code, "video_not_found");
    EXPECT_EQ(wait(store->remove(job.id)).error().code, "video_not_found");
    EXPECT_EQ(wait(store->spent({}, WallTime{}))->settled, Money{});
    const Job other = created(order_of("y"));
    EXPECT_EQ(found(other.id), other);
}

TEST_F(JobStoreTest, FactsOutliveARestart)
{
    EXPECT_EQ(*wait(store->fact("starts")), std::nullopt);
    EXPECT_TRUE(wait(store->put_fact("starts", "[1]")));
    EXPECT_TRUE(wait(store->put_fact("starts", "[1,2]")));
    reopen();
    EXPECT_EQ(*wait(store->fact("starts")), "[1,2]");
}

} // namespace
} // namespace reelgate
