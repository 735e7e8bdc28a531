// The provider without a host. RecordingJob writes down what it did; MockJob says what must be called.
#include "provider.hpp"

#include <reelgate/testing.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

using namespace reelgate;
using testing::_;
using testing::NiceMock;
using testing::ReturnRef;

namespace {

const Json kConfig = {{"brightness", 200}};

// The film in the work directory of `job`: its first line, and each frame.
struct Film {
    std::string header;
    std::vector<std::string> frames;
};

Film film_of(const Job& job)
{
    std::ifstream in(job.work_dir() / "clip.y4m", std::ios::binary);
    Film film;
    std::getline(in, film.header);
    const std::string rest{std::istreambuf_iterator<char>(in), {}};
    constexpr std::string_view kMark = "FRAME\n";
    for (std::size_t at = 0; at < rest.size();) {
        const std::size_t next = rest.find(kMark, at + 1);
        film.frames.push_back(rest.substr(at + kMark.size(), next - at - kMark.size()));
        at = next;
    }
    return film;
}

TEST(Provider, WritesTheFilmThatWasAskedFor)
{
    RecordingJob job(sample_request({{"width", 64}, {"height", 48}, {"frames", 5}, {"fps", 24}}));
    @CLASS@(Host(), kConfig).run(job);

    const Film film = film_of(job);
    EXPECT_EQ(film.header, "YUV4MPEG2 W64 H48 F24:1 C420jpeg");
    ASSERT_EQ(film.frames.size(), 5U);
    for (const std::string& frame : film.frames)
        EXPECT_EQ(frame.size(), 64U * 48U * 3U / 2U);
    EXPECT_EQ(job.order(), (std::vector<std::string>{"progress", "artifact"}));
    EXPECT_EQ(job.all("artifact").at(0).at("path"), "clip.y4m");
}

TEST(Provider, TellsEveryStep)
{
    RecordingJob job(sample_request({{"frames", 3}}));
    @CLASS@(Host(), kConfig).run(job);
    const auto told = job.all("progress");
    ASSERT_EQ(told.size(), 3U);
    EXPECT_EQ(told.back().at("step"), 3);
}

TEST(Provider, ACancelledJobHandsOverNothing)
{
    RecordingJob job;
    job.cancel_at("progress", 2);
    EXPECT_THROW(@CLASS@(Host(), kConfig).run(job), Failure);
    EXPECT_EQ(job.all("progress").size(), 2U);
    EXPECT_TRUE(job.all("artifact").empty());
}

TEST(Provider, AStillFilmDoesNotMove)
{
    RecordingJob still(sample_request({{"params", {{"still", true}}}}));
    @CLASS@(Host(), kConfig).run(still);
    EXPECT_EQ(film_of(still).frames.front(), film_of(still).frames.back());

    RecordingJob moving;
    @CLASS@(Host(), kConfig).run(moving);
    EXPECT_NE(film_of(moving).frames.front(), film_of(moving).frames.back());
}

TEST(Provider, ThereIsNoFilmWithoutASize)
{
    RecordingJob job(sample_request({{"width", 0}}));
    try {
        @CLASS@(Host(), kConfig).run(job);
        FAIL() << "it made one";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.status(), RG_REJECTED);
    }
}

TEST(Provider, AFilmThatCannotBeWrittenIsAFailureAndNoArtifact)
{
    const std::filesystem::path missing = "/dev/null/nowhere";
    NiceMock<MockJob> job;
    ON_CALL(job, work_dir).WillByDefault(ReturnRef(missing));
    EXPECT_CALL(job, artifact(_, _)).Times(0);
    try {
        @CLASS@(Host(), kConfig).run(job);
        FAIL() << "it went on";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.record().at("category"), "storage_full");
    }
}

} // namespace
