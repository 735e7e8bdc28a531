// The whole tree: its sections, and what is no setting at all.
#include "host/config/reader.hpp"

#include <algorithm>

namespace reelgate {
namespace {

// Notes of the user's are free everywhere but inside the part of a provider that is its plugin's:
// there a member may well be called x-something.
bool is_note(const ConfigNode& item, std::string_view parent)
{
    if (item.key.rfind("x-", 0) != 0) return false;
    return parent.rfind("providers.", 0) != 0 || std::count(parent.begin(), parent.end(), '.') < 2;
}

void resolve(ConfigNode& scalar, const std::string& key, Reading& in)
{
    const std::size_t errors = in.findings.errors();
    const auto reference = reference_in(scalar, key, in.findings);
    if (in.findings.errors() > errors) scalar.kind = ConfigNode::Kind::null;
    if (!reference) return;
    Fetched fetched = fetch(*reference, scalar.place, in.world);
    if (!fetched.value) {
        const bool variable = reference->from == Reference::From::environment;
        Finding finding{Severity::error,
                        scalar.place,
                        variable ? "unset_variable" : "unreadable_file",
                        key,
                        fetched.why_not};
        if (variable)
            finding.suggestion = "set it, or write \"${env:" + reference->name + ":-default}\"";
        in.findings.add(std::move(finding));
        scalar.kind = ConfigNode::Kind::null;
        return;
    }
    scalar.text = *std::move(fetched.value);
    scalar.quoted = true;
    scalar.origin = to_string(*reference);
    scalar.fetched = !fetched.by_default; // a default can be read in the file
}

// What was fetched, but for the providers, who remember their own.
void collect_fetched(const ConfigNode& node, const std::string& at, FetchedValues& fetched)
{
    if (at == "/providers") return;
    if (node.is_scalar() && node.fetched) fetched.emplace_back(at, Secret(node.text, node.origin));
    for (std::size_t i = 0; i < node.items.size(); ++i)
        collect_fetched(node.items[i],
                        at + '/' + (node.is_map() ? node.items[i].key : std::to_string(i)),
                        fetched);
}

// What could not be fetched has been said; it is left out so that nothing is said twice.
bool is_unresolved(const ConfigNode& node)
{
    return node.kind == ConfigNode::Kind::null && !node.text.empty();
}

void read_keys(const ConfigNode* auth, Settings& settings, Reading& in)
{
    const ConfigNode* map = map_of(auth, "auth", in);
    if (map == nullptr) return;
    refuse_unknown(*map, "auth", {"keys"}, in);
    const auto& entries = list_of(map->find("keys"), "auth.keys", in);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::string key = key_below("auth.keys", i);
        const ConfigNode* entry = map_of(&entries[i], key, in);
        if (entry == nullptr) continue;
        KeySettings one;
        read_section(*entry, key, key_rows(), one, in);
        settings.keys.push_back(std::move(one));
    }
}

void read_gpus(const ConfigNode* gpus, Settings& settings, Reading& in)
{
    const auto& entries = list_of(gpus, "gpus", in);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::string key = key_below("gpus", i);
        const ConfigNode* entry = map_of(&entries[i], key, in);
        if (entry == nullptr) continue;
        GpuSettings gpu;
        read_section(*entry, key, gpu_rows(), gpu, in);
        settings.gpus.push_back(gpu);
    }
}

// The members of a map whose names are the operator's.
template <class Read>
void each_named(const ConfigNode* node, const std::string& key, Reading& in, Read read)
{
    const ConfigNode* map = map_of(node, key, in);
    if (map == nullptr) return;
    for (const ConfigNode& item : map->items) {
        if (is_note(item, key)) continue;
        const std::string item_key = key_below(key, item.key);
        if (check_id(item.key, item.key_place, item_key, in)) read(item, item_key);
    }
}

void read_providers(const ConfigNode* providers, Settings& settings, Reading& in)
{
    each_named(providers, "providers", in, [&](const ConfigNode& item, const std::string& key) {
        settings.providers.push_back(read_provider(item, key, in));
    });
}

void read_pools(const ConfigNode* pools, Settings& settings, Reading& in)
{
    each_named(pools, "pools", in, [&](const ConfigNode& item, const std::string& key) {
        const auto value = read_value(item, setting_of(key)->info, key, in);
        if (value) settings.pools.push_back({item.key, std::get<std::vector<std::string>>(*value)});
    });
}

Chain read_chain(const ConfigNode& item, const std::string& key, Reading& in)
{
    Chain chain;
    chain.id = item.key;
    const ConfigNode* map = map_of(&item, key, in);
    if (map == nullptr) return chain;
    read_section(*map, key, chain_rows(), chain, in, {"steps"});
    const std::string steps = key_below(key, "steps");
    const auto& entries = list_of(map->find("steps"), steps, in);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const ConfigNode* entry = map_of(&entries[i], key_below(steps, i), in);
        if (entry == nullptr) continue;
        ChainStep step;
        read_section(*entry, key_below(steps, i), step_rows(), step, in);
        chain.steps.push_back(std::move(step));
    }
    if (entries.empty()) in.findings.error(item.place, "missing", steps, "must have an entry");
    return chain;
}

