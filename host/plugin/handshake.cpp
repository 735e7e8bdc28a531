#include "host/plugin/handshake.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace reelgate {
namespace {

// Answers are not among them: one to a question that nobody asked is dropped where it arrives.
constexpr std::array<std::string_view, 6> kOfJobs{
    "progress", "preview", "artifact", "intend", "accepted", "done"};

Error out_of_order(std::string text)
{
    return Error{.category = Category::plugin_crashed,
                 .text = "the worker " + std::move(text),
                 .code = "protocol_violation",
                 .hint = "see the worker protocol in the plugin guide",
                 .phase = Phase::run};
}

Result<Done> advance(Handshake& so_far, std::string_view type)
{
    if (type == "hello") {
        // A second one would create a second instance behind the back of the attempts that run.
        if (so_far != Handshake::none) return out_of_order("said hello twice");
        so_far = Handshake::greeted;
    } else if (type == "created") {
        if (so_far == Handshake::none) return out_of_order("said created before its hello");
        if (so_far == Handshake::created) return out_of_order("said created twice");
        so_far = Handshake::created;
    } else if (so_far != Handshake::created && std::ranges::find(kOfJobs, type) != kOfJobs.end()) {
        return out_of_order("said `" + std::string(type) + "` before it was created");
    }
    return Done{};
}

} // namespace

Result<Done> take_frame(Handshake& so_far, std::string_view type)
{
    if (so_far == Handshake::over) return Done{};
    auto taken = advance(so_far, type);
    if (!taken) so_far = Handshake::over;
    return taken;
}

} // namespace reelgate
