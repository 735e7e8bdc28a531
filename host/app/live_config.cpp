#include "host/app/live_config.hpp"

#include "host/app/plugin_facts.hpp"
#include "host/config/change.hpp"
#include "host/config/checks.hpp"
#include "host/config/running.hpp"

#include <algorithm>
#include <utility>

namespace reelgate {

// Two that change the configuration at once would each build on what the other replaces.
class LiveConfig::Turn {
public:
    explicit Turn(LiveConfig& desk) : desk_(desk) {}
    ~Turn()
    {
        desk_.taken_ = false;
        desk_.next_turn_.cancel();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    LiveConfig& desk_;
};

LiveConfig::LiveConfig(ConfigReach reach, ConfigSources sources, Loaded running)
    : reach_(std::move(reach)), sources_(std::move(sources)), running_(std::move(running)),
      next_turn_(reach_.loop, asio::steady_timer::time_point::max())
{
}

asio::awaitable<void> LiveConfig::my_turn()
{
    while (taken_) {
        boost::system::error_code woken;
        co_await next_turn_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    taken_ = true;
}

asio::awaitable<ReloadAnswer> LiveConfig::check(std::optional<std::string> text)
{
    auto look =
        [sources = sources_, text = std::move(text), globals = reach_.tools.globals]() mutable {
            sources.text = std::move(text);
            Loaded loaded = load_config(sources);
            const PluginFacts facts = facts_of_installed(globals, loaded.settings);
            check_plugins(loaded.settings, loaded.tree, facts, loaded.findings);
            return loaded;
        };
    Loaded next = co_await on_pool(reach_.pool, std::move(look));
    co_return plan_reload(running_.settings, std::move(next));
}

asio::awaitable<ReloadAnswer> LiveConfig::reload()
{
    co_await my_turn();
    const Turn turn(*this);
    auto load = [sources = sources_] { return load_config(sources); };
    Loaded next = co_await on_pool(reach_.pool, std::move(load));
    ReloadAnswer answer = plan_reload(running_.settings, std::move(next));
    if (answer.accepted())
        co_await take(answer);
    else
        reject(answer.next.findings);
    co_return answer;
}

Task<ReloadAnswer> LiveConfig::change(std::vector<OverlayChange> changes)
{
    co_await my_turn();
    const Turn turn(*this);
    auto write = [sources = sources_, changes = std::move(changes), running = running_.settings] {
        return change_overlay(sources, changes, &running);
    };
    Result<ReloadAnswer> answer = co_await on_pool(reach_.pool, std::move(write));
    if (answer && answer->accepted()) co_await take(*answer);
    if (answer && !answer->accepted()) reject(answer->next.findings);
    co_return answer;
}

void LiveConfig::reject(const Findings& findings) const
{
    const std::string why = findings.first_error();
    reach_.log.write(
        Event::config_rejected,
        {
            {"revision", running_.revision},
            {"errors",   findings.errors()},
            {"text",     why              }
    });
}

// Who works on as it is. One that could not work before may find its plugin there now.
std::set<std::string> LiveConfig::kept(const ReloadAnswer& answer) const
{
    std::set<std::string> kept;
    const auto& restarted = answer.plan.restarted;
    for (const ProviderConfig& next : answer.next.settings.providers) {
        const ProviderConfig* const before = running_.settings.provider(next.id);
        const auto slot = reach_.engine.slot(next.id);
        if (before == nullptr || slot == nullptr || before->enabled != next.enabled) continue;
        if (std::find(restarted.begin(), restarted.end(), next.id) != restarted.end()) continue;
        if (slot->provider() != nullptr || !next.enabled) kept.insert(next.id);
    }
    return kept;
}

std::vector<NewPlace> LiveConfig::places(const Settings& next,
                                         const std::set<std::string>& kept,
                                         const FoundPlugins& plugins)
{
    std::vector<NewPlace> places;
    for (const ProviderConfig& configured : next.providers) {
        NewPlace place{slot_of(next, configured), kept.contains(configured.id)};
        if (!place.is_kept) {
            WiredProvider wired = wire_provider(reach_.tools, next, configured, plugins);
            place.config = std::move(wired.config);
            place.provider = std::move(wired.provider);
        }
        places.push_back(std::move(place));
    }
    return places;
}

// Everything that may take its time or fail comes first; then all of it changes at once.
asio::awaitable<void> LiveConfig::take(const ReloadAnswer& answer)
{
    const std::set<std::string> staying = kept(answer);
    auto find = [globals = reach_.tools.globals, settings = answer.next.settings, staying] {
        return find_plugins(globals, settings, staying);
    };
    const FoundPlugins plugins = co_await on_pool(reach_.pool, std::move(find));

    running_ = answer.next;
    reach_.engine.reconfigure(engine_settings(running_),
                              places(running_.settings, staying, plugins));
    reach_.to_api(running_.settings);
    co_await note_running();
}

asio::awaitable<void> LiveConfig::note_running()
{
    reach_.log.write(
        Event::config_loaded,
        {
            {"revision", running_.revision                                                        },
            {"warnings", running_.findings.warnings()                                             },
            {"file",     running_.files.empty() ? std::string("built-in") : running_.files.front()}
    });
    auto record = [loaded = running_] { return record_running(loaded); };
    const Result<Done> recorded = co_await on_pool(reach_.pool, std::move(record));
    if (recorded) co_return;
    const std::string text = recorded.error().sentence();
    reach_.log.write(Event::internal_fault,
                     {
                         {"doing", "recording what holds"},
                         {"text",  text                  }
    });
}

} // namespace reelgate
