// The provider without a host, against a small service of its own. RecordingJob writes down what was
// done; MockJob says what must not happen.
#include "fake_upstream.hpp"
#include "provider.hpp"

#include <reelgate/testing.hpp>

#include <fstream>
#include <iterator>

using namespace reelgate;
using testing::_;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::NiceMock;
using testing::Throw;

namespace {

const char kCreate[] = "POST /v1/videos";
const char kState[] = "GET /v1/videos/v-1";
const char kContent[] = "GET /v1/videos/v-1/content";
const char kDelete[] = "DELETE /v1/videos/v-1";

class Provider : public testing::Test {
protected:
    Provider()
    {
        upstream_.script[kCreate] = {{201, R"({"id": "v-1"})"}};
        upstream_.script[kState] = {{200, R"({"status": "running", "progress": 0.5})"},
                                    {200, R"({"status": "done"})"}};
        upstream_.script[kContent] = {{200, "the film"}};
        upstream_.script[kDelete] = {{200, R"({"stopped": true, "charged": false})"}};
    }

    @CLASS@ provider() const
    {
        return {Host(), {{"url", upstream_.url()}, {"api_key", "secret"}, {"poll_s", 0}}};
    }

    // What run() or resume() throws.
    template <class Work>
    static Failure failure_of(Work work)
    {
        try {
            work();
        } catch (const Failure& failure) {
            return failure;
        }
        throw std::logic_error("it did not fail");
    }

    FakeUpstream upstream_;
};

TEST_F(Provider, AFilmIsPaidForOnceAndInTheRightOrder)
{
    RecordingJob job(sample_request({{"model", "standard"}}));
    provider().run(job);
    EXPECT_THAT(upstream_.calls(), ElementsAre(kCreate, kState, kState, kContent));
    EXPECT_THAT(upstream_.request(0), HasSubstr("Authorization: Bearer secret"));
    EXPECT_THAT(upstream_.request(0), HasSubstr("Idempotency-Key: k1"));
    EXPECT_THAT(upstream_.request(0), HasSubstr("a lighthouse"));
    EXPECT_EQ(job.order().front(), "intend");
    EXPECT_EQ(job.order().at(1), "accepted");
    EXPECT_EQ(job.order().back(), "artifact");
    std::ifstream film(job.work_dir() / "clip.mp4");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(film), {}), "the film");
}

TEST_F(Provider, NothingLeavesWithoutAnIntentOnDisk)
{
    NiceMock<MockJob> job;
    EXPECT_CALL(job, intend(_)).WillOnce(Throw(failed(Category::storage_full, "no room")));
    EXPECT_CALL(job, accepted(_)).Times(0);
    EXPECT_THROW(provider().run(job), Failure);
    EXPECT_TRUE(upstream_.calls().empty());
}

TEST_F(Provider, ADroppedSubmitIsAmbiguous)
{
    upstream_.script[kCreate] = {{201, "", true}};
    RecordingJob job;
    const Failure failure = failure_of([&] { provider().run(job); });
    EXPECT_EQ(failure.status(), RG_AMBIGUOUS);
    EXPECT_EQ(failure.record().at("billing"), "maybe_billed");
    EXPECT_THAT(upstream_.calls(), ElementsAre(kCreate));
}

TEST_F(Provider, AServiceThatIsNotThereCostNothing)
{
    upstream_.stop();
    RecordingJob job;
    const Failure failure = failure_of([&] { provider().run(job); });
    EXPECT_EQ(failure.record().at("phase"), "connect");
    EXPECT_EQ(failure.record().at("billing"), "not_billed");
}

TEST_F(Provider, EachRefusalHasItsCategory)
{
    struct Row {
        int answer;
        const char* category;
        rg_status status;
    };
    const Row rows[] = {{400, "invalid_params", RG_REJECTED},  {401, "auth_failed", RG_FAILED},
                        {404, "model_not_found", RG_FAILED},   {429, "rate_limited", RG_BUSY},
                        {500, "submit_ambiguous", RG_AMBIGUOUS}, {502, "submit_ambiguous", RG_AMBIGUOUS},
                        {503, "provider_overloaded", RG_BUSY}, {418, "provider_error", RG_FAILED}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.answer);
        upstream_.script[kCreate] = {{row.answer, R"({"error": "no"})"}};
        RecordingJob job;
        const Failure failure = failure_of([&] { provider().run(job); });
        EXPECT_EQ(failure.record().at("category"), row.category);
        EXPECT_EQ(failure.status(), row.status);
        EXPECT_EQ(failure.record().at("retry_after_s"), 7);
    }
}

TEST_F(Provider, ResumeMakesNoSecondFilm)
{
    RecordingJob job;
    provider().resume(job, {{"id", "v-1"}});
    EXPECT_THAT(upstream_.calls(), ElementsAre(kState, kState, kContent));
    EXPECT_EQ(job.order().back(), "artifact");
}

TEST_F(Provider, AGapInTheNetworkCostsNoFilm)
{
    upstream_.script[kState] = {{200, "", true}, {503, "{}"}, {200, R"({"status": "done"})"}};
    RecordingJob job;
    provider().resume(job, {{"id", "v-1"}});
    EXPECT_EQ(job.order().back(), "artifact");
}

TEST_F(Provider, ACancelStopsTheServiceAndSaysWhatItSaid)
{
    upstream_.script[kState] = {{200, R"({"status": "running"})"}};
    RecordingJob job;
    job.cancel_at("progress", 3);
    const Failure failure = failure_of([&] { provider().resume(job, {{"id", "v-1"}}); });
    EXPECT_EQ(failure.status(), RG_CANCELLED);
    EXPECT_EQ(failure.record().at("compute_stopped"), true);
    EXPECT_EQ(failure.record().at("billing"), "not_billed");
    EXPECT_EQ(upstream_.calls().back(), kDelete);
}

TEST_F(Provider, AFailedFilmSaysWhy)
{
    upstream_.script[kState] = {{200, R"({"status": "failed", "error": "too dark"})"}};
    RecordingJob job;
    const Failure failure = failure_of([&] { provider().run(job); });
    EXPECT_THAT(failure.what(), HasSubstr("too dark"));
    EXPECT_EQ(failure.record().at("billing"), "billed");
}

TEST_F(Provider, AnIdThatIsNoIdIsNeverAskedFor)
{
    upstream_.script[kCreate] = {{201, R"({"id": "../admin"})"}};
    RecordingJob job;
    EXPECT_EQ(failure_of([&] { provider().run(job); }).status(), RG_AMBIGUOUS);
    EXPECT_THAT(upstream_.calls(), ElementsAre(kCreate));
}

TEST_F(Provider, AnAddressThatIsNoneIsRefusedAtOnce)
{
    const Json config = {{"url", "ftp://example.com"}, {"api_key", "secret"}, {"poll_s", 0}};
    EXPECT_EQ(failure_of([&] { @CLASS@(Host(), config); }).status(), RG_REJECTED);
}

} // namespace
