// What a plugin may call itself. Its id is also the name of its directory, so the rule is one for
// the manifest, the description and every command that takes an id.
#pragma once

#include <algorithm>
#include <string_view>

namespace reelgate {

// 1 to 100 of a-z 0-9 . _ -, beginning with a letter or digit.
constexpr bool is_plugin_id(std::string_view text)
{
    const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= 100 && is_word(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return is_word(c) || c == '.' || c == '-' || c == '_';
           });
}

} // namespace reelgate
