#include "host/config/checks.hpp"

#include "host/config/merge.hpp"
#include "host/config/units.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <unistd.h>

namespace reelgate {
namespace {

// What a check looks at, and where it says what it found.
struct Check {
    const Settings& settings;
    const ConfigNode& tree;
    Findings& findings;

    // Of the value, or of what stands around it.
    Place place(std::string key) const
    {
        while (true) {
            if (const ConfigNode* node = node_at(tree, key)) return node->place;
            const std::size_t cut = key.find_last_of(".[");
            if (cut == std::string::npos) return tree.place;
            key.resize(cut);
        }
    }

    // A value in a sentence: one that a reference stands for is called by it.
    std::string said(std::string key, const std::string& value) const
    {
        while (true) {
            const ConfigNode* node = node_at(tree, key);
            if (node != nullptr) {
                const bool refers = node->is_scalar() && node->text.rfind("${", 0) == 0;
                return refers && node->origin.empty() ? node->text : value;
            }
            const std::size_t cut = key.find_last_of(".[");
            if (cut == std::string::npos) return value;
            key.resize(cut);
        }
    }

    void error(const std::string& key, std::string code, std::string message) const
    {
        findings.error(place(key), std::move(code), key, std::move(message));
    }
    void warning(const std::string& key, std::string code, std::string message) const
    {
        findings.warning(place(key), std::move(code), key, std::move(message));
    }

    // `name` is none of `known`.
    void unknown(const std::string& key,
                 std::string code,
                 const std::string& name,
                 std::string_view what,
                 const std::vector<std::string>& known) const
    {
        Finding finding{Severity::error, place(key), std::move(code), key};
        const std::string shown = said(key, name);
        finding.message = "there is no " + std::string(what) + " `" + shown + "`";
        const std::string nearest = nearest_name(shown, known);
        if (!nearest.empty()) finding.suggestion = "did you mean `" + nearest + "`?";
        findings.add(std::move(finding));
    }

    std::vector<std::string> provider_names() const
    {
        std::vector<std::string> names;
        for (const ProviderConfig& provider : settings.providers)
            names.push_back(provider.id);
        return names;
    }
    std::vector<std::string> usable_names() const // of a step
    {
        std::vector<std::string> names = provider_names();
        for (const PoolSettings& pool : settings.pools)
            names.push_back(pool.id);
        return names;
    }
    bool is_usable(const std::string& name) const
    {
        return settings.provider(name) != nullptr || settings.pool(name) != nullptr;
    }

