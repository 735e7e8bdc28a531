// Reasons: one table, known to the code, to the documents and to people.
#include "host/router/reason_table.hpp"

#include "host/router/failure_policy.hpp"
#include "host/router/route_world.hpp"
#include "host/router/rules.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <set>
#include <sstream>

namespace reelgate {
namespace {

using namespace testing_world;
using testing::HasSubstr;
using testing::Not;

std::string_view to_string(ReasonKind kind)
{
    constexpr std::array<std::string_view, 3> kNames{"rejects", "skips", "holds"};
    return kNames[static_cast<std::size_t>(kind)];
}

TEST(Reasons, AreEachListedOnceAndSaySomething)
{
    std::set<std::string_view> codes;
    std::set<std::string_view> meanings;
    for (const ReasonRow& row : kReasonTable) {
        EXPECT_TRUE(codes.insert(row.code).second) << row.code;
        EXPECT_TRUE(meanings.insert(row.meaning).second) << row.meaning;
        EXPECT_EQ(find_reason(row.code), &row);
    }
    EXPECT_EQ(find_reason("because"), nullptr);
    EXPECT_EQ(codes.count(""), 0U);
    EXPECT_EQ(meanings.count(""), 0U);
}

// The document's table is this one, row by row: neither can be changed alone.
TEST(Reasons, AreThoseOfTheDocument)
{
    std::ifstream file(REELGATE_SOURCE_DIR "/docs/ROUTING.md");
    ASSERT_TRUE(file);
    std::stringstream page;
    page << file.rdbuf();
    std::string table = "| reason | effect | what it means |\n|---|---|---|\n";
    for (const ReasonRow& row : kReasonTable)
        table += "| `" + std::string(row.code) + "` | " + std::string(to_string(row.kind)) + " | " +
                 std::string(row.meaning) + " |\n";
    EXPECT_THAT(page.str(), HasSubstr(table + "\n"));
}

TEST(Reasons, OfEachCategoryEndWithAHintForPeople)
{
    for (const CategoryTraits& traits : category_table()) {
        const Error error = failure(traits.category, Phase::run);
        // Who has cancelled it, or asked for what does not exist, needs no advice.
        const bool is_plain =
            traits.category == Category::cancelled || traits.category == Category::not_found;
        EXPECT_EQ(hint_for(error).empty(), is_plain) << traits.name;
        EXPECT_EQ(hint_for(Error(error).with_hint("do this")), "do this");
    }
}

TEST(Reasons, OfWhatTheOwnerCanChangeComeFirst)
{
    using enum Category;
    for (const Category other : {worker_unavailable, network_error, timeout, auth_failed, unknown})
        for (const Category own : {content_rejected, budget_exceeded, invalid_params})
            EXPECT_LT(usefulness(own), usefulness(other)) << to_string(own) << to_string(other);
    EXPECT_LT(usefulness(auth_failed), usefulness(worker_unavailable))
        << "what the operator can repair comes before what nobody can";
    EXPECT_LT(usefulness(model_not_found), usefulness(internal));
}

TEST(ReasonsTold, NameEachProviderAndNoneThatTheRequestLeftOut)
{
    World w;
    w["a"].health = Health::disabled;
    w["b"].health = Health::misconfigured;
    w["b"].reason = "no weights";
    w.order.route.ignore = {"c"};
    const auto door = refuse_at_the_door(w.input());
    ASSERT_TRUE(door);
    EXPECT_THAT(door->text, HasSubstr("a/wan: it is switched off"));
    EXPECT_THAT(door->text, HasSubstr("b/wan: it cannot work as it is configured: no weights"));
    EXPECT_THAT(door->text, Not(HasSubstr("c/wan")));
    EXPECT_NE(door->hint, "");
}

TEST(ReasonsTold, AreShortWhereAllSayTheSame)
{
    World w;
    w.order.wish.fps = -1;
    const auto door = refuse_at_the_door(w.input());
    ASSERT_TRUE(door);
    EXPECT_EQ(door->category, Category::invalid_params);
    EXPECT_THAT(door->text, Not(HasSubstr("a/wan")));
}

TEST(ReasonsTold, OfAChoiceOnlyWhereThereIsNothingElse)
{
    World w;
    w.order.route.only = {"nobody"};
    const auto door = refuse_at_the_door(w.input());
    ASSERT_TRUE(door);
    EXPECT_EQ(door->code, "excluded");
    EXPECT_EQ(door->text, "the request asks for others only");
}

TEST(ReasonsTold, ListTheModelsThatAreThere)
{
    World w;
    w.order.wish.model = "sora";
    const auto door = refuse_at_the_door(w.input());
    ASSERT_TRUE(door);
    EXPECT_EQ(door->category, Category::model_not_found);
    EXPECT_THAT(door->text, HasSubstr("it does not offer the model sora; it has wan"));
}

} // namespace
} // namespace reelgate
