// Some hundred plays that no fuzzer had to find; the same ones each time.
#include "tests/plugin/worker_play.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace reelgate::test {
namespace {

TEST(WorkerPlay, WhateverAWorkerSaysWheneverTheRulesHold)
{
    std::mt19937 chance(20260101); // NOLINT(cert-msc51-cpp): the same plays each time
    for (int play = 0; play < 500; ++play) {
        std::vector<std::uint8_t> acts(chance() % 400);
        for (std::uint8_t& act : acts)
            act = static_cast<std::uint8_t>(chance());
        ASSERT_EQ(broken_rule_of_play(acts), "") << "in play " << play;
    }
}

} // namespace
} // namespace reelgate::test