    // The providers behind a step.
    std::vector<const ProviderConfig*> behind(const ChainStep& step) const
    {
        std::vector<const ProviderConfig*> found;
        if (const ProviderConfig* provider = settings.provider(step.use)) found.push_back(provider);
        if (const PoolSettings* pool = settings.pool(step.use))
            for (const std::string& member : pool->members)
                if (const ProviderConfig* provider = settings.provider(member))
                    found.push_back(provider);
        return found;
    }
};

void check_toggle(const Check& check)
{
    const std::string& first = check.settings.video_provider;
    if (first == "auto" || check.is_usable(first)) return;
    auto known = check.usable_names();
    known.emplace_back("auto");
    check.unknown("video_provider", "unknown_provider", first, "provider", known);
}

void check_keys(const Check& check)
{
    const auto& keys = check.settings.keys;
    std::set<std::string> names;
    std::set<std::string> secrets;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::string key = key_below("auth.keys", i);
        if (!keys[i].name.empty() && !names.insert(keys[i].name).second)
            check.error(key + ".name",
                        "name_taken",
                        "`" + check.said(key + ".name", keys[i].name) + "` is given twice");
        if (keys[i].secret.is_set() && !secrets.insert(keys[i].secret.reveal()).second)
            check.error(key + ".secret", "same_secret", "another key has the same secret");
        for (std::size_t j = 0; j < keys[i].providers.size(); ++j)
            if (const std::string& id = keys[i].providers[j];
                check.settings.provider(id) == nullptr)
                check.unknown(key_below(key + ".providers", j),
                              "unknown_provider",
                              id,
                              "provider",
                              check.provider_names());
    }
}

void check_listen(const Check& check)
{
    const auto address = listen_address_from(check.settings.server.listen);
    if (!address || address->is_loopback()) return;
    if (!check.settings.keys.empty() || check.settings.server.allow_open) return;
    Finding finding{Severity::error, check.place("server.listen"), "open_to_all", "server.listen"};
    finding.message = "whoever reaches " +
                      check.said("server.listen", check.settings.server.listen) +
                      " may use this daemon";
    finding.suggestion = "give auth.keys, or say server.allow_open: true";
    check.findings.add(std::move(finding));
}

void check_origins(const Check& check)
{
    const auto& origins = check.settings.server.cors_origins;
    for (std::size_t i = 0; i < origins.size(); ++i) {
        const std::string& origin = origins[i];
        const std::size_t scheme = origin.find("://");
        const bool has_path =
            scheme != std::string::npos && origin.find('/', scheme + 3) != std::string::npos;
        if (origin == "*" || origin == "null" || (scheme != std::string::npos && !has_path))
            continue;
        check.error(key_below("server.cors_origins", i),
                    "bad_origin",
                    "an origin is SCHEME://HOST[:PORT] without a path, null, or *");
    }
}

// Where it is, or where it will be made.
void check_data_dir(const Check& check)
{
    std::error_code unknown;
    std::filesystem::path place = check.settings.server.data_dir;
    while (!place.empty() && !std::filesystem::exists(place, unknown) && place.has_relative_path())
        place = place.parent_path();
    if (place.empty()) return;
    if (std::filesystem::is_directory(place, unknown) && ::access(place.c_str(), W_OK | X_OK) == 0)
        return;
    check.error("server.data_dir",
                "data_dir_unwritable",
                "cannot write in " + check.said("server.data_dir", place.string()));
}

void check_pools(const Check& check)
{
    std::map<std::string, std::string> pool_of;
    for (const PoolSettings& pool : check.settings.pools) {
        const std::string key = "pools." + pool.id;
        if (check.settings.provider(pool.id) != nullptr || pool.id == "auto")
            check.error(key, "name_taken", "`" + pool.id + "` is the name of something else");
        for (std::size_t i = 0; i < pool.members.size(); ++i) {
            const std::string& member = pool.members[i];
            if (check.settings.provider(member) == nullptr)
                check.unknown(key_below(key, i),
                              "unknown_provider",
                              member,
                              "provider",
                              check.provider_names());
            const auto [other, is_first] = pool_of.emplace(member, pool.id);
            if (!is_first)
                check.error(key_below(key, i),
                            "in_two_pools",
                            "`" + check.said(key_below(key, i), member) + "` belongs to the pool " +
                                other->second + " already");
        }
    }
    if (check.settings.provider("auto") != nullptr)
        check.error("providers.auto", "name_taken", "`auto` means the chain as it is written");
}

// Follows the aliases from `name`; false where they lead round in a circle.
bool ends(const RouteSettings& routes, const std::string& from)
{
    std::string name = from;
    for (std::size_t i = 0; i <= routes.aliases.size(); ++i) {
        const auto next = std::find_if(routes.aliases.begin(),
                                       routes.aliases.end(),
                                       [&](const auto& alias) { return alias.first == name; });
        if (next == routes.aliases.end()) return true;
        name = next->second;
    }
    return false;
}

void check_names_of_chains(const Check& check)
{
    const RouteSettings& routes = check.settings.routes;
    std::vector<std::string> names;
    for (const Chain& chain : routes.chains)
        names.push_back(chain.id);
    for (const auto& [name, meant] : routes.aliases)
        names.push_back(name);
    if (!routes.default_chain.empty() && check.settings.chain(routes.default_chain) == nullptr)
        check.unknown("routes.default", "unknown_chain", routes.default_chain, "chain", names);
    for (const auto& [name, meant] : routes.aliases) {
        const std::string key = "routes.aliases." + name;
        const bool taken = std::any_of(routes.chains.begin(),
                                       routes.chains.end(),
                                       [&id = name](const Chain& chain) { return chain.id == id; });
        if (taken) {
            check.error(key, "name_taken", "a chain has this name");
        } else if (!ends(routes, name)) {
            check.error(key, "alias_circle", "the aliases lead round in a circle");
        } else if (check.settings.chain(meant) == nullptr) {
            check.unknown(key, "unknown_chain", meant, "chain", names);
        }
    }
}

void check_step(const Check& check, const ChainStep& step, const std::string& key)
{
    if (step.use.empty()) return; // that it is missing has been said
    if (!check.is_usable(step.use)) {
        check.unknown(key + ".use", "unknown_provider", step.use, "provider", check.usable_names());
        return;
    }
    if (!step.model) return;
    for (const ProviderConfig* provider : check.behind(step)) {
        std::vector<std::string> models;
        for (const ModelSettings& model : provider->models)
            models.push_back(model.id);
        const bool known = std::find(models.begin(), models.end(), *step.model) != models.end();
        const bool gone = !provider->left_out.empty(); // that has been said of the provider
        if (!models.empty() && !known && !gone)
            check.unknown(key + ".model", "unknown_model", *step.model, "model", models);
    }
}

void check_chains(const Check& check)
{
    for (const Chain& chain : check.settings.routes.chains) {
        const std::string key = "routes.chains." + chain.id;
        std::set<std::pair<std::string, std::string>> seen;
        for (std::size_t i = 0; i < chain.steps.size(); ++i) {
            const ChainStep& step = chain.steps[i];
            const std::string step_key = key_below(key + ".steps", i);
            check_step(check, step, step_key);
            if (!seen.emplace(step.use, step.model.value_or("")).second && !step.use.empty())
                check.warning(step_key, "same_step", "the chain has this step already");
        }
    }
}

void check_gpus(const Check& check)
{
    const auto& gpus = check.settings.gpus;
    std::set<std::uint32_t> ids;
    for (std::size_t i = 0; i < gpus.size(); ++i)
        if (!ids.insert(gpus[i].id).second)
            check.error(key_below("gpus", i) + ".id", "name_taken", "this card is given twice");
    for (const ProviderConfig& provider : check.settings.providers)
        if (provider.gpu && !gpus.empty() && !ids.contains(*provider.gpu))
            check.error(
                "providers." + provider.id + ".gpu",
                "unknown_gpu",
                "card " +
                    check.said("providers." + provider.id + ".gpu", std::to_string(*provider.gpu)) +
                    " is not among `gpus`");
}

// Models that stay loaded, against what the card has for them.
void check_memory(const Check& check)
{
    for (std::size_t i = 0; i < check.settings.gpus.size(); ++i) {
        const GpuSettings& gpu = check.settings.gpus[i];
        if (gpu.vram_budget == 0) continue;
        std::uint64_t kept = 0;
        for (const ProviderConfig& provider : check.settings.providers) {
            if (!provider.enabled || provider.gpu != gpu.id) continue;
            for (const ModelSettings& model : provider.models)
                if (model.keep_loaded.count() > 0) kept += model.vram_peak;
        }
        if (kept > gpu.vram_budget)
            check.warning(key_below("gpus", i) + ".vram_budget",
                          "vram_over_budget",
                          "what stays loaded needs " + bytes_text(kept) + " of " +
                              bytes_text(gpu.vram_budget));
    }
}

// "127.0.0.1:8188" of a URL on this machine, else nothing.
std::string local_port_of(const std::string& url)
{
    const std::size_t scheme = url.find("://");
    if (scheme == std::string::npos) return {};
    const std::string host = url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3);
    const auto address = listen_address_from(host);
    return address && address->is_loopback() ? std::to_string(address->port) : std::string();
}

