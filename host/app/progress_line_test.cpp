#include "host/app/progress_line.hpp"

#include <gtest/gtest.h>

namespace reelgate {
namespace {

struct TextRow {
    const char* name;
    ProgressNote note;
    std::optional<double> eta_s;
    const char* text;
};

void PrintTo(const TextRow& row, std::ostream* out) { *out << row.name; }

class ProgressText : public testing::TestWithParam<TextRow> {};

TEST_P(ProgressText, SaysWhatIsKnownAndNoMore)
{
    EXPECT_EQ(progress_text(GetParam().note, GetParam().eta_s), GetParam().text);
}

ProgressNote note(rg_source source, double value, std::uint32_t step, std::string stage)
{
    return {.source = source,
            .value = value,
            .step = step,
            .steps = step > 0 ? 10U : 0U,
            .stage = std::move(stage)};
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, ProgressText, testing::Values(
    TextRow{"Nothing", {}, {}, "working"},
    TextRow{"Stage", note(RG_NONE, 0.5, 0, "load"), {}, "load"},
    TextRow{"Steps", note(RG_MEASURED, 0.3, 3, "denoise"), {}, "denoise 3/10 30 %"},
    TextRow{"Estimated", note(RG_ESTIMATED, 0.3, 0, "remote"), {}, "remote 30 % (estimated)"},
    TextRow{"SecondsLeft", note(RG_MEASURED, 0.3, 3, "denoise"), 4.2, "denoise 3/10 30 %, 0:05 left"},
    TextRow{"MinutesLeft", note(RG_NONE, 0, 0, "queue"), 65, "queue, 1:05 left"},
    TextRow{"HoursLeft", note(RG_NONE, 0, 0, "queue"), 3725, "queue, 1:02:05 left"},
    TextRow{"NoTimeLeft", note(RG_NONE, 0, 0, "queue"), -3, "queue, 0:00 left"},
    TextRow{"NobodyKnows", note(RG_NONE, 0, 0, "queue"), 1e300, "queue, 99:59:59 left"},
    TextRow{"Escapes", note(RG_NONE, 0, 0, "a\x1b[2J"), {}, "a?[2J"}),
    [](const auto& row) { return std::string(row.param.name); });
// clang-format on

} // namespace
} // namespace reelgate
