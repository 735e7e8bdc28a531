#include "host/base/log.hpp"

#include "host/base/fd.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <set>

namespace reelgate {
namespace {

std::string written(LogFormat format, Level least, void (*say)(const Log&))
{
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    const Fd in(ends[0]);
    Fd out(ends[1]);
    say(Log(out.get(), format, least));
    out.reset();
    std::string text(4096, '\0');
    const ssize_t got = ::read(in.get(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

TEST(Log, JsonLineCarriesTheEventAndItsFields)
{
    const std::string line = written(LogFormat::json, Level::debug, [](const Log& log) {
        log.write(Event::worker_crashed,
                  {
                      {"provider", "bars"},
                      {"signal",   11    },
                      {"core",     false }
        });
    });
    EXPECT_NE(line.find(R"("level":"warn","event":"plugin.crashed")"), std::string::npos) << line;
    EXPECT_NE(line.find(R"("provider":"bars","signal":11,"core":false})"), std::string::npos)
        << line;
    EXPECT_EQ(line.back(), '\n');
}

TEST(Log, WhatIsBelowTheLevelIsNotWritten)
{
    EXPECT_EQ(written(LogFormat::text,
                      Level::warn,
                      [](const Log& log) { log.write(Event::worker_ready, {}); }),
              "");
}

struct QuoteRow {
    const char* name;
    std::string_view raw;
    std::string_view quoted;
};

class JsonQuoted : public testing::TestWithParam<QuoteRow> {};

TEST_P(JsonQuoted, IsAlwaysOneValidString)
{
    EXPECT_EQ(json_quoted(GetParam().raw), GetParam().quoted);
}

INSTANTIATE_TEST_SUITE_P(
    Texts,
    JsonQuoted,
    testing::Values(QuoteRow{"Plain", "ab", R"("ab")"},
                    QuoteRow{"Quote", "a\"b\\", R"("a\"b\\")"},
                    QuoteRow{"LineEnd", "a\nb\r\t", R"("a\nb\r\t")"},
                    QuoteRow{"Control", std::string_view("\x01\x7f", 2), R"("\u0001\u007f")"},
                    QuoteRow{"Emoji", "\xF0\x9F\x8E\xAC", "\"\xF0\x9F\x8E\xAC\""},
                    QuoteRow{"LoneByte", "\xFF", "\"\xEF\xBF\xBD\""},
                    QuoteRow{"Overlong", "\xC0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
                    QuoteRow{
                        "Surrogate", "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
                    QuoteRow{"CutShort", "\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""}),
    [](const auto& row) { return row.param.name; });

TEST(LogEvents, HaveOneNameEach)
{
    std::set<std::string_view> names;
    for (const EventRow& row : event_table()) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_FALSE(row.meaning.empty()) << row.name;
    }
}

} // namespace
} // namespace reelgate
