#include "host/plugin/registry.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <system_error>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// $XDG_DATA_HOME/reelgate/plugins, or where that stands when it is not set. Empty without a home.
fs::path user_plugins()
{
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nobody sets it
        return fs::path(value != nullptr ? value : "");
    };
    fs::path data = variable("XDG_DATA_HOME");
    if (!data.is_absolute()) { // as the XDG specification has it: relative ones are ignored
        const fs::path home = variable("HOME");
        if (!home.is_absolute()) return {};
        data = home / ".local" / "share";
    }
    return data / "reelgate" / "plugins";
}

// One spelling for each directory, so that it can be compared.
fs::path settled(const fs::path& path)
{
    std::error_code failed;
    fs::path whole = fs::weakly_canonical(path, failed);
    if (failed) return path;
    // "x/" has an empty last part, which would be taken for the directory's name.
    return whole.has_filename() ? whole : whole.parent_path();
}

std::vector<fs::path> candidates_in(const fs::path& directory)
{
    std::vector<fs::path> found;
    std::error_code failed;
    for (fs::directory_iterator child(directory, failed), end; !failed && child != end;
         child.increment(failed)) {
        std::error_code ignored;
        if (fs::exists(child->path() / kManifestName, ignored)) found.push_back(child->path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

PluginEntry read_entry(const fs::path& directory, Origin origin)
{
    PluginEntry entry;
    entry.origin = origin;
    Result<Manifest> manifest = read_manifest(directory);
    if (manifest) {
        entry.manifest = *std::move(manifest);
        if (auto named = directory_is_id(entry.manifest); !named)
            entry.broken = std::move(named).error();
    } else {
        entry.broken = std::move(manifest).error();
    }
    if (entry.broken) {
        entry.manifest.id = directory.filename().string();
        entry.manifest.directory = directory;
    }
    return entry;
}

} // namespace

std::string_view to_string(Origin origin) { return origin == Origin::bundled ? "bundled" : "user"; }

std::vector<PluginDir> plugin_dirs(std::span<const std::filesystem::path> given,
                                   const std::filesystem::path& exe_dir)
{
    const std::vector<fs::path> bundled{settled(exe_dir / ".." / "plugins"),
                                        settled(exe_dir / ".." / "lib" / "reelgate" / "plugins")};
    std::vector<fs::path> order;
    for (const fs::path& path : given)
        order.push_back(settled(path));
    order.insert(order.end(), bundled.begin(), bundled.end());
    if (const fs::path user = user_plugins(); !user.empty()) order.push_back(settled(user));

    std::vector<PluginDir> dirs;
    for (const fs::path& path : order) {
        const auto is_same = [&path](const PluginDir& dir) { return dir.path == path; };
        if (std::any_of(dirs.begin(), dirs.end(), is_same)) continue;
        const bool ours = std::find(bundled.begin(), bundled.end(), path) != bundled.end();
        dirs.push_back({path, ours ? Origin::bundled : Origin::user});
    }
    return dirs;
}

std::vector<PluginEntry> scan(std::span<const PluginDir> dirs)
{
    std::vector<PluginEntry> entries;
    std::map<std::string, fs::path> winners;
    for (const PluginDir& dir : dirs)
        for (const fs::path& directory : candidates_in(dir.path)) {
            PluginEntry entry = read_entry(directory, dir.origin);
            const auto [winner, is_first] = winners.try_emplace(entry.manifest.id, directory);
            if (!is_first) entry.shadowed_by = winner->second;
            entries.push_back(std::move(entry));
        }
    return entries;
}

Result<PluginEntry> find_plugin(std::span<const PluginEntry> entries, std::string_view id)
{
    for (const PluginEntry& entry : entries)
        if (entry.manifest.id == id && !entry.shadowed_by) return entry;
    return Error{.category = Category::not_found,
                 .text = "no plugin is called " + std::string(id),
                 .code = "plugin_unknown",
                 .hint = "`reelgate plugin list` shows those that are there"};
}

} // namespace reelgate
