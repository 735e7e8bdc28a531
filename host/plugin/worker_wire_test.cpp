#include "host/plugin/worker_wire.hpp"

#include "host/plugin/failure_record.hpp"
#include "host/plugin/frames.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace reelgate {
namespace {

std::string nested(std::size_t levels)
{
    return R"({"x": )" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + '}';
}

// Whatever the plugin gave, the frame that carries it must be one that the host takes.
bool is_taken(const Json& member)
{
    FrameReader reader;
    reader.feed(*encode_frame(Json{
        {"type",   "log" },
        {"fields", member}
    }));
    const auto frame = reader.next();
    return frame && *frame && (**frame)["fields"] == member;
}

struct Text {
    std::string name;
    std::string text;
    bool is_json;
};
void PrintTo(const Text& text, std::ostream* out) { *out << text.name; }

class PluginJson : public testing::TestWithParam<Text> {};

TEST_P(PluginJson, FitsAFrameOrBecomesText)
{
    const auto& [name, text, is_json] = GetParam();
    const Json member = parsed_or_text(text);
    EXPECT_EQ(parsed(text).has_value(), is_json);
    EXPECT_EQ(member.is_string(), !is_json) << member;
    if (member.is_string()) {
        EXPECT_EQ(member.get<std::string>(), text);
    }
    EXPECT_TRUE(is_taken(name == "not_utf8" ? Json::parse(json_text(member)) : member));
}

INSTANTIATE_TEST_SUITE_P(
    Rows,
    PluginJson,
    testing::Values(Text{"object", R"({"a": [1, {"b": null}]})", true},
                    Text{"number", "42", true},
                    Text{"as_deep_as_can_be", nested(kMaxFrameDepth - 1), true},
                    Text{"one_too_deep", nested(kMaxFrameDepth), false},
                    Text{"far_too_deep", nested(100'000), false},
                    Text{"brackets_in_text", R"({"t": ")" + std::string(200, '[') + R"("})", true},
                    Text{"cut_off", R"({"a": )", false},
                    Text{"empty", "", false},
                    Text{"no_double", "1e999", false},
                    Text{"not_utf8", "{\"a\": \"\xff\"}", false}),
    [](const auto& row) { return row.param.name; });

TEST(PluginJson, AnObjectIsNothingElse)
{
    EXPECT_TRUE(parsed_object("{}"));
    for (const char* text : {"[]", "42", "\"{}\"", "", "null"})
        EXPECT_FALSE(parsed_object(text)) << text;
}

// The plugin's own word, through the worker's frame and out of it again.
struct Said {
    std::string name;
    rg_status status;
    std::string record;
    rg_status on_wire;
};
void PrintTo(const Said& said, std::ostream* out) { *out << said.name; }

class Verdicts : public testing::TestWithParam<Said> {};

TEST_P(Verdicts, ReachTheHostAsTheyWereGiven)
{
    const Error given = error_from(GetParam().status, GetParam().record, Phase::run);
    Json frame;
    put_verdict(frame, given);
    EXPECT_EQ(frame["status"], GetParam().on_wire);
    const Error heard =
        error_from(frame["status"].get<rg_status>(), json_text(frame["failure"]), Phase::validate);
    EXPECT_EQ(record_from(heard), record_from(given));
}

INSTANTIATE_TEST_SUITE_P(
    Rows,
    Verdicts,
    testing::Values(
        Said{"busy", RG_BUSY, "", RG_BUSY},
        Said{"rejected", RG_REJECTED, "", RG_REJECTED},
        Said{"failed", RG_FAILED, "", RG_FAILED},
        Said{"ambiguous", RG_AMBIGUOUS, "", RG_AMBIGUOUS},
        Said{"cancelled", RG_CANCELLED, "", RG_CANCELLED},
        Said{"unknown_status", 77, "", RG_FAILED},
        Said{
            "rate_limited", RG_BUSY, R"({"category": "rate_limited", "phase": "submit"})", RG_BUSY},
        // Whose money may be gone must not become who refused.
        Said{"limited_but_not_refused", RG_FAILED, R"({"category": "rate_limited"})", RG_FAILED},
        Said{"busy_in_the_middle",
             RG_BUSY,
             R"({"category": "rate_limited", "phase": "poll"})",
             RG_FAILED},
        Said{"overloaded_and_paid",
             RG_FAILED,
             R"({"category": "provider_overloaded", "billing": "billed"})",
             RG_FAILED},
        Said{"invalid_but_not_refused",
             RG_FAILED,
             R"({"category": "invalid_params", "phase": "run"})",
             RG_FAILED},
        Said{"refused_content", RG_REJECTED, R"({"category": "content_rejected"})", RG_FAILED},
        Said{"all_there_is",
             RG_FAILED,
             R"({"category": "provider_error", "phase": "download", "text": "t",
             "code": "c", "hint": "h", "provider_code": "p", "upstream_excerpt": "e", "scope": "model",
             "billing": "billed", "retry_after_s": 7, "compute_stopped": true})",
             RG_FAILED},
        Said{"too_deep", RG_FAILED, nested(1000), RG_FAILED}),
    [](const auto& row) { return row.param.name; });

// One frame that came out of an outbox.
template <class Work>
Json frame_of(Work work)
{
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    Outbox outbox(ends[0]);
    work(outbox);
    std::thread writer([&] {
        outbox.close();
        outbox.write_until_closed();
        ::shutdown(ends[0], SHUT_WR);
    });
    FrameReader reader;
    std::array<char, 4096> block{};
    for (ssize_t got = 0; (got = ::read(ends[1], block.data(), block.size())) > 0;)
        reader.feed({block.data(), static_cast<std::size_t>(got)});
    writer.join();
    for (const int end : ends)
        ::close(end);
    const auto frame = reader.next();
    return frame && *frame ? **frame : Json();
}

TEST(Answers, AreResultsOrFailures)
{
    const Json asked{
        {"type", "probed"},
        {"n",    3       }
    };
    const Json good = frame_of([&](Outbox& o) { say_answer(o, asked, std::string("[1]")); });
    EXPECT_EQ(good["result"], Json::array({1}));
    EXPECT_EQ(good["status"], RG_OK);
    EXPECT_EQ(good["n"], 3);
    const Json bad = frame_of([&](Outbox& o) { say_answer(o, asked, internal_error("why")); });
    EXPECT_EQ(bad["failure"]["text"], "why");
    EXPECT_FALSE(bad.contains("result"));
}

// As JSON it is six times as long: a character of control is written as six.
TEST(Answers, ThatNoFrameHoldsAreFailures)
{
    const Json asked{
        {"type", "called"},
        {"n",    4       }
    };
    const std::string bells(std::size_t{512} * 1024, '\a');
    const Json frame = frame_of([&](Outbox& o) { say_answer(o, asked, bells); });
    EXPECT_EQ(frame["n"], 4);
    EXPECT_EQ(frame["failure"]["code"], "answer_too_long");
    EXPECT_FALSE(frame.contains("result"));
}

} // namespace
} // namespace reelgate
