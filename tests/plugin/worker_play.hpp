// A worker that says any valid frame at any time, to the real SupervisedProvider, beside a host
// that starts, stops, asks and cancels whenever it likes. No process, no wire, no time: what
// happens is what the bytes say, so that a fuzzer can write the play.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace reelgate::test {

// Plays it to the end, stop included. The first rule that was broken, and after which act; nothing
// when all of them held.
std::string broken_rule_of_play(std::span<const std::uint8_t> acts);

} // namespace reelgate::test
