#include "host/app/live.hpp"

#include <unistd.h>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

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
    const fs::path data = fs::absolute(globals.data_dir) / "providers" / manifest.id;
    ProviderSettings settings;
    settings.id = manifest.id;
    settings.data_dir = data;
    settings.cache_dir = data / "cache";
    settings.work_root = fs::absolute(globals.data_dir) / "work";
    std::error_code ignored; // a plugin that needs them says so in its own words
    fs::create_directories(settings.cache_dir, ignored);
    fs::create_directories(settings.work_root, ignored);

    asio::io_context loop{1};
    const SystemClock clock;
    const Log log(STDERR_FILENO, globals.log_format, Level::error);
    SupervisedProvider provider(loop.get_executor(),
                                log,
                                clock,
                                globals.program("reelgate-worker"),
                                manifest,
                                std::move(settings));
    LiveFacts facts;
    asio::co_spawn(loop, look(provider, facts), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
    loop.run();
    return facts;
}

} // namespace reelgate
