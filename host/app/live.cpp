#include "host/app/live.hpp"

#include "host/app/provider_place.hpp"

#include <unistd.h>

namespace reelgate {
namespace {

// A library of several GB takes its time; longer than this is a matter for `plugin check`.
constexpr auto kPatience = std::chrono::seconds(60);

asio::awaitable<void> look(SupervisedProvider& provider, LiveFacts& facts)
{
    const auto opened = co_await provider.open(kPatience);
    if (const Description* description = provider.description()) facts.description = *description;
    facts.confinement = provider.jail();
    if (opened)
        facts.probe.emplace(co_await provider.probe());
    else
        facts.refused = opened.error();
    co_await provider.stop();
}

} // namespace

LiveFacts look_alive(const Globals& globals, const Manifest& manifest)
{
    asio::io_context loop{1};
    const SystemClock clock;
    const Log log(STDERR_FILENO, globals.log_format, Level::error);
    SupervisedProvider provider(loop.get_executor(),
                                log,
                                clock,
                                globals.program("reelgate-worker"),
                                manifest,
                                settings_in_place(globals.data_dir, manifest.id));
    LiveFacts facts;
    asio::co_spawn(loop, look(provider, facts), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
    loop.run();
    return facts;
}

} // namespace reelgate
