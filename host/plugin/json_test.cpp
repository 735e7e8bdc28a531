#include "host/plugin/json.hpp"

#include "host/plugin/json_number.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace reelgate {
namespace {

TEST(JsonTexts, AreParsedWithinLimits)
{
    EXPECT_EQ(*parse_json(R"({"a": [1, "\u00e9"]})"),
              (Json{
                  {"a", {1, "\xC3\xA9"}}
    }));
    EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']')));
    EXPECT_FALSE(parse_json(std::string(65, '[') + std::string(65, ']')));
    EXPECT_TRUE(parse_json(R"(["[[[[[[", "\"[[[[[", {}, [], {}])", {.depth = 2}));
    EXPECT_TRUE(parse_json("[1]", {.bytes = 3}));
    EXPECT_FALSE(parse_json("[1 ]", {.bytes = 3}));
}

TEST(JsonTexts, AreRefusedInASentence)
{
    for (const char* text : {"",
                             "{",
                             "nul",
                             "[1,]",
                             "{'a': 1}",
                             "\"\xC3\"",
                             "1e400",
                             "[1] 2",
                             "NaN",
                             "\"a\nb\"",
                             "\"\\ud800\""}) {
        const auto parsed = parse_json(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, "bad_json");
        EXPECT_THAT(parsed.error().text, testing::StartsWith("not JSON: "));
        EXPECT_THAT(parsed.error().text, testing::Not(testing::HasSubstr("json.exception")));
    }
}

TEST(JsonTexts, AreWrittenEvenFromBrokenUtf8) { EXPECT_EQ(json_text("\xff"), "\"\xEF\xBF\xBD\""); }

TEST(Texts, AreCutBetweenCharacters)
{
    EXPECT_EQ(shortened("abc", 3), "abc");
    EXPECT_EQ(shortened("abcdef", 5), "ab...");
    EXPECT_EQ(shortened("\xE2\x98\x83\xE2\x98\x83", 5), "...");
    EXPECT_EQ(shortened("abcdef", 2), "..");
    EXPECT_EQ(shortened("abcdef", 0), "");
}

TEST(Pointers, EscapeWhatWouldMislead)
{
    EXPECT_EQ(pointer(pointer("", "models"), std::size_t{0}), "/models/0");
    EXPECT_EQ(pointer("", "a/b~c"), "/a~1b~0c");
}

Json number(const char* text) { return Json::parse(text); }

TEST(JsonNumbers, CompareExactly)
{
    // In ascending order; neighbours differ by less than a double can tell.
    const char* const ascending[] = {"-1e300",
                                     "-9223372036854775809",
                                     "-9223372036854775807",
                                     "-1.5",
                                     "-1",
                                     "-0.5",
                                     "0",
                                     "0.5",
                                     "9007199254740992",
                                     "9007199254740993",
                                     "9223372036854775807",
                                     "9223372036854775808",
                                     "18446744073709551614",
                                     "18446744073709551615",
                                     "18446744073709551616",
                                     "1e300"};
    for (std::size_t i = 0; i < std::size(ascending); ++i)
        for (std::size_t j = 0; j < std::size(ascending); ++j)
            EXPECT_TRUE(compare_numbers(number(ascending[i]), number(ascending[j])) == (i <=> j))
                << ascending[i] << " and " << ascending[j];
    EXPECT_TRUE(compare_numbers(number("1"), number("1.0")) == std::partial_ordering::equivalent);
    EXPECT_TRUE(compare_numbers(number("-0.0"), number("0")) == std::partial_ordering::equivalent);
    EXPECT_TRUE(
        std::is_gt(compare_numbers(number("9007199254740993"), number("9007199254740992.0"))));
    const Json nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_FALSE(std::is_lteq(compare_numbers(nan, 1)));
    EXPECT_FALSE(std::is_gteq(compare_numbers(1, nan)));
}

TEST(JsonNumbers, KnowWhatIsWhole)
{
    for (const char* text : {"0", "-1", "1.0", "1e300", "18446744073709551615", "-0.0"})
        EXPECT_TRUE(is_whole(number(text))) << text;
    for (const char* text : {"0.5", "1e-300", "\"1\"", "true", "null", "[]"})
        EXPECT_FALSE(is_whole(number(text))) << text;
    EXPECT_EQ(whole_number(number("3.0")), 3);
    EXPECT_EQ(whole_number(number("-9223372036854775808")),
              std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(whole_number(number("9223372036854775808")), std::nullopt);
    EXPECT_EQ(whole_number(number("1e300")), std::nullopt);
    EXPECT_EQ(whole_number(Json(std::numeric_limits<double>::infinity())), std::nullopt);
}

struct MultipleRow {
    const char* value;
    const char* unit;
    bool expected;
};

TEST(JsonNumbers, KnowMultiplesAsWritten)
{
    for (const MultipleRow& row : {
             MultipleRow{"10",                   "5",                    true },
             {"10",                   "3",                    false},
             {"0",                    "7",                    true },
             {"-10",                  "5",                    true },
             {"0.3",                  "0.1",                  true },
             {"0.0075",               "0.0001",               true },
             {"0.00751",              "0.0001",               false},
             {"4.5",                  "1.5",                  true },
             {"35",                   "1.5",                  false},
             {"1e300",                "3",                    false},
             {"1e308",                "0.5",                  true },
             {"1e308",                "0.123456789",          false},
             {"1e-300",               "1",                    false},
             {"1",                    "1e-300",               true },
             {"18446744073709551615", "5",                    true },
             {"18446744073709551615", "2",                    false},
             {"18446744073709551615", "18446744073709551615", true },
             {"-9223372036854775808", "2",                    true },
             {"1e19",                 "18446744073709551615", false},
             {"5e-324",               "5e-324",               true },
             {"1",                    "1e300",                false},
    })
        EXPECT_EQ(is_multiple(number(row.value), number(row.unit)), row.expected)
            << row.value << " of " << row.unit;
    const Json infinity = std::numeric_limits<double>::infinity();
    EXPECT_FALSE(is_multiple(infinity, 1));
    EXPECT_FALSE(is_multiple(1, infinity));
}

} // namespace
} // namespace reelgate
