// A worker's wire carries whatever a plugin's program writes. In any portions, the reader gives
// objects with a type, or one violation that stays; what it gives can be sent again.
#include "host/plugin/frames.hpp"
#include "host/plugin/last_words.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace {

void must(bool holds)
{
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace reelgate;
    if (size == 0) return 0;
    const std::size_t portion = std::size_t{data[0]} + 1;
    std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);

    FrameReader reader;
    while (!wire.empty()) {
        reader.feed(wire.substr(0, portion));
        wire.remove_prefix(std::min(portion, wire.size()));
        auto next = reader.next();
        for (; next && *next; next = reader.next()) {
            must((**next)["type"].is_string());
            must(encode_frame(**next).has_value());
        }
        if (next) continue;
        must(next.error().code == "protocol_violation");
        must(!reader.next());
        break;
    }
    must(reader.pending() <= size);
    const auto words = parse_last_words({reinterpret_cast<const char*>(data), size});
    must(!words || words->depth <= kMaxReturnAddresses);
    return 0;
}
