#include "host/model/capability.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace reelgate {
namespace {

constexpr std::uint32_t kMost32 = 0xFFFFFFFFU;

std::string shown(std::optional<FrameSize> size) { return size ? to_string(*size) : "-"; }

TEST(FrameSizes, AreReadAndWritten)
{
    EXPECT_EQ(shown(frame_size_from("1280x704")), "1280x704");
    for (const char* text : {"",
                             "x",
                             "1280",
                             "1280x",
                             "x704",
                             "1280x704 ",
                             " 1280x704",
                             "1280X704",
                             "-1x5",
                             "1280x70.4",
                             "4294967296x1",
                             "1x4294967296",
                             "0x10x10"})
        EXPECT_EQ(shown(frame_size_from(text)), "-") << text;
}

struct SizeRow {
    FrameSize wanted;
    bool allowed;
    const char* close; // within 16 pixels, "-" if nothing is
    const char* nearest;
};

void expect_sizes(const SizeRule& rule, std::initializer_list<SizeRow> rows)
{
    for (const SizeRow& row : rows) {
        SCOPED_TRACE(to_string(row.wanted));
        EXPECT_EQ(rule.allows(row.wanted), row.allowed);
        EXPECT_EQ(shown(rule.close_to(row.wanted)), row.close);
        EXPECT_EQ(to_string(rule.nearest(row.wanted)), row.nearest);
        EXPECT_TRUE(rule.allows(rule.nearest(row.wanted)));
    }
}

TEST(SizeLists, AllowTheirMembers)
{
    const SizeRule rule{
        .list = {{832, 480}, {480, 832}, {848, 480}, {64, 64}}
    };
    EXPECT_EQ(to_string(rule.smallest()), "64x64");
    EXPECT_EQ(to_string(rule.largest()), "848x480");
    expect_sizes(rule,
                 {
                     {{832, 480},         true,  "832x480", "832x480"},
                     {{840, 480},         false, "832x480", "832x480"}, // halfway goes down
                     {{841, 480},         false, "848x480", "848x480"},
                     {{832, 496},         false, "832x480", "832x480"},
                     {{832, 497},         false, "-",       "832x480"},
                     {{0, 0},             false, "-",       "64x64"  },
                     {{1, 1},             false, "-",       "64x64"  },
                     {{kMost32, kMost32}, false, "-",       "848x480"},
    });
}

TEST(SizeLattices, AllowMultiplesUpToTheirPixels)
{
    const SizeRule rule{.multiple_of = 32, .max_pixels = 1280 * 704};
    EXPECT_EQ(to_string(rule.smallest()), "32x32");
    EXPECT_TRUE(rule.allows(rule.largest()));
    expect_sizes(rule,
                 {
                     {{1280, 704},        true,  "1280x704", "1280x704"},
                     {{704, 1280},        true,  "704x1280", "704x1280"},
                     {{1280, 720},        false, "1280x704", "1280x704"}, // 720 is halfway: down
                     {{1281, 704},        false, "1280x704", "1280x704"},
                     {{1264, 704},        false, "1248x704", "1248x704"},
                     {{1265, 704},        false, "1280x704", "1280x704"},
                     {{1, 1},             false, "-",        "32x32"   },
                     {{16, 16},           false, "32x32",    "32x32"   },
                     {{0, 0},             false, "-",        "32x32"   },
                     {{1920, 1080},       false, "-",        "1248x704"},
                     {{kMost32, 1},       false, "-",        "16384x32"},
                     {{kMost32, kMost32}, false, "-",        "928x928" },
    });
}

TEST(SizeLattices, KeepWithinTheirPixelsWhenTheyRound)
{
    // Rounding both sides up would be nearer, and too large.
    const SizeRule rule{.multiple_of = 16, .max_pixels = 640 * 368};
    expect_sizes(rule,
                 {
                     {{640, 368}, true,  "640x368", "640x368"},
                     {{655, 368}, false, "640x368", "640x368"},
                     {{656, 368}, false, "656x352", "656x352"}, // as near as 640x368, and smaller
                     {{650, 378}, false, "640x368", "640x368"},
    });
    // A strip: the height has to grow to one step, so the width has to shrink for it.
    const SizeRule flat{.multiple_of = 16, .max_pixels = 100'000};
    EXPECT_TRUE(flat.allows(flat.nearest({16384, 1})));
    EXPECT_TRUE(flat.allows(flat.nearest({1, 16384})));
}

TEST(SizeLattices, WithoutLimitsEndAtTheLongestSide)
{
    const SizeRule rule;
    EXPECT_TRUE(rule.allows({1, 1}));
    EXPECT_TRUE(rule.allows({kLongestSide, kLongestSide}));
    EXPECT_FALSE(rule.allows({kLongestSide + 1, 1}));
    EXPECT_EQ(to_string(rule.nearest({kMost32, 7})), "16384x7");
}

TEST(SizeLattices, AreImpossibleWhenOneStepIsTooMuch)
{
    EXPECT_TRUE((SizeRule{.multiple_of = 16, .max_pixels = 256}).is_possible());
    EXPECT_FALSE((SizeRule{.multiple_of = 16, .max_pixels = 255}).is_possible());
    EXPECT_FALSE((SizeRule{.multiple_of = kMost32}).is_possible());
}

// nearest() against the plain search that it replaces.
TEST(SizeLattices, AreAsCloseAsAnyLawfulSize)
{
    const SizeRule rule{.multiple_of = 12, .max_pixels = 5000};
    for (std::uint32_t w = 1; w < 120; w += 7)
        for (std::uint32_t h = 1; h < 120; h += 5) {
            const auto off = [&](FrameSize s) {
                return std::abs(static_cast<int>(s.width) - static_cast<int>(w)) +
                       std::abs(static_cast<int>(s.height) - static_cast<int>(h));
            };
            int best = 1000;
            for (std::uint32_t a = 12; a <= w + 16; a += 12)
                for (std::uint32_t b = 12; b <= h + 16; b += 12) {
                    const bool close = a + 16 >= w && b + 16 >= h;
                    if (close && rule.allows({a, b})) best = std::min(best, off({a, b}));
                }
            const auto close = rule.close_to({w, h});
            EXPECT_EQ(close ? off(*close) : 1000, best) << w << "x" << h;
        }
}

struct FrameRow {
    std::uint32_t wanted;
    bool allowed;
    std::uint32_t nearest;
};

void expect_frames(const FrameRule& rule, std::initializer_list<FrameRow> rows)
{
    for (const FrameRow& row : rows) {
        SCOPED_TRACE(row.wanted);
        EXPECT_EQ(rule.allows(row.wanted), row.allowed);
        EXPECT_EQ(rule.nearest(row.wanted), row.nearest);
        EXPECT_TRUE(rule.allows(rule.nearest(row.wanted)));
    }
}

TEST(FrameLattices, AreFourNPlusOneForWan)
{
    const FrameRule rule{.min = 5, .max = 122, .step = 4, .offset = 1};
    EXPECT_EQ(rule.smallest(), 5U);
    EXPECT_EQ(rule.largest(), 121U);
    expect_frames(rule,
                  {
                      {0,             false, 5  },
                      {1,             false, 5  }, // on the lattice, below the minimum
                      {5,             true,  5  },
                      {6,             false, 5  },
                      {7,             false, 5  }, // halfway goes down
                      {8,             false, 9  },
                      {9,             true,  9  },
                      {121,           true,  121},
                      {122,           false, 121},
                      {1'000'000'000, false, 121},
                      {kMost32,       false, 121},
    });
}

TEST(FrameLattices, StartAtTheirOffset)
{
    expect_frames(
        {
            .min = 1, .max = 300, .step = 100, .offset = 50
    },
        {{1, false, 50}, {50, true, 50}, {100, false, 50}, {101, false, 150}, {300, false, 250}});
}

TEST(FrameLattices, DoNotOverflow)
{
    expect_frames(
        {
            .min = 1, .max = kMost32, .step = 1, .offset = 0
    },
        {{kMost32, true, kMost32}, {0, false, 1}});
    expect_frames(
        {
            .min = kMost32 - 1, .max = kMost32, .step = 2, .offset = 1
    },
        {{kMost32, true, kMost32}, {1, false, kMost32}});
    EXPECT_FALSE((FrameRule{.min = 2, .max = 3, .step = kMost32, .offset = 1}).is_possible());
    expect_frames(
        {
            .min = 1, .max = 9, .step = kMost32, .offset = 5
    },
        {{9, false, 5}, {5, true, 5}});
}

TEST(FrameLattices, CanBeEmpty)
{
    EXPECT_FALSE((FrameRule{.min = 6, .max = 8, .step = 4, .offset = 1}).is_possible());
    EXPECT_FALSE((FrameRule{.min = 9, .max = 5}).is_possible());
    EXPECT_FALSE((FrameRule{.min = 0, .max = 0}).is_possible());
    EXPECT_TRUE((FrameRule{.min = 0, .max = 1}).is_possible());
}

TEST(Tasks, AreTheWordsOfRouting)
{
    for (const char* task : {"t2v", "i2v", "flf2v", "v2v", "extend", "image", "talking_head"})
        EXPECT_TRUE(is_known_task(task)) << task;
    EXPECT_FALSE(is_known_task("T2V"));
    EXPECT_FALSE(is_known_task(""));
}

} // namespace
} // namespace reelgate