void check_ports(const Check& check)
{
    std::map<std::string, std::string> taken;
    if (const auto own = listen_address_from(check.settings.server.listen); own && own->port != 0)
        taken.emplace(std::to_string(own->port), "this daemon");
    for (const ProviderConfig& provider : check.settings.providers) {
        if (!provider.enabled) continue;
        const auto config = nlohmann::json::parse(config_for_plugin(provider, false));
        if (!config.contains("url") || !config["url"].is_string()) continue;
        const std::string port = local_port_of(config["url"].get<std::string>());
        if (port.empty()) continue;
        const auto [other, free] = taken.emplace(port, provider.id);
        if (!free)
            check.warning("providers." + provider.id + ".url",
                          "same_port",
                          "port " + port + " belongs to " + other->second + " already");
    }
}

bool works(const ProviderConfig& provider)
{
    return provider.enabled && provider.misconfigured.empty();
}

// A chain all of whose providers are off or lack something.
void check_chains_work(const Check& check,
                       const std::function<bool(const ProviderConfig&)>& works_now)
{
    for (const Chain& chain : chains_followed(check.settings)) {
        bool any = false;
        for (const ChainStep& step : chain.steps)
            for (const ProviderConfig* provider : check.behind(step))
                any = any || works_now(*provider);
        if (!any)
            check.warning("routes.chains." + chain.id,
                          "nobody_works",
                          "no provider of the chain `" + chain.id + "` can work as it is");
    }
}

