// Another configuration for an engine that works: who stays, who gets another place, who goes.
#include "host/engine/engine.hpp"

#include <algorithm>
#include <utility>

namespace reelgate {

void Engine::reconfigure(EngineSettings settings, std::vector<NewPlace> providers)
{
    if (draining_) return;
    settings_ = std::move(settings);
    purses_.configure(settings_.spend_per_day);
    std::vector<std::shared_ptr<ProviderSlot>> before = std::exchange(slots_, {});
    for (NewPlace& wanted : providers) {
        const auto old = std::find_if(before.begin(), before.end(), [&wanted](const auto& place) {
            return place != nullptr && place->config().id == wanted.config.id;
        });
        if (wanted.is_kept && old != before.end()) {
            (*old)->reconfigure(std::move(wanted.config));
            slots_.push_back(std::exchange(*old, nullptr));
            continue;
        }
        add(std::move(wanted.config), std::move(wanted.provider));
        tasks_.spawn(watch(slots_.back()));
    }
    for (auto& gone : before)
        if (gone != nullptr) retiring_.spawn(retire(std::move(gone)));
    waits_.look_again(); // what they wait for may be there now, or never come
    wake();
}

asio::awaitable<void> Engine::watch(std::shared_ptr<ProviderSlot> place)
{
    co_await place->watch();
}

// Its attempts go on in the plugin that they began in; nobody new is sent to it.
asio::awaitable<void> Engine::retire(std::shared_ptr<ProviderSlot> place)
{
    retired_.push_back(place);
    if (!leaving_) co_await place->until_idle();
    co_await place->stop();
    retired_.erase(std::find(retired_.begin(), retired_.end(), place));
}

// The attempt may run in a place that its provider has no more; who does not know it does nothing.
// A film that is paid for and being looked at is not thrown away: that no longer saves anything.
void Engine::cancel_at(const Attempt& attempt, const std::string& name)
{
    for (const auto* places : {&slots_, &retired_})
        for (const auto& place : *places)
            if (place->config().id == attempt.provider && place->provider() != nullptr)
                place->provider()->cancel(name);
    if (attempt.charge == Charge::free) parts_.media.stop(name);
}

} // namespace reelgate
