#include "host/plugin/frame_members.hpp"

#include <gtest/gtest.h>

namespace reelgate {
namespace {

const Json kFrame{
    {"text",    "t"                      },
    {"integer", -7                       },
    {"real",    0.5                      },
    {"object",  {{"a", "\xff"}, {"b", 1}}}
};

TEST(FrameMembers, OfTheKindThatIsAskedFor)
{
    EXPECT_EQ(text_of(kFrame, "text"), "t");
    EXPECT_EQ(integer_of(kFrame, "integer", 3), -7);
    EXPECT_EQ(real_of(kFrame, "real"), 0.5);
    EXPECT_EQ(real_of(kFrame, "integer"), -7.0);
    EXPECT_EQ(json_of(kFrame, "text"), R"("t")");
    EXPECT_EQ(object_text(kFrame, "object"), "{\"a\":\"\uFFFD\",\"b\":1}");
    EXPECT_EQ(number_of(Json{
                  {"n", 9U}
    }),
              9U);
}

TEST(FrameMembers, ThatAreMissingOrOfAnotherKind)
{
    for (const char* member : {"missing", "object"}) {
        EXPECT_EQ(text_of(kFrame, member), "");
        EXPECT_EQ(integer_of(kFrame, member, 3), 3);
        EXPECT_EQ(real_of(kFrame, member), 0.0);
    }
    EXPECT_EQ(integer_of(kFrame, "real", 3), 3);
    EXPECT_EQ(json_of(kFrame, "missing"), "");
    EXPECT_EQ(object_text(kFrame, "missing"), "{}");
    EXPECT_EQ(number_of(kFrame), 0U);
    EXPECT_EQ(number_of(Json{
                  {"n", -9}
    }),
              0U);
}

TEST(FrameMembers, AStatusThatIsNoneIsNotOk)
{
    const Json absent = Json::object();
    EXPECT_NE(status_of(absent), RG_OK);
    EXPECT_EQ(failure_in(absent, Phase::run).code, "bad_status");
    EXPECT_EQ(failure_in(absent, Phase::run).text, "the provider answered without a status");
    for (const Json& strange : {Json("0"), Json(0.0), Json(nullptr), Json::array()}) {
        const Json frame{
            {"status", strange}
        };
        EXPECT_NE(status_of(frame), RG_OK) << strange;
    }
    const Json vast{
        {"status", std::int64_t{1} << 32U}
    };
    EXPECT_EQ(failure_in(vast, Phase::run).code, "bad_status");
}

} // namespace
} // namespace reelgate
