// Settings as text: what holds now, in the words of the file, with nothing secret in it.
#pragma once

#include "host/config/load.hpp"
#include "host/config/table.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace reelgate {

// The effective settings as a tree; written out it is a configuration that means the same.
struct Shown {
    enum class Kind : std::uint8_t { value, list, map } kind = Kind::map;
    std::string name = {}; // of a member of a map
    std::string key = {};  // "auth.keys[0].secret"
    std::string text = {}; // of a value, as it would stand in the file
    std::string note = {}; // the short hash of a secret
    std::vector<Shown> items = {};
};

Shown shown(const Settings& settings);

// The values alone, in the order of the file.
std::vector<const Shown*> values_of(const Shown& tree);

// As YAML. With `loaded`, each line says where its value stands.
std::string yaml_text(const Shown& tree, const Loaded* loaded);

// {"revision": ..., "files": [...], "values": [{"key", "value", "origin", "note"?}]}
nlohmann::json effective_json(const Loaded& loaded);

// {"severity", "source", "line", "column", "code", "key", "message", "suggestion"} each.
nlohmann::json findings_json(const Findings& findings);

// What differs between two configurations.
struct ConfigChange {
    std::string key;
    std::string before; // empty: was not there
    std::string after;
    Reload effect = Reload::live;
    std::string provider = {}; // the one it concerns, if it concerns one
};

// A setting by its full key; a secret as where it comes from and its short hash.
struct FlatSetting {
    std::string key;
    std::string text;
};
std::vector<FlatSetting> flat(const Settings& settings);

std::vector<ConfigChange> diff(const Settings& before, const Settings& after);
std::vector<ConfigChange> diff(const std::vector<FlatSetting>& before,
                               const std::vector<FlatSetting>& after);

} // namespace reelgate
