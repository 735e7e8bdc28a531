#include "host/app/command.hpp"

#include "host/app/output.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace reelgate {
namespace {

TEST(Printable, LeavesNothingThatSteersATerminal)
{
    EXPECT_EQ(printable("plain, caf\xC3\xA9"), "plain, caf\xC3\xA9");
    EXPECT_EQ(printable("a\x1B[2Jb\nc\x7F\td"), "a?[2Jb?c? d");
    EXPECT_EQ(printable("a\xC2\x9B"
                        "31m"),
              "a?31m"); // U+009B, one-character CSI
}

TEST(ExitCodes, EveryCategoryHasOneOfTheTable)
{
    for (const CategoryTraits& row : category_table()) {
        const ExitCode code = exit_code_of(Error{.category = row.category, .text = "x"});
        const auto is_listed = [code](const ExitCodeRow& known) { return known.code == code; };
        EXPECT_TRUE(std::any_of(kExitCodes.begin(), kExitCodes.end(), is_listed)) << row.name;
        EXPECT_NE(code, ExitCode::ok) << row.name;
    }
}

TEST(ExitCodes, TellARefusalFromAFailure)
{
    EXPECT_EQ(exit_code_of({.category = Category::not_found, .text = "x"}), ExitCode::failed);
    EXPECT_EQ(exit_code_of({.category = Category::invalid_params, .text = "x"}), ExitCode::failed);
    EXPECT_EQ(exit_code_of({.category = Category::worker_unavailable, .text = "x"}),
              ExitCode::refused);
    EXPECT_EQ(exit_code_of({.category = Category::internal, .text = "x"}), ExitCode::internal);
}

} // namespace
} // namespace reelgate
