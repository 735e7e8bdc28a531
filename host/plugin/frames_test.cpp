#include "host/plugin/frames.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace reelgate {
namespace {

std::string header(std::uint32_t length)
{
    std::string bytes;
    for (unsigned i = 0; i < 4; ++i)
        bytes += static_cast<char>(length >> (8U * i) & 0xFFU);
    return bytes;
}

std::string raw(std::string_view text)
{
    return header(static_cast<std::uint32_t>(text.size())) + std::string(text);
}

TEST(Frames, ComeOutAsTheyWentInWhateverThePortions)
{
    const Json first{
        {"type",  "progress" },
        {"value", 0.5        },
        {"stage", "d\xC3\xA9"}
    };
    const Json second{
        {"type", "bye"}
    };
    const std::string wire = *encode_frame(first) + *encode_frame(second);
    for (std::size_t portion = 1; portion <= wire.size(); ++portion) {
        FrameReader reader;
        std::vector<Json> seen;
        for (std::size_t at = 0; at < wire.size(); at += portion) {
            reader.feed(std::string_view(wire).substr(at, portion));
            for (auto next = reader.next(); next && *next; next = reader.next())
                seen.push_back(**next);
        }
        EXPECT_EQ(seen, (std::vector<Json>{first, second})) << "portions of " << portion;
        EXPECT_EQ(reader.pending(), 0U);
    }
}

TEST(Frames, BytesThatAreNotTextDoNotBreakTheWire)
{
    const std::string wire = *encode_frame(Json{
        {"type",  "log"     },
        {"event", "\xFF\xFE"}
    });
    FrameReader reader;
    reader.feed(wire);
    EXPECT_TRUE(reader.next()->has_value());
}

TEST(Frames, TooLongToSendIsSaidBeforeItIsSent)
{
    const auto frame = encode_frame(Json{
        {"type",                 "log"},
        { "event", std::string(kMaxFrame,  'x')}
    });
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().code, "frame_too_long");
}

struct BadRow {
    const char* name;
    std::string bytes;
};

class BadFrames : public testing::TestWithParam<BadRow> {};

TEST_P(BadFrames, EndTheConversationForGood)
{
    FrameReader reader;
    reader.feed(GetParam().bytes);
    const auto first = reader.next();
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().code, "protocol_violation");
    EXPECT_EQ(first.error().category, Category::plugin_crashed);

    reader.feed(raw(R"({"type":"bye"})"));
    EXPECT_FALSE(reader.next()) << "a broken wire does not heal";
}

INSTANTIATE_TEST_SUITE_P(Rows,
                         BadFrames,
                         testing::Values(BadRow{"StrayPrint", "Hello, world of frames\n"},
                                         BadRow{"OneTooLong", header(kMaxFrame + 1)},
                                         BadRow{"Longest", header(0xFFFFFFFFU)},
                                         BadRow{"Empty", raw("")},
                                         BadRow{"NotJson", raw("{type}")},
                                         BadRow{"Array", raw("[1,2]")},
                                         BadRow{"NoType", raw(R"({"job":"1"})")},
                                         BadRow{"TypeIsANumber", raw(R"({"type":3})")},
                                         BadRow{"NotUtf8", raw("{\"type\":\"\xFF\"}")},
                                         BadRow{"TwoObjects", raw(R"({"type":"a"}{"type":"b"})")},
                                         BadRow{"Deep",
                                                raw("{\"type\":\"a\",\"x\":" +
                                                    std::string(100'000, '[') +
                                                    std::string(100'000, ']') + "}")}),
                         [](const auto& row) { return row.param.name; });

TEST(Frames, DepthCountsBracketsOnlyOutsideStrings)
{
    FrameReader reader;
    reader.feed(raw("{\"type\":\"log\",\"text\":\"" + std::string(500, '[') + "\\\"[\"}"));
    EXPECT_TRUE(reader.next());
}

} // namespace
} // namespace reelgate
