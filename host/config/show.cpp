#include "host/config/show.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;

Shown branch(Shown::Kind kind, const std::string& parent, const std::string& name)
{
    Shown made;
    made.kind = kind;
    made.name = name;
    made.key = key_below(parent, name);
    return made;
}

Shown value(const std::string& parent, const std::string& name, std::string text)
{
    Shown made = branch(Shown::Kind::value, parent, name);
    made.text = std::move(text);
    return made;
}

// {env: NAME} as it stands in the file; the hash beside it.
void show_secret(Shown& node, const Secret& secret)
{
    const std::string& reference = secret.reference();
    const std::size_t colon = reference.find(':');
    node.text = colon == std::string::npos ? "\"(" + reference + ")\""
                                           : "{ " + reference.substr(0, colon) + ": " +
                                                 json_quoted(reference.substr(colon + 1)) + " }";
    if (secret.is_set() || !reference.empty()) node.note = secret.note();
}

std::string reference_text(const Secret& fetched)
{
    return json_quoted("${" + fetched.reference() + "}");
}

// What was fetched for the settings of one map, which stands at `at`.
class Fetches {
public:
    explicit Fetches(const FetchedValues& all, Json::json_pointer at = Json::json_pointer())
        : all_(all), at_(at)
    {
    }

    template <class Step>
    Fetches below(const Step& step) const
    {
        return Fetches(all_, at_ / step);
    }

    const Secret* here() const
    {
        const std::string at = at_.to_string();
        const auto found = std::find_if(
            all_.begin(), all_.end(), [&at](const auto& entry) { return entry.first == at; });
        return found == all_.end() ? nullptr : &found->second;
    }

private:
    const FetchedValues& all_;
    Json::json_pointer at_;
};

// The reference instead of the value; of a list, instead of those entries that have one.
void show_fetched(Shown& leaf, const SettingValue& held, const Fetches& fetches)
{
    if (const Secret* whole = fetches.here()) {
        leaf.text = reference_text(*whole);
        leaf.note = whole->note();
        return;
    }
    const auto* list = std::get_if<std::vector<std::string>>(&held);
    if (list == nullptr) return;
    std::string text;
    std::string hidden;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const Secret* entry = fetches.below(i).here();
        if (entry != nullptr) hidden += entry->reveal() + '\0';
        text +=
            (i > 0 ? ", " : "") +
            (entry != nullptr ? reference_text(*entry) : value_text((*list)[i], SettingKind::text));
    }
    if (hidden.empty()) return;
    leaf.text = '[' + text + ']';
    leaf.note = Secret(hidden, "").note();
}

template <class T>
void add_rows(Shown& map,
              const T& from,
              std::span<const SettingRow<T>> rows,
              const Fetches& fetches)
{
    for (const SettingRow<T>& row : rows) {
        const SettingValue held = row.get(from);
        const auto* list = std::get_if<std::vector<std::string>>(&held);
        if (list != nullptr && list->size() < row.info.bounds.min) continue; // not given
        Shown leaf = value(map.key, std::string(row.info.name), value_text(held, row.info.kind));
        if (const auto* secret = std::get_if<Secret>(&held)) show_secret(leaf, *secret);
        show_fetched(leaf, held, fetches.below(std::string(row.info.name)));
        if (!leaf.text.empty()) map.items.push_back(std::move(leaf));
    }
}

template <class T>
void add_section(Shown& tree,
                 const std::string& name,
                 const T& from,
                 std::span<const SettingRow<T>> rows,
                 const Fetches& fetches)
{
    Shown map = branch(Shown::Kind::map, tree.key, name);
    add_rows(map, from, rows, fetches.below(name));
    tree.items.push_back(std::move(map));
}

template <class T>
Shown list_section(const std::string& parent,
                   const std::string& name,
                   const std::vector<T>& entries,
                   std::span<const SettingRow<T>> rows,
                   const Fetches& fetches)
{
    Shown list = branch(Shown::Kind::list, parent, name);
    for (const T& entry : entries) {
        Shown map;
        map.key = key_below(list.key, list.items.size());
        add_rows(map, entry, rows, fetches.below(name).below(list.items.size()));
        list.items.push_back(std::move(map));
    }
    return list;
}

// The plugin's part: JSON is YAML too.
Shown from_json(const Json& json,
                const std::string& parent,
                const std::string& name,
                const Json::json_pointer& at,
                const ProviderConfig& provider)
{
    Shown node = branch(Shown::Kind::value, parent, name);
    if (!name.empty() && name.front() == '[') node.key = parent + name;
    if (const Secret* secret = Fetches(provider.secrets, at).here()) {
        show_secret(node, *secret);
    } else if (const Secret* fetched = Fetches(provider.fetched, at).here()) {
        node.text = reference_text(*fetched);
        node.note = fetched->note();
    } else if (json.is_object() && !json.empty()) {
        node.kind = Shown::Kind::map;
        for (const auto& [member, inner] : json.items())
            node.items.push_back(from_json(inner, node.key, member, at / member, provider));
    } else if (json.is_array() && !json.empty()) {
        node.kind = Shown::Kind::list;
        for (std::size_t i = 0; i < json.size(); ++i) {
            const std::string index = "[" + std::to_string(i) + "]";
            node.items.push_back(from_json(json[i], node.key, index, at / i, provider));
        }
    } else {
        node.text =
            json.is_string() ? value_text(json.get<std::string>(), SettingKind::text) : json.dump();
        if (node.text.empty()) node.text = "\"\"";
    }
    return node;
}

