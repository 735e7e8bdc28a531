#include "host/model/artifact.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace reelgate {
namespace {

Promise promised()
{
    return {
        .size = {832, 480},
          .frames = 81, .fps = 16, .audio = true
    };
}

// A file that keeps the promise; each row below spoils one thing.
MediaFacts kept()
{
    MediaFacts facts;
    facts.container = "mp4";
    facts.width = 832;
    facts.height = 480;
    facts.fps = 16;
    facts.frames = 81;
    facts.seconds = 81.0 / 16;
    facts.audio_codec = "aac";
    return facts;
}

TEST(Promise, IsWhatTheRequestSays)
{
    Request request;
    request.size = {832, 480};
    request.frames = 81;
    request.fps = 16;
    request.audio = true;

    const Promise promise = promise_of(request);

    EXPECT_EQ(promise.size, request.size);
    EXPECT_EQ(promise.frames, 81U);
    EXPECT_EQ(promise.fps, 16);
    EXPECT_TRUE(promise.audio);
}

struct DeviationRow {
    const char* name;
    void (*spoil)(Promise&, MediaFacts&);
    std::vector<Deviation> expected;
};

class Deviations : public testing::TestWithParam<DeviationRow> {};

TEST_P(Deviations, NameWhatDiffersAndBothSides)
{
    Promise promise = promised();
    MediaFacts facts = kept();
    GetParam().spoil(promise, facts);

    const std::vector<Deviation> found = deviations(promise, facts);

    ASSERT_EQ(found.size(), GetParam().expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].what, GetParam().expected[i].what);
        EXPECT_EQ(found[i].expected, GetParam().expected[i].expected);
        EXPECT_EQ(found[i].found, GetParam().expected[i].found);
    }
}

using P = Promise;
using F = MediaFacts;
constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachRule, Deviations, testing::Values(
    DeviationRow{"Kept",            [](P&, F&) {}, {}},
    DeviationRow{"Narrower",        [](P&, F& f) { f.width = 480; }, {{"width", "832", "480"}}},
    DeviationRow{"Lower",           [](P&, F& f) { f.height = 478; }, {{"height", "480", "478"}}},
    DeviationRow{"OneFrameLess",    [](P&, F& f) { f.frames = 80; }, {{"frames", "81", "80"}}},
    DeviationRow{"OneFrameMore",    [](P&, F& f) { f.frames = 82; }, {{"frames", "81", "82"}}},
    DeviationRow{"RateRounded",     [](P&, F& f) { f.fps = 16.15; }, {}},
    DeviationRow{"RateTooFast",     [](P&, F& f) { f.fps = 16.5; }, {{"fps", "16", "16.5"}}},
    DeviationRow{"RateTooSlow",     [](P&, F& f) { f.fps = 15.5; }, {{"fps", "16", "15.5"}}},
    DeviationRow{"RateNotANumber",  [](P&, F& f) { f.fps = kNotANumber; }, {{"fps", "16", "nan"}}},
    DeviationRow{"PictureHasNoRate", [](P& p, F& f) { p.frames = 1; f.frames = 1; f.fps = 0; }, {}},
    DeviationRow{"SoundMissing",    [](P&, F& f) { f.audio_codec.reset(); }, {{"audio", "yes", "no"}}},
    DeviationRow{"SoundUnasked",    [](P& p, F&) { p.audio = false; }, {}},
    DeviationRow{"NothingPromised", [](P& p, F& f) { p = {}; f.width = 7; f.fps = 3; }, {}},
    DeviationRow{"Everything",      [](P&, F& f) { f = {}; f.fps = 8; },
                 {{"width", "832", "0"}, {"height", "480", "0"}, {"frames", "81", "0"},
                  {"fps", "16", "8"}, {"audio", "yes", "no"}}}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

} // namespace
} // namespace reelgate
