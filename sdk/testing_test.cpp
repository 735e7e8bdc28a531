// The doubles: a provider's test must be able to trust them.
#include <reelgate/plugin.hpp>
#include <reelgate/testing.hpp>

#include <fstream>

namespace reelgate {
namespace {

using std::chrono::seconds;
using testing::_;
using testing::ElementsAre;

void follow(Job& job)
{
    job.intend({
        {"endpoint", "create"}
    });
    job.accepted({
        {"id", "r1"}
    });
    for (int poll = 0; poll < 3; ++poll) {
        job.alive("remote");
        job.wait(seconds(2));
    }
    std::ofstream(job.work_dir() / "clip.mp4") << "film";
    job.artifact("clip.mp4", "video", "video/mp4");
}

TEST(RecordingJob, KeepsWhatARunSaid)
{
    RecordingJob job(sample_request({
        {"frames", 9}
    }));
    EXPECT_EQ(job.request().at("frames"), 9);
    EXPECT_EQ(job.request().at("width"), 64);
    follow(job);
    EXPECT_THAT(job.order(),
                ElementsAre("intend",
                            "accepted",
                            "progress",
                            "wait",
                            "progress",
                            "wait",
                            "progress",
                            "wait",
                            "artifact"));
    EXPECT_THAT(job.all("wait"), ElementsAre(2000, 2000, 2000));
    EXPECT_THAT(job.all("accepted"),
                ElementsAre(Json{
                    {"id", "r1"}
    }));
    EXPECT_EQ(job.all("artifact").at(0).at("path"), "clip.mp4");
    EXPECT_EQ(job.all("progress").at(0).at("source"), "none");
    EXPECT_TRUE(std::filesystem::exists(job.work_dir() / "clip.mp4"));
}

TEST(RecordingJob, TakesItsDirectoryWithIt)
{
    std::filesystem::path where;
    {
        const RecordingJob job;
        where = job.work_dir();
        EXPECT_TRUE(std::filesystem::is_directory(where / "inputs"));
    }
    EXPECT_FALSE(std::filesystem::exists(where));
}

TEST(RecordingJob, CancelsLikeAHost)
{
    RecordingJob job;
    EXPECT_FALSE(job.cancelled());
    EXPECT_NO_THROW(job.wait(seconds(100)));
    job.cancel();
    EXPECT_TRUE(job.cancelled());
    EXPECT_TRUE(detail::readable_within(job.cancel_fd(), seconds(0)));
    EXPECT_THROW(job.wait(seconds(100)), Failure);
    EXPECT_THROW(job.progress("a", 1, 2), Failure);
}

TEST(RecordingJob, CancelsAtTheCallItIsToldTo)
{
    RecordingJob job;
    job.cancel_at("wait", 2);
    try {
        follow(job);
        ADD_FAILURE() << "not cancelled";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.status(), RG_CANCELLED);
        EXPECT_STREQ(failure.what(), "cancelled");
    }
    EXPECT_EQ(job.all("wait").size(), 2U);
    EXPECT_TRUE(job.all("artifact").empty());
}

TEST(MockJob, ExpectsTheOrderThatMoneyNeeds)
{
    testing::NiceMock<MockJob> job;
    const testing::InSequence order;
    EXPECT_CALL(job, intend(_));
    EXPECT_CALL(job,
                accepted(Json{
                    {"id", "r1"}
    }));
    EXPECT_CALL(job, wait(std::chrono::milliseconds(2000))).Times(3);
    EXPECT_CALL(job, artifact(std::filesystem::path("clip.mp4"), _));
    follow(job);
    std::filesystem::remove(job.work_dir() / "clip.mp4");
}

TEST(MockJob, CancelsWhenToldTo)
{
    testing::NiceMock<MockJob> job;
    EXPECT_CALL(job, cancelled).WillOnce(testing::Return(true));
    EXPECT_THROW(follow(job), Failure);
}

} // namespace
} // namespace reelgate
