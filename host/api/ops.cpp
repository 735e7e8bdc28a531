// What operators and load balancers ask: is it alive, is it ready, how are the providers.
#include "host/api/wire.hpp"
#include "host/engine/records.hpp"

#include <nlohmann/json.hpp>

namespace reelgate::api {
namespace {

using Json = nlohmann::ordered_json;

double seconds_since(WallTime then, WallTime now)
{
    return std::chrono::duration<double>(now - then).count();
}

// The worst of a provider's breakers: one that rests is what a person wants to know of.
Breaker worst_breaker(const ProviderSnapshot& provider)
{
    Breaker worst = Breaker::closed;
    for (const PairSnapshot& pair : provider.pairs)
        worst = std::max(worst, pair.breaker);
    return worst;
}

Json provider_json(const ProviderSlot& slot, WallTime now)
{
    const ProviderSnapshot snap = slot.snapshot();
    Json models = Json::array();
    Json loaded = Json::array();
    for (const PairSnapshot& pair : snap.pairs) {
        models.push_back(pair.model.id);
        if (pair.loaded) loaded.push_back(pair.model.id);
    }
    Json one = Json::object();
    one["id"] = snap.id;
    one["plugin"] = snap.plugin;
    one["state"] = to_string(snap.health);
    one["reason"] = snap.reason;
    one["since"] = timestamp(slot.health().since);
    one["age_s"] = seconds_since(slot.health().since, now);
    one["probed"] = time_or_null(slot.probed());
    one["queue"] = 0;
    one["running"] = snap.running;
    one["job"] = nullptr;
    one["models"] = std::move(models);
    one["loaded"] = std::move(loaded);
    one["vram"] = nullptr;
    one["breaker"] = to_string(worst_breaker(snap));
    one["restarts"] = slot.restarts();
    return one;
}

// Which job each provider works on, and how many are submitted to it in all.
void add_jobs(const Api& api, Json& providers)
{
    for (const Job* job : api.engine.store().live_jobs()) {
        const Attempt* attempt = job->current();
        if (job->state == JobState::queued || attempt == nullptr) continue;
        for (Json& provider : providers)
            if (provider["id"] == attempt->provider && provider["job"].is_null())
                provider["job"] = job->id.text;
    }
}

Json providers_json(const Api& api, const Call& call)
{
    Json providers = Json::array();
    const bool stranger = !api.settings.keys.empty() && call.owner.empty();
    const WallTime now = api.clock.wall();
    for (const auto& slot : api.engine.slots()) {
        Json whole = provider_json(*slot, now);
        if (!stranger) {
            providers.push_back(std::move(whole));
            continue;
        }
        Json little = Json::object();
        for (const char* const name : {"id", "state", "since"})
            little[name] = whole[name];
        providers.push_back(std::move(little));
    }
    if (!stranger) add_jobs(api, providers);
    return providers;
}

bool can_take_a_job(const Api& api)
{
    for (const auto& slot : api.engine.slots()) {
        const Health health = slot->snapshot().health;
        if (health == Health::ready || health == Health::busy || health == Health::degraded)
            return true;
    }
    return false;
}

asio::awaitable<Reply> health(Api& api, Call call)
{
    const WallTime now = api.clock.wall();
    Json body = Json::object();
    body["status"] = "ok";
    body["service"] = "reelgate";
    body["success"] = true;
    body["modelLoaded"] = can_take_a_job(api);
    body["sessions"] = 0;
    body["timestamp"] = timestamp(now);
    body["uptime"] = seconds_since(api.started, now);
    body["version"] = api.settings.version;
    body["providers"] = providers_json(api, call);
    co_return json_reply(body);
}

asio::awaitable<Reply> healthz(Api& api, Call)
{
    Json body = Json::object();
    body["status"] = "ok";
    body["service"] = "reelgate";
    body["ts"] = timestamp(api.clock.wall());
    co_return json_reply(body);
}

asio::awaitable<Reply> readyz(Api& api, Call)
{
    const bool draining = api.engine.is_draining();
    const bool ready = !draining && can_take_a_job(api);
    const std::size_t all = api.engine.slots().size();
    std::size_t queued = 0;
    for (const Job* job : api.engine.store().live_jobs())
        if (job->state == JobState::queued) ++queued;
    Json body = Json::object();
    body["status"] = draining ? "draining" : ready ? "ready" : "warming";
    body["service"] = "reelgate";
    body["total_gpus"] = all;
    body["queue_size"] = queued;
    body["ts"] = timestamp(api.clock.wall());
    if (!ready) body["detail"] = draining ? "the daemon is stopping" : "no provider is ready yet";
    co_return json_reply(body, ready ? 200 : 503);
}

// clang-format off
constexpr Endpoint kEndpoints[] = {
    {Verb::get, "/health",  Access::anybody, 0, health},
    {Verb::get, "/healthz", Access::anybody, 0, healthz},
    {Verb::get, "/readyz",  Access::anybody, 0, readyz},
};
// clang-format on

} // namespace

std::span<const Endpoint> ops_endpoints() { return kEndpoints; }

} // namespace reelgate::api
