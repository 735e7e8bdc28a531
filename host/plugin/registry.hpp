// Which plugins are there. A plugin is a direct child of a plugin directory that holds a
// plugin.json; nothing else in it is looked at and no library is opened, so that a library a plugin
// depends on is never mistaken for one and a scan runs nobody's code.
#pragma once

#include "host/plugin/manifest.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

enum class Origin : std::uint8_t {
    bundled, // came with this program
    user,
};
std::string_view to_string(Origin origin);

struct PluginDir {
    std::filesystem::path path;
    Origin origin = Origin::user;
};

struct PluginEntry {
    Manifest manifest; // of a broken entry only id (the directory's name) and directory hold
    Origin origin = Origin::user;
    std::optional<std::filesystem::path> shadowed_by; // the directory of the entry that wins
    std::optional<Error> broken;                      // why it cannot be used
};

// The directories that are searched, in their order: `given` by the operator, then those beside the
// program (../plugins and ../lib/reelgate/plugins, bundled), then the user's. A directory that
// stands there twice is kept once; one beside the program stays bundled, whoever names it.
std::vector<PluginDir> plugin_dirs(std::span<const std::filesystem::path> given,
                                   const std::filesystem::path& exe_dir);

// All candidates, in the order of the directories and by name within one. Of several with one id
// the first wins, even when it is broken: falling back to another version unasked would hide the
// fault. A directory that does not exist has no plugins.
std::vector<PluginEntry> scan(std::span<const PluginDir> dirs);

// The entry that is used for `id`, broken or not; not_found with code "plugin_unknown" else.
Result<PluginEntry> find_plugin(std::span<const PluginEntry> entries, std::string_view id);

} // namespace reelgate
