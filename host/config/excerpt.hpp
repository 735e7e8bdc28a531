// A finding as a person wants to read it: what and where, the line itself, and a mark below the
// place.
#pragma once

#include "host/config/finding.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace reelgate {

// The text behind Place::source, or nothing where it is no text (a variable, an option).
using SourceText = std::function<std::optional<std::string>(const std::string& source)>;

// Reads the file; what is built in has its own name.
std::optional<std::string> source_text(const std::string& source);

// reelgate.yaml:2:3: error: server.lisen: is not a setting (unknown_key); did you mean `listen`?
//     2 |   lisen: "127.0.0.1:8055"
//       |   ^
// The value of what may be a secret is left out of the line.
std::string for_people(const Finding& finding, const SourceText& text_of);

} // namespace reelgate
