// How results are printed: JSON for programs, aligned columns for people.
#pragma once

#include "host/base/error.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reelgate {

// `text` with everything that could steer a terminal replaced. What a plugin says about itself goes
// through here before a person sees it; the functions below do that themselves.
std::string printable(std::string_view text);

void print_line(std::string_view text);

// Indented, with a newline. Texts that are not UTF-8 are repaired rather than refused.
void print_json(const nlohmann::json& value);

// {"category", "code", "text", "hint"}
nlohmann::json error_json(const Error& error);

// Rows of cells in columns as wide as their widest cell; the first row is usually the heading.
void print_table(const std::vector<std::vector<std::string>>& rows);

// "name   value" lines under each other.
void print_facts(const std::vector<std::pair<std::string, std::string>>& facts);

} // namespace reelgate
