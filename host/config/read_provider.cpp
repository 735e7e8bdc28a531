// A provider: the host's own settings are rows of the table, the rest is the plugin's and becomes
// JSON. What is not there (a secret, a model's files) takes with it the entry of the list that it
// stands in; where it stands in no list, or no entry is left, the whole provider.
#include "host/config/reader.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

namespace reelgate {
namespace {

using Json = nlohmann::json;
using Pointer = Json::json_pointer;

struct Part {
    Reading& in;
    FetchedValues secrets = {};
    FetchedValues fetched = {};
    std::vector<LeftOut> missing = {};  // nothing around it can work
    std::vector<LeftOut> left_out = {}; // cost an entry of a list
};

Json convert(const ConfigNode& node, const std::string& key, const Pointer& at, Part& part);

bool is_note(const ConfigNode& node) { return node.key.rfind("x-", 0) == 0; }

bool is_written_as_path(std::string_view text)
{
    return text.rfind("./", 0) == 0 || text.rfind("../", 0) == 0 || text.rfind("~/", 0) == 0;
}

void miss(
    Part& part, const ConfigNode& node, std::string code, const std::string& key, std::string why)
{
    part.in.findings.warning(node.place, std::move(code), key, why);
    part.missing.push_back({key, std::move(why), node.place});
}

Json convert_secret(const ConfigNode& node, const std::string& key, const Pointer& at, Part& part)
{
    auto read = read_secret(node, key, part.in);
    if (!read) return nullptr;
    // One that is missing keeps its place: it is shown as what was written.
    if (!read->why_not.empty()) miss(part, node, "secret_missing", key, read->why_not);
    Json shown = read->secret.shown();
    part.secrets.emplace_back(at.to_string(), std::move(read->secret));
    return shown;
}

void add(Part& whole, Part&& more)
{
    std::move(more.secrets.begin(), more.secrets.end(), std::back_inserter(whole.secrets));
    std::move(more.fetched.begin(), more.fetched.end(), std::back_inserter(whole.fetched));
    std::move(more.left_out.begin(), more.left_out.end(), std::back_inserter(whole.left_out));
}

// One entry of a list went or stayed; what it lacked is remembered either way.
bool keep_entry(Part& whole, Part&& entry)
{
    if (entry.missing.empty()) {
        add(whole, std::move(entry));
        return true;
    }
    std::move(entry.missing.begin(), entry.missing.end(), std::back_inserter(whole.left_out));
    std::move(entry.left_out.begin(), entry.left_out.end(), std::back_inserter(whole.left_out));
    return false;
}

// Those of the host's own settings in `map`, which read_rows() has read.
template <class T>
void remember_fetched(const ConfigNode& map,
                      const T& read,
                      std::span<const SettingRow<T>> rows,
                      const Pointer& at,
                      Part& part)
{
    for (const SettingRow<T>& row : rows) {
        const ConfigNode* node = map.find(row.info.name);
        if (node == nullptr) continue;
        const Pointer here = at / std::string(row.info.name);
        const SettingValue value = row.get(read);
        const auto* text = std::get_if<std::string>(&value); // a path is no longer as written
        if (node->fetched)
            part.fetched.emplace_back(here.to_string(),
                                      Secret(text == nullptr ? node->text : *text, node->origin));
        for (std::size_t i = 0; i < node->items.size(); ++i)
            if (const ConfigNode& item = node->items[i]; item.fetched)
                part.fetched.emplace_back((here / i).to_string(), Secret(item.text, item.origin));
    }
}

// A value in a sentence: one that was fetched as where it came from.
std::string said(const ConfigNode* node, const std::string& value)
{
    return node != nullptr && node->fetched ? "the value of " + node->origin : value;
}

// A list whose entries all went: then what holds the list has nothing to work with.
void check_left(const ConfigNode& list, std::size_t left, const std::string& key, Part& part)
{
    if (left > 0 || list.items.empty()) return;
    std::string why;
    for (const LeftOut& out : part.left_out)
        if (out.key.rfind(key + "[", 0) == 0) why += (why.empty() ? "" : "; ") + out.why;
    part.missing.push_back({key, why, list.place});
}

Json convert_list(const ConfigNode& node, const std::string& key, const Pointer& at, Part& part)
{
    Json list = Json::array();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
        Part entry{part.in};
        Json value = convert(node.items[i], key_below(key, i), at / list.size(), entry);
        if (keep_entry(part, std::move(entry))) list.push_back(std::move(value));
    }
    check_left(node, list.size(), key, part);
    return list;
}

Json convert(const ConfigNode& node, const std::string& key, const Pointer& at, Part& part)
{
    const bool container = node.is_list() || (node.is_map() && !is_secret_map(node));
    if (is_secret_map(node) || (is_secret_name(node.key) && !container))
        return convert_secret(node, key, at, part);
    if (node.is_list()) return convert_list(node, key, at, part);
    if (node.is_map()) {
        Json map = Json::object();
        for (const ConfigNode& item : node.items)
            map[item.key] = convert(item, key_below(key, item.key), at / item.key, part);
        return map;
    }
    const bool is_path = is_written_as_path(node.text);
    const std::string path =
        is_path ? path_written(node.text, node.place, part.in.world).string() : std::string();
    if (node.fetched) {
        Secret value(is_path ? path : node.text, node.origin);
        Json shown = value.shown();
        part.fetched.emplace_back(at.to_string(), std::move(value));
        return shown;
    }
    return is_path ? Json(path) : to_json(node, key, part.in.findings);
}

Json convert_model(const ConfigNode& node,
                   const ModelSettings& model,
                   const std::string& key,
                   const Pointer& at,
                   Part& part)
{
    Json given = Json::object();
    const auto give = [&](const char* name, const std::string& text) {
        const ConfigNode* const written = node.find(name);
        const bool fetched = written != nullptr && written->fetched;
        given[name] = fetched ? Secret(text, written->origin).shown() : text;
    };
    give("id", model.id);
    const auto known = names_of(model_rows());
    for (const ConfigNode& item : node.items) {
        if (is_note(item) || std::find(known.begin(), known.end(), item.key) != known.end())
            continue;
        given[item.key] = convert(item, key_below(key, item.key), at / item.key, part);
    }
    if (model.path.empty()) return given;
    give("path", model.path.string());
    std::error_code unknown;
    if (!std::filesystem::exists(model.path, unknown)) {
        const ConfigNode* path = node.find("path");
        miss(part,
             path == nullptr ? node : *path,
             "model_missing",
             key_below(key, "path"),
             "model " + said(node.find("id"), model.id) + ": there is no " +
                 said(path, model.path.string()));
    }
    return given;
}

void read_models(const ConfigNode& list,
                 const std::string& key,
                 ProviderConfig& provider,
                 Part& part)
{
    const auto& entries = list_of(&list, key, part.in);
    Json given = Json::array();
    const Pointer at = Pointer() / "models";
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::string entry_key = key_below(key, i);
        const ConfigNode* map = map_of(&entries[i], entry_key, part.in);
        if (map == nullptr) continue;
        Part entry{part.in};
        ModelSettings model;
        read_rows(*map, entry_key, model_rows(), model, part.in);
        for (const ModelSettings& other : provider.models)
            if (other.id == model.id && !model.id.empty())
                part.in.findings.error(map->place,
                                       "duplicate_model",
                                       entry_key,
                                       "model " + said(map->find("id"), model.id) +
                                           " is given twice");
        remember_fetched(*map, model, model_rows(), at / given.size(), entry);
        Json value = convert_model(*map, model, entry_key, at / given.size(), entry);
        if (!keep_entry(part, std::move(entry))) continue;
        given.push_back(std::move(value));
        provider.models.push_back(std::move(model));
    }
    check_left(list, given.size(), key, part);
    provider.models_json = given.dump();
}

