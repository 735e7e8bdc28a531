#include "host/app/wiring.hpp"

#include "host/app/output.hpp"
#include "host/app/plugins.hpp"
#include "host/app/provider_place.hpp"
#include "host/config/views.hpp"
#include "host/plugin/in_process.hpp"
#include "host/plugin/supervised.hpp"

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

// By the models' own settings: a copy, since a reload replaces the configuration.
std::function<Result<ModelCapability>(ModelCapability)>
narrow_by(const std::vector<ModelSettings>& models)
{
    if (models.empty()) return {};
    return [models](ModelCapability declared) -> Result<ModelCapability> {
        for (const ModelSettings& model : models)
            if (model.id == declared.id) return narrowed(std::move(declared), model);
        return declared;
    };
}

SlotConfig slot_config(const Settings& settings, const ProviderConfig& configured)
{
    const ProviderView view = provider_view(settings, configured);
    return SlotConfig{.id = view.id,
                      .plugin = view.plugin,
                      .pool = view.pool,
                      .enabled = view.enabled,
                      .misconfigured = view.misconfigured,
                      .egress = view.egress,
                      .slots = view.slots,
                      .models = view.models,
                      .narrow = narrow_by(configured.models),
                      .usd_per_second = view.usd_per_second,
                      .vram_budget_mb = view.vram_budget_mb,
                      .health = settings.health,
                      .breaker = settings.breaker};
}

ProviderSettings provider_settings(const WiringTools& tools, const ProviderConfig& configured)
{
    ProviderSettings settings = settings_in_place(tools.data_dir, configured.id);
    settings.config_json = config_for_plugin(configured, configured.models_json != "[]");
    return settings;
}

std::unique_ptr<Provider>
make_provider(const WiringTools& tools, const ProviderConfig& configured, const Manifest& manifest)
{
    ProviderSettings settings = provider_settings(tools, configured);
    if (configured.isolation == Isolation::in_process)
        return std::make_unique<InProcessProvider>(
            tools.loop.get_executor(), tools.log, tools.clock, manifest, std::move(settings));
    return std::make_unique<SupervisedProvider>(tools.loop.get_executor(),
                                                tools.log,
                                                tools.clock,
                                                tools.globals.program("reelgate-worker"),
                                                manifest,
                                                std::move(settings));
}

} // namespace

FoundPlugins find_plugins(const Globals& globals,
                          const Settings& settings,
                          const std::set<std::string>& not_needed)
{
    FoundPlugins found;
    for (const ProviderConfig& provider : settings.providers) {
        if (!provider.enabled || not_needed.contains(provider.id) ||
            found.contains(provider.plugin))
            continue;
        auto plugin = runnable_plugin(globals, provider.plugin);
        found.emplace(provider.plugin,
                      plugin ? Result<Manifest>(std::move(plugin->manifest))
                             : Result<Manifest>(std::move(plugin).error()));
    }
    return found;
}

SlotConfig slot_of(const Settings& settings, const ProviderConfig& configured)
{
    return slot_config(settings, configured);
}

WiredProvider wire_provider(const WiringTools& tools,
                            const Settings& settings,
                            const ProviderConfig& configured,
                            const FoundPlugins& plugins)
{
    WiredProvider wired{slot_of(settings, configured), nullptr};
    if (!configured.enabled) return wired;
    const Result<Manifest>& plugin = plugins.at(configured.plugin);
    if (plugin) {
        wired.config.plugin_identity = plugin->id + ' ' + plugin->version;
        tools.log.write(Event::plugin_found,
                        {
                            {"provider",  configured.id             },
                            {"plugin",    plugin->id                },
                            {"version",   plugin->version           },
                            {"directory", plugin->directory.string()}
        });
        if (wired.config.misconfigured.empty())
            wired.provider = make_provider(tools, configured, *plugin);
        return wired;
    }
    const std::string why = printable(plugin.error().sentence());
    if (wired.config.misconfigured.empty()) wired.config.misconfigured = why;
    tools.log.write(Event::plugin_refused,
                    {
                        {"provider", configured.id    },
                        {"plugin",   configured.plugin},
                        {"text",     why              }
    });
    return wired;
}

EngineSettings engine_settings(const Loaded& loaded)
{
    const Settings& settings = loaded.settings;
    EngineSettings engine;
    engine.chains = chains_followed(settings);
    engine.default_chain = default_chain_of(settings);
    engine.limits = settings.jobs.limits;
    for (const KeySettings& key : settings.keys) {
        engine.keys.emplace(key.name, key_view(key, purse_of(key, Money{}, Money{})));
        engine.queued_per_key.emplace(key.name, key.max_queued);
        if (key.budget_per_day) engine.spend_per_day.emplace(key.name, *key.budget_per_day);
    }
    engine.prompts = settings.log.prompts;
    engine.max_queued = settings.jobs.max_queued;
    engine.keep_artifacts = settings.jobs.keep_artifacts;
    engine.attempt_deadline = settings.jobs.attempt_deadline;
    engine.config_revision = loaded.revision;
    return engine;
}

std::vector<api::ApiKey> api_keys(const Settings& settings)
{
    std::vector<api::ApiKey> keys;
    for (const KeySettings& key : settings.keys) {
        const auto has = [&key](std::string_view scope) {
            return std::find(key.scopes.begin(), key.scopes.end(), scope) != key.scopes.end();
        };
        keys.push_back({key.name, key.secret.reveal(), has("videos"), has("admin")});
    }
    return keys;
}

} // namespace reelgate
