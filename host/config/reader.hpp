// From the tree to values, row by row. Everything wrong is a finding; the member keeps its standard
// value then, and reading goes on.
#pragma once

#include "host/config/document.hpp"
#include "host/config/table.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace reelgate {

struct Reading {
    const ConfigWorld& world;
    Findings& findings;
    bool inline_secrets = false; // a literal is taken for a secret
};

// One value as its row wants it; nothing if it is wrong, and then that has been said.
std::optional<SettingValue>
read_value(const ConfigNode& node, const SettingInfo& info, const std::string& key, Reading& in);

// A secret and, if it could not be had, why. Nothing if what is written is no way to give one.
struct ReadSecret {
    Secret secret;
    std::string why_not = {};
};
std::optional<ReadSecret> read_secret(const ConfigNode& node, const std::string& key, Reading& in);

// Does a member of this name hold a secret, by the custom of those who name them?
bool is_secret_name(std::string_view name);

// {env: NAME} or {file: path}.
bool is_secret_map(const ConfigNode& node);

// A map is wanted; nothing written counts as an empty one. Null, with a finding, if it is neither.
const ConfigNode* map_of(const ConfigNode* node, const std::string& key, Reading& in);
// The entries of a list; none if nothing is written.
const std::vector<ConfigNode>& list_of(const ConfigNode* node, const std::string& key, Reading& in);

// Letters, digits, '_' and '-', at most 64: safe in a label, a path and a URL.
bool is_config_id(std::string_view text);
bool check_id(std::string_view id, const Place& place, const std::string& key, Reading& in);

// What is no setting of `section` and no note of the user's (`x-...`).
void refuse_unknown(const ConfigNode& map,
                    const std::string& section,
                    const std::vector<std::string>& known,
                    Reading& in);

template <class T>
std::vector<std::string> names_of(std::span<const SettingRow<T>> rows)
{
    std::vector<std::string> names;
    for (const SettingRow<T>& row : rows)
        names.emplace_back(row.info.name);
    return names;
}

// Fills `out` from the members of `map` that have a row; says what is required and not there.
template <class T>
void read_rows(const ConfigNode& map,
               const std::string& section,
               std::span<const SettingRow<T>> rows,
               T& out,
               Reading& in)
{
    for (const SettingRow<T>& row : rows) {
        const ConfigNode* node = map.find(row.info.name);
        const std::string key = key_below(section, row.info.name);
        if (node == nullptr) {
            if (row.info.required) in.findings.error(map.place, "missing", key, "must be given");
            continue;
        }
        if (auto value = read_value(*node, row.info, key, in)) row.put(out, *std::move(value));
    }
}

// The same, and everything else but `more` is refused.
template <class T>
void read_section(const ConfigNode& map,
                  const std::string& section,
                  std::span<const SettingRow<T>> rows,
                  T& out,
                  Reading& in,
                  std::vector<std::string> more = {})
{
    read_rows(map, section, rows, out, in);
    for (std::string& name : names_of(rows))
        more.push_back(std::move(name));
    refuse_unknown(map, section, more, in);
}

// Puts what references stand for into the tree. Left alone is what may be a secret: it is read
// where it is needed.
void resolve_references(ConfigNode& tree, const std::string& key, Reading& in);

// One entry of `providers`.
ProviderConfig read_provider(const ConfigNode& node, const std::string& key, Reading& in);

// The whole tree.
Settings read_settings(ConfigNode tree, const ConfigWorld& world, Findings& findings);

} // namespace reelgate