// The plugin's members are not known here; one that is nearly the host's is probably a slip.
void warn_if_nearly_ours(const ConfigNode& item,
                         const std::vector<std::string>& ours,
                         const std::string& key,
                         Reading& in)
{
    const std::string nearest = nearest_name(item.key, ours);
    if (nearest.empty()) return;
    Finding finding{Severity::warning, item.key_place, "looks_like", key_below(key, item.key)};
    finding.message = "is handed to the plugin as it is";
    finding.suggestion = "did you mean `" + nearest + "`?";
    in.findings.add(std::move(finding));
}

} // namespace

ProviderConfig read_provider(const ConfigNode& node, const std::string& key, Reading& in)
{
    ProviderConfig provider;
    provider.id = node.key;
    provider.place = node.key_place;
    const ConfigNode* map = map_of(&node, key, in);
    if (map == nullptr) return provider;
    read_rows(*map, key, provider_rows(), provider, in);

    Part part{in};
    remember_fetched(*map, provider, provider_rows(), Pointer(), part);
    auto ours = names_of(provider_rows());
    ours.emplace_back("models");
    Json config = Json::object();
    for (const ConfigNode& item : map->items) {
        const bool is_ours = std::find(ours.begin(), ours.end(), item.key) != ours.end();
        if (item.key == "models") read_models(item, key_below(key, "models"), provider, part);
        if (is_ours || is_note(item)) continue;
        warn_if_nearly_ours(item, ours, key, in);
        config[item.key] = convert(item, key_below(key, item.key), Pointer() / item.key, part);
    }
    provider.config_json = config.dump();
    for (const LeftOut& gone : part.missing)
        provider.misconfigured += (provider.misconfigured.empty() ? "" : "; ") + gone.why;
    provider.secrets = std::move(part.secrets);
    provider.fetched = std::move(part.fetched);
    provider.left_out = std::move(part.left_out);
    return provider;
}

std::string config_for_plugin(const ProviderConfig& provider, bool with_models)
{
    Json config = Json::parse(provider.config_json);
    if (with_models) config["models"] = Json::parse(provider.models_json);
    for (const FetchedValues* hidden : {&provider.secrets, &provider.fetched}) {
        for (const auto& [at, value] : *hidden) {
            const Pointer place(at);
            if (config.contains(place)) config[place] = value.reveal();
        }
    }
    return config.dump();
}

} // namespace reelgate