void check_egress(const Check& check,
                  const std::function<std::optional<Egress>(const ProviderConfig&)>& egress)
{
    for (const Chain& chain : check.settings.routes.chains) {
        if (!chain.egress) continue;
        for (std::size_t i = 0; i < chain.steps.size(); ++i)
            for (const ProviderConfig* provider : check.behind(chain.steps[i]))
                if (const auto far = egress(*provider); far && *far > *chain.egress)
                    check.warning(key_below("routes.chains." + chain.id + ".steps", i),
                                  "leaves_the_chain",
                                  provider->id + " sends requests further than the chain allows");
    }
}

} // namespace

void check_settings(const Settings& settings, const ConfigNode& tree, Findings& findings)
{
    const Check check{settings, tree, findings};
    check_toggle(check);
    check_keys(check);
    check_listen(check);
    check_origins(check);
    check_data_dir(check);
    check_pools(check);
    check_names_of_chains(check);
    check_chains(check);
    check_gpus(check);
    check_memory(check);
    check_ports(check);
    check_chains_work(check, works);
    check_egress(check, [](const ProviderConfig& provider) { return provider.egress; });
}

void check_plugins(const Settings& settings,
                   const ConfigNode& tree,
                   const PluginFacts& facts,
                   Findings& findings)
{
    const Check check{settings, tree, findings};
    for (const ProviderConfig& provider : settings.providers) {
        const std::string key = "providers." + provider.id;
        const PluginFact fact = facts(provider.plugin);
        if (!fact.installed) {
            const std::string name = check.said(key + ".plugin", provider.plugin);
            check.warning(key + ".plugin",
                          "plugin_missing",
                          fact.why_not.empty() || name != provider.plugin
                              ? "`" + name + "` is not installed"
                              : fact.why_not);
            continue;
        }
        if (provider.egress && fact.egress && *provider.egress < *fact.egress)
            check.error(key + ".egress",
                        "egress_lowered",
                        "the plugin says " + std::string(to_string(*fact.egress)) +
                            ", which can only be raised");
        if (fact.charge != Charge::paid) continue;
        for (std::size_t i = 0; i < provider.models.size(); ++i) {
            const ModelSettings& model = provider.models[i];
            const bool priced =
                std::find(fact.priced.begin(), fact.priced.end(), model.id) != fact.priced.end();
            if (!priced && !model.usd_per_second)
                check.warning(key_below(key + ".models", i),
                              "price_unknown",
                              "has no price: refused wherever a job has a cap");
        }
    }
    check_chains_work(check, [&facts](const ProviderConfig& provider) {
        return works(provider) && facts(provider.plugin).installed;
    });
    check_egress(check, [&facts](const ProviderConfig& provider) -> std::optional<Egress> {
        if (provider.egress) return std::nullopt; // said by check_settings
        return facts(provider.plugin).egress;
    });
}

} // namespace reelgate
