// A plugin's library is read before it is trusted: no byte of it may lead the reader astray.
#include "host/plugin/elf.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span(data, size));
    if (const auto facts = reelgate::parse_elf(bytes, "plugin.so"))
        (void)reelgate::fits_this_host(*facts, "plugin.so").has_value();
    return 0;
}
