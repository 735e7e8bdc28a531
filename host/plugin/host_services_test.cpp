#include "host/plugin/host_services.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <cmath>
#include <limits>
#include <vector>

namespace reelgate {
namespace {

rg_bytes bytes(const std::string& text) { return {text.data(), text.size()}; }

struct Ear final : JobEar, HostEar {
    void on_progress(ProgressNote note) override { notes.push_back(std::move(note)); }
    rg_status on_preview(std::string path) override { return said.push_back(path), RG_OK; }
    rg_status on_artifact(std::string path, std::string meta) override
    {
        return said.push_back(path + meta), RG_OK;
    }
    rg_status on_intend(std::string what) override { return said.push_back(what), RG_OK; }
    rg_status on_accepted(std::string remote) override { return said.push_back(remote), RG_OK; }
    void on_late_call(std::string_view function) override { late.emplace_back(function); }
    void on_log(rg_level level, std::string event, std::string fields) override
    {
        said.push_back(std::to_string(level) + event + fields);
    }

    std::vector<ProgressNote> notes;
    std::vector<std::string> said;
    std::vector<std::string> late;
};

bool readable(int fd)
{
    pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, 0) == 1;
}

TEST(JobFace, BoundsWhatAPluginReports)
{
    Ear ear;
    JobFace face(ear, "{}", "/work");
    const rg_job& job = face.c();
    const std::string stage(1000, 's');
    const double values[] = {-1, 2, std::numeric_limits<double>::quiet_NaN(), INFINITY, 0.25};
    const double kept[] = {0, 1, 0, 0, 0.25};
    for (const double value : values) {
        const rg_progress p{sizeof(rg_progress), 99, value, 1, 2, bytes(stage)};
        job.progress(job.self, &p);
    }
    ASSERT_EQ(ear.notes.size(), std::size(values));
    for (std::size_t i = 0; i < std::size(values); ++i) {
        EXPECT_EQ(ear.notes[i].value, kept[i]) << values[i];
        EXPECT_EQ(ear.notes[i].source, RG_NONE);
        EXPECT_EQ(ear.notes[i].stage.size(), 256U);
    }
    rg_progress small{};
    small.struct_size = 8;
    job.progress(job.self, &small);
    job.progress(job.self, nullptr);
    EXPECT_EQ(ear.notes.size(), std::size(values));
    EXPECT_EQ(job.artifact(job.self, {nullptr, 5}, {nullptr, 7}), RG_OK);
    EXPECT_EQ(ear.said, std::vector<std::string>{""});
}

TEST(JobFace, CountsCallsAfterTheEnd)
{
    Ear ear;
    JobFace face(ear, "{}", "/work");
    const rg_job& job = face.c();
    face.over();
    const rg_progress p{sizeof(rg_progress), RG_MEASURED, 0.5, 1, 2, {}};
    job.progress(job.self, &p);
    EXPECT_EQ(job.preview(job.self, {}), RG_FAILED);
    EXPECT_EQ(job.artifact(job.self, {}, {}), RG_FAILED);
    EXPECT_EQ(job.intend(job.self, {}), RG_FAILED);
    EXPECT_EQ(job.accepted(job.self, {}), RG_FAILED);
    const std::vector<std::string> all{"progress", "preview", "artifact", "intend", "accepted"};
    EXPECT_EQ(ear.late, all);
    EXPECT_TRUE(ear.notes.empty());
    EXPECT_TRUE(ear.said.empty());
}

TEST(JobFace, ACancelIsSeenBothWaysAndRefusesIntents)
{
    Ear ear;
    JobFace face(ear, "{}", "/work");
    const rg_job& job = face.c();
    EXPECT_FALSE(readable(job.cancel_fd));
    EXPECT_EQ(job.intend(job.self, bytes("{}")), RG_OK);
    face.cancel();
    face.cancel();
    EXPECT_TRUE(readable(job.cancel_fd));
    EXPECT_EQ(job.is_cancelled(job.self), 1);
    EXPECT_EQ(job.intend(job.self, bytes("{}")), RG_CANCELLED);
    EXPECT_EQ(job.accepted(job.self, bytes("{}")), RG_OK); // what exists must be known
}

TEST(HostFace, BoundsWhatAPluginLogs)
{
    Ear ear;
    const HostFace face(ear, "/data", "/cache");
    const rg_host& host = face.c();
    host.log(host.self, 99, bytes(std::string(1000, 'e')), bytes("{}"));
    host.log(host.self, -1, {nullptr, 9}, {nullptr, 9});
    ASSERT_EQ(ear.said.size(), 2U);
    EXPECT_EQ(ear.said[0], "3" + std::string(256, 'e') + "{}");
    EXPECT_EQ(ear.said[1], "0");
    EXPECT_EQ(host.extension(host.self, "reelgate.nothing/1"), nullptr);
}

} // namespace
} // namespace reelgate
