// A configuration as a tree of plain values that remember where they stand.
#pragma once

#include "host/config/finding.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

struct ConfigNode {
    enum class Kind : std::uint8_t { null, scalar, list, map };

    Kind kind = Kind::null;
    Place place = {};        // of the value
    std::string text = {};   // of a scalar, as written
    bool quoted = false;     // then it is a text, whatever it looks like
    std::string origin = {}; // "env:NAME" or "file:path" where that is what `text` came from
    bool fetched = false;    // by a reference: the value is nobody's business
    std::string key = {};    // of a member of a map
    Place key_place = {};    // where the key stands
    std::vector<ConfigNode> items = {}; // of a list or a map, in the order of writing

    bool is_map() const { return kind == Kind::map; }
    bool is_list() const { return kind == Kind::list; }
    bool is_scalar() const { return kind == Kind::scalar; }

    const ConfigNode* find(std::string_view name) const; // a member of a map
    ConfigNode* find(std::string_view name);
    ConfigNode& member(std::string_view name); // of a map; made when missing
    std::size_t count() const;                 // nodes of the whole tree
};

// What a plain scalar is by the core schema of YAML 1.2, in which `no` and `12:30` are texts.
enum class CoreType : std::uint8_t { null, boolean, integer, number, text };
CoreType core_type(const ConfigNode& scalar);

// "a list", "a number", "nothing": for sentences.
std::string_view kind_text(const ConfigNode& node);

// As JSON, each plain scalar by its core type. A number that JSON cannot hold is a finding.
nlohmann::json to_json(const ConfigNode& node, const std::string& key, Findings& findings);

// "a.b" + "c" is "a.b.c", "a" + 0 is "a[0]".
std::string key_below(std::string_view parent, std::string_view name);
std::string key_below(std::string_view parent, std::size_t index);

} // namespace reelgate
