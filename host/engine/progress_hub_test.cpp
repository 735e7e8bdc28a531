#include "host/engine/progress_hub.hpp"

#include <gtest/gtest.h>

namespace reelgate {
namespace {

TEST(ProgressHub, HasTheLatestPreviewOfAJobForAsLongAsItRuns)
{
    ProgressHub hub;
    Job job;
    job.id = JobId("video_1");
    job.state = JobState::running;
    hub.changed(job, 1);
    EXPECT_FALSE(hub.latest_preview(job.id));
    hub.previewed(job, {.attempt = 1, .work_dir = "/work", .path = "a.png"});
    hub.previewed(job, {.attempt = 1, .work_dir = "/work", .path = "b.png"});
    ASSERT_TRUE(hub.latest_preview(job.id));
    EXPECT_EQ(hub.latest_preview(job.id)->path, "b.png");
    EXPECT_EQ(hub.latest_preview(job.id)->number, 2U);
    EXPECT_FALSE(hub.latest_preview(JobId("video_2")));
    job.state = JobState::collecting;
    hub.changed(job, 2);
    EXPECT_FALSE(hub.latest_preview(job.id)) << "its directory may be gone";
}

} // namespace
} // namespace reelgate
