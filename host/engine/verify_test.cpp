// What a provider left, looked at by the real child; where it is to fail, a script fails in place
// of one of its operations.
#include "host/engine/verify.hpp"
#include "host/media/sample_video.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace reelgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string real_program() { return std::string(REELGATE_BINARY_DIR) + "/bin/reelgate-media"; }

class Verify : public testing::Test {
protected:
    Verify()
    {
        std::filesystem::create_directories(dir_ / "work");
        plan_.work_dir = dir_ / "work";
        plan_.keep_dir = dir_ / "kept";
        plan_.wants_mp4 = true;
        plan_.request.size = {64, 48};
        plan_.request.frames = 8;
        plan_.request.fps = 24;
    }

    // The real child, but for `operation`, which answers `json`.
    MediaTool failing(const std::string& operation, const std::string& json)
    {
        const auto program = dir_ / "tool";
        std::ofstream(program) << "#!/bin/sh\nfor last; do :; done\necho \"$1\" >> '"
                               << (dir_ / "asked").string() << "'\nif [ \"$1\" = " << operation
                               << " ]; then echo half > \"$last\"; echo '" << json
                               << "'; else exec '" << real_program() << "' \"$@\"; fi\n";
        std::filesystem::permissions(program, std::filesystem::perms::owner_all);
        return {program};
    }
    MediaTool watched() { return failing("nothing", "{}"); }
    bool was_asked_to_convert() const
    {
        std::ifstream file(dir_ / "asked");
        const std::string all(std::istreambuf_iterator<char>(file), {});
        return all.find("convert") != std::string::npos;
    }

    Result<VerifiedVideo> verified(const MediaTool& tool, const std::string& role = "video")
    {
        const ArtifactOffer offer{.path = "film", .role = role, .mime = "", .meta_json = "{}"};
        return verify_film(tool, plan_, offer);
    }
    void deliver(const Sample& sample) const { write_sample(dir_ / "work/film", sample); }
    void deliver_pictures(FrameSize size, int count) const
    {
        std::filesystem::create_directories(dir_ / "work/film");
        for (int i = 0; i < count; ++i)
            write_bytes(dir_ / ("work/film/" + std::to_string(i) + ".ppm"), ppm(size, 1));
    }

    const TempDir dir_;
    AttemptPlan plan_;
};

std::string failure(const std::string& category)
{
    return R"({"ok":false,"error":{"category":")" + category +
           R"(","code":"making_failed","text":"writing the film: it went wrong"}})";
}

TEST_F(Verify, AFilmOfWhichNoMp4CanBeMadeStaysAsItIs)
{
    deliver({.muxer = "webm", .encoder = "libvpx"});
    const auto film = verified(failing("convert", failure("internal")));
    ASSERT_TRUE(film) << film.error().sentence();
    EXPECT_EQ(film->facts.container, "webm");
    EXPECT_EQ(film->facts.frames, 8U);
    EXPECT_EQ(bytes_of(film->file), bytes_of(dir_ / "work/film"));
    EXPECT_THAT(film->notes,
                ElementsAre("it stays as it was delivered as webm with vp8, because no MP4 could "
                            "be made of it: writing the film: it went wrong"));
    EXPECT_FALSE(std::filesystem::exists(dir_ / "kept/playable.mp4"));
}

// As an MP4 that was made says it: with a file that is none.
TEST_F(Verify, AnMp4ThatCannotBeOpenedIsNotKept)
{
    deliver({.muxer = "webm", .encoder = "libvpx"});
    const auto film = verified(failing("convert", R"({"ok":true,"made":"video/mp4"})"));
    ASSERT_TRUE(film) << film.error().sentence();
    EXPECT_EQ(film->facts.container, "webm");
    EXPECT_THAT(film->notes, ElementsAre(HasSubstr("no MP4 could be made of it")));
    EXPECT_FALSE(std::filesystem::exists(dir_ / "kept/playable.mp4"));
}

TEST_F(Verify, WithoutRoomOnTheDiskItIsBegunAgain)
{
    deliver({.muxer = "webm", .encoder = "libvpx"});
    const auto refused = verified(failing("convert", failure("storage_full")));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().category, Category::storage_full);
    const auto film = verified(watched()); // and what is left of it is in nobody's way
    ASSERT_TRUE(film) << film.error().sentence();
    EXPECT_EQ(film->facts.container, "mp4");
}

TEST_F(Verify, NumberedPicturesOfWhichNoFilmCanBeMadeAreNone)
{
    deliver_pictures({64, 48}, 8);
    const auto film = verified(failing("convert", failure("internal")), "frames");
    ASSERT_FALSE(film);
    EXPECT_EQ(film.error().code, "making_failed");
}

struct OtherRow {
    const char* name;
    FrameSize size;
    int frames;
    bool pictures = false;
};

class OtherThanAsked : public Verify, public testing::WithParamInterface<OtherRow> {};

TEST_P(OtherThanAsked, IsSeenBeforeAnythingIsMadeOfIt)
{
    const OtherRow& row = GetParam();
    if (row.pictures)
        deliver_pictures(row.size, row.frames);
    else
        deliver({.muxer = "gif", .encoder = "gif", .size = row.size, .frames = row.frames});
    plan_.request.fps = 0;
    const auto film = verified(watched(), row.pictures ? "frames" : "video");
    ASSERT_FALSE(film);
    EXPECT_EQ(film.error().code, "deviates");
    EXPECT_FALSE(was_asked_to_convert());
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachWay, OtherThanAsked, testing::Values(
    OtherRow{"Wider",        {66, 48}, 8},
    OtherRow{"Shorter",      {64, 48}, 7},
    OtherRow{"Pictures",     {64, 50}, 8, true},
    OtherRow{"PicturesLess", {64, 48}, 5, true}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST_F(Verify, OddSidesAreWhatWasAskedForAndGetAPixelMore)
{
    plan_.request.size = {63, 47};
    plan_.request.fps = 0;
    deliver({
        .muxer = "gif", .encoder = "gif", .size = {63, 47}
    });
    const auto film = verified({real_program()});
    ASSERT_TRUE(film) << film.error().sentence();
    EXPECT_THAT(film->deviations, IsEmpty());
    EXPECT_EQ((FrameSize{film->facts.width, film->facts.height}), (FrameSize{64, 48}));
    EXPECT_THAT(film->notes,
                ElementsAre("an MP4 has even sides: 63x47 became 64x48",
                            "made an MP4 of what was delivered as gif with gif"));
}

TEST_F(Verify, NumberedPicturesThatNobodyGaveARateHaveOne)
{
    deliver_pictures({64, 48}, 8);
    plan_.request.fps = 0;
    const auto film = verified({real_program()}, "frames");
    ASSERT_TRUE(film) << film.error().sentence();
    EXPECT_EQ(film->facts.fps, 24);
}

} // namespace
} // namespace reelgate
