#include "host/api/byte_range.hpp"

#include <gtest/gtest.h>

#include <string>

namespace reelgate::api {
namespace {

struct Row {
    std::string name;
    std::string header;
    std::uint64_t size;
    std::optional<ByteRange> wanted;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class Range : public testing::TestWithParam<Row> {};

TEST_P(Range, IsRead)
{
    const auto got = range_of(GetParam().header, GetParam().size);
    const auto& wanted = GetParam().wanted;
    ASSERT_EQ(got.has_value(), wanted.has_value());
    if (!got) return;
    EXPECT_EQ(got->first, wanted->first);
    EXPECT_EQ(got->length, wanted->length);
    EXPECT_EQ(got->is_whole, wanted->is_whole);
}

constexpr ByteRange kWhole{0, 100, true};

INSTANTIATE_TEST_SUITE_P(Headers,
                         Range,
                         testing::Values(
                             Row{
                                 "None", "", 100, kWhole
},
                             Row{"First", "bytes=0-0", 100, ByteRange{0, 1, false}},
                             Row{"Middle", "bytes=10-19", 100, ByteRange{10, 10, false}},
                             Row{"ToTheEnd", "bytes=90-", 100, ByteRange{90, 10, false}},
                             Row{"BeyondTheEnd", "bytes=90-4000", 100, ByteRange{90, 10, false}},
                             Row{"Last", "bytes=-5", 100, ByteRange{95, 5, false}},
                             Row{"LastOfMany", "bytes=-500", 100, ByteRange{0, 100, false}},
                             Row{"AllByRange", "bytes=0-", 100, ByteRange{0, 100, false}},
                             Row{"StartsBehindTheEnd", "bytes=100-", 100, std::nullopt},
                             Row{"NothingLast", "bytes=-0", 100, std::nullopt},
                             Row{"EmptyFile", "bytes=0-", 0, std::nullopt},
                             Row{"Several", "bytes=0-1,4-5", 100, kWhole},
                             Row{"Backwards", "bytes=9-3", 100, kWhole},
                             Row{"OtherUnit", "frames=0-1", 100, kWhole},
                             Row{"Rubbish", "bytes=a-b", 100, kWhole},
                             Row{"NoDash", "bytes=7", 100, kWhole},
                             Row{"Negative", "bytes=--7", 100, kWhole},
                             Row{"TooLarge", "bytes=99999999999999999999-", 100, kWhole}),
                         [](const auto& row) { return row.param.name; });

} // namespace
} // namespace reelgate::api
