#include "host/plugin/handshake.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace reelgate {
namespace {

struct Row {
    std::string name;
    std::vector<std::string> types;
    std::string wrong = {}; // what is said of the last one; nothing: all are in order
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class HandshakeOrder : public testing::TestWithParam<Row> {};

TEST_P(HandshakeOrder, IsKeptOrTheLastFrameBreaksIt)
{
    const Row& row = GetParam();
    Handshake so_far = Handshake::none;
    for (std::size_t i = 0; i < row.types.size(); ++i) {
        const auto taken = take_frame(so_far, row.types[i]);
        const bool breaks = !row.wrong.empty() && i + 1 == row.types.size();
        ASSERT_EQ(taken.has_value(), !breaks) << row.types[i];
        if (!breaks) continue;
        EXPECT_EQ(taken.error().code, "protocol_violation");
        EXPECT_EQ(taken.error().text, row.wrong);
        EXPECT_EQ(so_far, Handshake::over);
        EXPECT_TRUE(take_frame(so_far, row.types[i])); // told once
        EXPECT_EQ(so_far, Handshake::over);
    }
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, HandshakeOrder, testing::Values(
    Row{"in_order", {"log", "hello", "log", "created", "progress", "done", "pong", "fanfare"}},
    Row{"early_answers", {"pong", "probed", "hello", "abandoned", "called", "fanfare"}},
    Row{"early_fatal", {"fatal"}},
    Row{"hello_twice", {"hello", "hello"}, "the worker said hello twice"},
    Row{"hello_late", {"hello", "created", "hello"}, "the worker said hello twice"},
    Row{"created_first", {"created"}, "the worker said created before its hello"},
    Row{"created_twice", {"hello", "created", "created"}, "the worker said created twice"},
    Row{"done_first", {"done"}, "the worker said `done` before it was created"},
    Row{"progress_early", {"hello", "progress"}, "the worker said `progress` before it was created"},
    Row{"preview_early", {"hello", "preview"}, "the worker said `preview` before it was created"},
    Row{"artifact_early", {"hello", "artifact"}, "the worker said `artifact` before it was created"},
    Row{"intend_early", {"hello", "intend"}, "the worker said `intend` before it was created"},
    Row{"accepted_early", {"hello", "accepted"}, "the worker said `accepted` before it was created"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

} // namespace
} // namespace reelgate