void read_routes(const ConfigNode* node, RouteSettings& routes, Reading& in)
{
    const ConfigNode* map = map_of(node, "routes", in);
    if (map == nullptr) return;
    read_section(*map, "routes", route_rows(), routes, in, {"chains", "aliases"});
    each_named(map->find("chains"),
               "routes.chains",
               in,
               [&](const ConfigNode& item, const std::string& key) {
                   routes.chains.push_back(read_chain(item, key, in));
               });
    each_named(map->find("aliases"),
               "routes.aliases",
               in,
               [&](const ConfigNode& item, const std::string& key) {
                   const auto value = read_value(item, setting_of(key)->info, key, in);
                   if (value) routes.aliases.emplace_back(item.key, std::get<std::string>(*value));
               });
}

template <class T>
void read_plain(const ConfigNode& tree,
                const std::string& name,
                std::span<const SettingRow<T>> rows,
                T& out,
                Reading& in)
{
    if (const ConfigNode* map = map_of(tree.find(name), name, in))
        read_section(*map, name, rows, out, in);
}

// A list of paths: relative to the file like any path.
void place_plugin_dirs(const ConfigNode& tree, PluginSettings& plugins, Reading& in)
{
    const ConfigNode* section = tree.find("plugins");
    const ConfigNode* dirs = section == nullptr ? nullptr : section->find("dirs");
    if (dirs == nullptr) return;
    for (std::string& dir : plugins.dirs)
        dir = path_written(dir, dirs->place, in.world).string();
}

} // namespace

const ConfigNode* map_of(const ConfigNode* node, const std::string& key, Reading& in)
{
    static const ConfigNode kEmpty{.kind = ConfigNode::Kind::map};
    if (node == nullptr || core_type(*node) == CoreType::null) {
        if (node == nullptr || !(node->is_list() || node->is_map())) return &kEmpty;
    }
    if (node->is_map()) return node;
    in.findings.error(node->place,
                      "wrong_type",
                      key,
                      "a map is wanted, and this is " + std::string(kind_text(*node)));
    return nullptr;
}

const std::vector<ConfigNode>& list_of(const ConfigNode* node, const std::string& key, Reading& in)
{
    static const std::vector<ConfigNode> kNone;
    if (node == nullptr || node->kind == ConfigNode::Kind::null) return kNone;
    if (node->is_list()) return node->items;
    in.findings.error(node->place,
                      "wrong_type",
                      key,
                      "a list is wanted, and this is " + std::string(kind_text(*node)));
    return kNone;
}

void refuse_unknown(const ConfigNode& map,
                    const std::string& section,
                    const std::vector<std::string>& known,
                    Reading& in)
{
    for (const ConfigNode& item : map.items) {
        if (is_note(item, section)) continue;
        if (std::find(known.begin(), known.end(), item.key) != known.end()) continue;
        Finding finding{
            Severity::error, item.key_place, "unknown_key", key_below(section, item.key)};
        finding.message = "is not a setting";
        const std::string nearest = nearest_name(item.key, known);
        if (!nearest.empty()) finding.suggestion = "did you mean `" + nearest + "`?";
        in.findings.add(std::move(finding));
    }
}

void resolve_references(ConfigNode& tree, const std::string& key, Reading& in)
{
    if (tree.is_scalar()) {
        if (tree.origin.empty()) resolve(tree, key, in);
        return;
    }
    for (std::size_t i = 0; i < tree.items.size(); ++i) {
        ConfigNode& item = tree.items[i];
        if (tree.is_map() && (is_note(item, key) || is_secret_name(item.key))) continue;
        if (is_secret_map(item)) continue;
        resolve_references(item, tree.is_map() ? key_below(key, item.key) : key_below(key, i), in);
    }
    std::erase_if(tree.items, is_unresolved);
}

Settings read_settings(ConfigNode tree, const ConfigWorld& world, Findings& findings)
{
    Settings settings;
    Reading in{world, findings};
    resolve_references(tree, "", in);
    collect_fetched(tree, "", settings.fetched);
    read_section(tree,
                 "",
                 top_rows(),
                 settings,
                 in,
                 {"server",
                  "plugins",
                  "auth",
                  "jobs",
                  "gpus",
                  "providers",
                  "pools",
                  "routes",
                  "health",
                  "breaker",
                  "log"});
    in.inline_secrets = settings.allow_inline_secrets;
    read_plain(tree, "server", server_rows(), settings.server, in);
    read_plain(tree, "plugins", plugin_rows(), settings.plugins, in);
    place_plugin_dirs(tree, settings.plugins, in);
    read_keys(tree.find("auth"), settings, in);
    read_plain(tree, "jobs", job_rows(), settings.jobs, in);
    read_gpus(tree.find("gpus"), settings, in);
    read_providers(tree.find("providers"), settings, in);
    read_pools(tree.find("pools"), settings, in);
    read_routes(tree.find("routes"), settings.routes, in);
    read_plain(tree, "health", health_rows(), settings.health, in);
    read_plain(tree, "breaker", breaker_rows(), settings.breaker, in);
    read_plain(tree, "log", log_rows(), settings.log, in);
    return settings;
}

} // namespace reelgate
