#include "host/base/error.hpp"

#include "host/base/digest.hpp"
#include "host/base/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace reelgate {
namespace {

TEST(Categories, EveryNameLeadsBackToItsRow)
{
    for (const CategoryTraits& row : category_table()) {
        EXPECT_EQ(category_from(row.name), row.category);
        EXPECT_GE(row.http, 200) << row.name;
    }
    EXPECT_EQ(category_from("no such thing"), std::nullopt);
}

TEST(Categories, FoldIntoTheSevenThatOldClientsKnow)
{
    std::set<std::string_view> bases;
    for (const CategoryTraits& row : category_table()) {
        bases.insert(to_string(row.base));
        EXPECT_EQ(traits(row.base).base, row.base) << "a base is its own base: " << row.name;
    }
    const std::set<std::string_view> expected{"model_not_found",
                                              "insufficient_vram",
                                              "timeout",
                                              "network_error",
                                              "worker_unavailable",
                                              "invalid_params",
                                              "unknown"};
    EXPECT_EQ(bases, expected);
}

TEST(Errors, KeepTheirCategoryOnTheWayUp)
{
    const Error e = invalid("frames: must be 4n+1", "frames_unsupported").while_doing("checking");
    EXPECT_EQ(e.category, Category::invalid_params);
    EXPECT_EQ(e.sentence(), "checking: frames: must be 4n+1 (invalid_params/frames_unsupported)");
}

TEST(Errors, AFullDiskIsAlwaysStorageFull)
{
    EXPECT_EQ(system_error(Category::internal, "writing", ENOSPC).category, Category::storage_full);
    EXPECT_EQ(system_error(Category::internal, "writing", EIO).category, Category::internal);
}

Result<int> half(int n)
{
    if (n % 2 != 0) return invalid("odd");
    return n / 2;
}

Result<int> quarter(int n)
{
    RG_TRY(const int h, half(n));
    return half(h);
}

TEST(Results, TryLeavesWithTheFirstError)
{
    EXPECT_EQ(*quarter(8), 2);
    EXPECT_EQ(quarter(6).error().text, "odd");
    EXPECT_FALSE(quarter(7));
}

TEST(Digest, MatchesThePublishedVector)
{
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

} // namespace
} // namespace reelgate