Shown models_of(const ProviderConfig& provider, const std::string& parent)
{
    Shown list =
        list_section(parent, "models", provider.models, model_rows(), Fetches(provider.fetched));
    const Json given = Json::parse(provider.models_json);
    for (std::size_t i = 0; i < list.items.size() && i < given.size(); ++i) {
        Shown& map = list.items[i];
        for (const auto& [member, inner] : given[i].items()) {
            if (member == "id" || member == "path") continue;
            const auto at = Json::json_pointer() / "models" / i / member;
            map.items.push_back(from_json(inner, map.key, member, at, provider));
        }
    }
    return list;
}

Shown provider_shown(const ProviderConfig& provider, const std::string& parent)
{
    Shown map = branch(Shown::Kind::map, parent, provider.id);
    add_rows(map, provider, provider_rows(), Fetches(provider.fetched));
    if (!provider.models.empty()) map.items.push_back(models_of(provider, map.key));
    const Json config = Json::parse(provider.config_json);
    for (const auto& [member, inner] : config.items())
        map.items.push_back(
            from_json(inner, map.key, member, Json::json_pointer() / member, provider));
    return map;
}

Shown chain_shown(const Chain& chain, const std::string& parent, const Fetches& fetches)
{
    Shown map = branch(Shown::Kind::map, parent, chain.id);
    add_rows(map, chain, chain_rows(), fetches);
    map.items.push_back(list_section(map.key, "steps", chain.steps, step_rows(), fetches));
    return map;
}

// A setting whose name is the operator's.
Shown free_value(const std::string& parent,
                 const std::string& name,
                 const SettingValue& held,
                 SettingKind kind,
                 const Fetches& fetches)
{
    Shown leaf = value(parent, name, value_text(held, kind));
    show_fetched(leaf, held, fetches.below(name));
    return leaf;
}

Shown routes_shown(const RouteSettings& routes, const Fetches& fetches)
{
    Shown section = branch(Shown::Kind::map, "", "routes");
    add_rows(section, routes, route_rows(), fetches);
    Shown aliases = branch(Shown::Kind::map, section.key, "aliases");
    for (const auto& [name, chain] : routes.aliases)
        aliases.items.push_back(
            free_value(aliases.key, name, chain, SettingKind::id, fetches.below("aliases")));
    if (!aliases.items.empty()) section.items.push_back(std::move(aliases));
    Shown chains = branch(Shown::Kind::map, section.key, "chains");
    for (const Chain& chain : routes.chains)
        chains.items.push_back(
            chain_shown(chain, chains.key, fetches.below("chains").below(chain.id)));
    if (!chains.items.empty()) section.items.push_back(std::move(chains));
    return section;
}

void collect(const Shown& node, std::vector<const Shown*>& values)
{
    if (node.kind == Shown::Kind::value) values.push_back(&node);
    for (const Shown& item : node.items)
        collect(item, values);
}

std::string comment_of(const Shown& node, const Loaded* loaded)
{
    std::string comment = node.note;
    if (loaded != nullptr) comment += (comment.empty() ? "" : " ") + origin_of(*loaded, node.key);
    return comment.empty() ? "" : "  # " + comment;
}

void write(const Shown& node, const std::string& indent, const Loaded* loaded, std::string& text);

// A list entry's first line stands behind its dash.
void write_entry(const Shown& entry,
                 const std::string& indent,
                 const Loaded* loaded,
                 std::string& text)
{
    if (entry.kind == Shown::Kind::value) {
        text += indent + "- " + entry.text + comment_of(entry, loaded) + "\n";
        return;
    }
    std::string inner;
    write(entry, indent + "  ", loaded, inner);
    if (inner.size() > indent.size()) inner[indent.size()] = '-';
    text += inner;
}

std::string name_text(const std::string& name)
{
    return name.empty() ? "\"\"" : value_text(name, SettingKind::text);
}

void write(const Shown& node, const std::string& indent, const Loaded* loaded, std::string& text)
{
    for (const Shown& item : node.items) {
        if (node.kind == Shown::Kind::list) {
            write_entry(item, indent, loaded, text);
        } else if (item.kind == Shown::Kind::value) {
            text +=
                indent + name_text(item.name) + ": " + item.text + comment_of(item, loaded) + "\n";
        } else if (!item.items.empty()) {
            text += indent + name_text(item.name) + ":\n";
            write(item, indent + "  ", loaded, text);
        }
    }
}

