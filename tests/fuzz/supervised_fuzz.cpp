// A worker may say any frame of the protocol at any time. Whatever the order, what the host
// believes of it is what it has said in this life, and every attempt comes to its end.
#include "tests/plugin/worker_play.hpp"

#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string broken = reelgate::test::broken_rule_of_play({data, size});
    if (broken.empty()) return 0;
    std::fprintf(stderr, "%s\n", broken.c_str());
    std::abort();
}
