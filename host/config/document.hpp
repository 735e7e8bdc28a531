// YAML text becomes a tree. The reading is strict: what YAML allows and people do not mean (keys
// twice, tags, merge keys, several documents in one file) is a finding, never a guess. Size, depth
// and the expansion of aliases are bounded. The environment and files named by the text are read
// here and nowhere else in the daemon.
#pragma once

#include "host/config/node.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace reelgate {

struct DocumentLimits {
    std::size_t bytes = std::size_t{1} << 20U;
    std::size_t depth = 32;
    std::size_t nodes = 20'000; // after aliases are expanded
};

// `source` stands in each place of the tree. On a syntax error the tree is what came before it.
// Codes: too_large, not_text, syntax, too_deep, too_many_values, duplicate_key, bad_key, tag,
// merge_key, alias_loop, second_document, not_a_map.
ConfigNode parse_document(std::string_view text,
                          const std::string& source,
                          Findings& findings,
                          DocumentLimits limits = {});

// The same for a file. Further codes: file_missing, file_unreadable, file_too_large.
ConfigNode read_document(const std::filesystem::path& file, Findings& findings);

// Values that come from outside the text: variables by name, and the user's home directory.
struct ConfigWorld {
    std::map<std::string, std::string> environment = {};
    std::filesystem::path directory = "."; // what paths of a text without a file are relative to

    std::optional<std::string> variable(const std::string& name) const;
    std::filesystem::path home() const; // empty when unknown
};

// That of this process.
ConfigWorld process_world();

// A path as written: "~/" is the home directory, and what is relative is relative to the directory
// of the file `place` is in.
std::filesystem::path
path_written(std::string_view text, const Place& place, const ConfigWorld& world);

// Where a value is fetched from: {env: NAME} or {file: path}, or a text of the form "${env:NAME}",
// "${env:NAME:-default}", "${file:path}".
struct Reference {
    enum class From : std::uint8_t { environment, file } from = From::environment;
    std::string name; // of the variable, or the path as written
    std::optional<std::string> otherwise = {};
};

std::string to_string(const Reference& reference); // "env:NAME", "file:path"

// What `text` refers to as a whole; nothing if it is no reference. A text that has one inside it,
// or a reference that cannot be read, is a finding (bad_reference).
std::optional<Reference>
reference_in(const ConfigNode& scalar, const std::string& key, Findings& findings);

bool is_utf8(std::string_view text);

// What it stands for, which is UTF-8, or one sentence that says why not. A file loses one newline
// at its end.
struct Fetched {
    std::optional<std::string> value = {};
    std::string why_not = {};
    bool by_default = false; // the variable is not set, and the text says what then
};
Fetched fetch(const Reference& reference, const Place& place, const ConfigWorld& world);

} // namespace reelgate