std::string provider_of(const std::string& key)
{
    if (key.rfind("providers.", 0) != 0) return {};
    const std::size_t end = key.find_first_of(".[", 10);
    return key.substr(10, end == std::string::npos ? end : end - 10);
}

std::string text_with_note(const Shown& node)
{
    return node.note.empty() ? node.text : node.text + " " + node.note;
}

} // namespace

Shown shown(const Settings& settings)
{
    Shown tree;
    const Fetches fetches(settings.fetched);
    add_rows(tree, settings, top_rows(), fetches);
    add_section(tree, "server", settings.server, server_rows(), fetches);
    add_section(tree, "plugins", settings.plugins, plugin_rows(), fetches);
    Shown auth = branch(Shown::Kind::map, "", "auth");
    auth.items.push_back(
        list_section("auth", "keys", settings.keys, key_rows(), fetches.below("auth")));
    if (!settings.keys.empty()) tree.items.push_back(std::move(auth));
    add_section(tree, "jobs", settings.jobs, job_rows(), fetches);
    tree.items.push_back(list_section("", "gpus", settings.gpus, gpu_rows(), fetches));
    Shown providers = branch(Shown::Kind::map, "", "providers");
    for (const ProviderConfig& provider : settings.providers)
        providers.items.push_back(provider_shown(provider, providers.key));
    tree.items.push_back(std::move(providers));
    Shown pools = branch(Shown::Kind::map, "", "pools");
    for (const PoolSettings& pool : settings.pools)
        pools.items.push_back(free_value(
            pools.key, pool.id, pool.members, SettingKind::texts, fetches.below("pools")));
    tree.items.push_back(std::move(pools));
    tree.items.push_back(routes_shown(settings.routes, fetches.below("routes")));
    add_section(tree, "health", settings.health, health_rows(), fetches);
    add_section(tree, "breaker", settings.breaker, breaker_rows(), fetches);
    add_section(tree, "log", settings.log, log_rows(), fetches);
    return tree;
}

std::vector<const Shown*> values_of(const Shown& tree)
{
    std::vector<const Shown*> values;
    collect(tree, values);
    return values;
}

std::string yaml_text(const Shown& tree, const Loaded* loaded)
{
    std::string text;
    write(tree, "", loaded, text);
    return text;
}

nlohmann::json effective_json(const Loaded& loaded)
{
    const Shown tree = shown(loaded.settings);
    Json values = Json::array();
    for (const Shown* leaf : values_of(tree)) {
        Json entry{
            {"key",       leaf->key},
            {        "value", leaf->text         },
            { "origin", origin_of(loaded,          leaf->key)}
        };
        if (!leaf->note.empty()) entry["note"] = leaf->note;
        values.push_back(std::move(entry));
    }
    return {
        {"revision", loaded.revision},
        {"files",    loaded.files   },
        {"values",   values         }
    };
}

nlohmann::json findings_json(const Findings& findings)
{
    Json list = Json::array();
    for (const Finding& finding : findings.all()) {
        const bool error = finding.severity == Severity::error;
        list.push_back({
            {"severity",   error ? "error" : "warning"},
            {"source",     finding.place.source       },
            {"line",       finding.place.line         },
            {"column",     finding.place.column       },
            {"code",       finding.code               },
            {"key",        finding.key                },
            {"message",    finding.message            },
            {"suggestion", finding.suggestion         }
        });
    }
    return list;
}

std::vector<FlatSetting> flat(const Settings& settings)
{
    const Shown tree = shown(settings);
    std::vector<FlatSetting> values;
    for (const Shown* leaf : values_of(tree))
        values.push_back({leaf->key, text_with_note(*leaf)});
    return values;
}

std::vector<ConfigChange> diff(const Settings& before, const Settings& after)
{
    return diff(flat(before), flat(after));
}

std::vector<ConfigChange> diff(const std::vector<FlatSetting>& before,
                               const std::vector<FlatSetting>& after)
{
    std::map<std::string, std::string> left;
    for (const FlatSetting& value : before)
        left.emplace(value.key, value.text);

    std::vector<ConfigChange> changes;
    const auto note = [&](const std::string& key, std::string was, std::string is) {
        const ListedSetting* setting = setting_of(key);
        // What the table does not know is the plugin's.
        const Reload effect = setting == nullptr ? Reload::provider_restart : setting->info.reload;
        changes.push_back({key, std::move(was), std::move(is), effect, provider_of(key)});
    };
    for (const FlatSetting& value : after) {
        const auto known = left.find(value.key);
        if (known == left.end()) {
            note(value.key, "", value.text);
            continue;
        }
        if (known->second != value.text) note(value.key, known->second, value.text);
        left.erase(known);
    }
    for (const auto& [key, was] : left)
        note(key, was, "");
    return changes;
}

} // namespace reelgate
