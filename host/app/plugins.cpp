#include "host/app/plugins.hpp"

#include "host/plugin/preflight.hpp"

#include <cstdio>
#include <string>
#include <utility>

namespace reelgate {

std::vector<PluginEntry> found_plugins(const Globals& globals)
{
    return scan(plugin_dirs(globals.plugin_dirs, globals.exe_dir));
}

Result<PluginEntry> named_plugin(const Globals& globals, std::string_view id_or_directory)
{
    if (id_or_directory.find('/') == std::string_view::npos) {
        auto entry = find_plugin(found_plugins(globals), id_or_directory);
        std::error_code ignored;
        if (!entry && std::filesystem::is_directory(id_or_directory, ignored))
            return std::move(entry).error().with_hint("if the directory is meant, say ./" +
                                                      std::string(id_or_directory));
        if (entry && entry->broken) return *std::move(entry->broken);
        return entry;
    }
    const std::filesystem::path directory = id_or_directory;
    // One that the scan knows keeps its origin.
    std::error_code ignored;
    for (PluginEntry& entry : found_plugins(globals))
        if (!entry.broken &&
            std::filesystem::equivalent(entry.manifest.directory, directory, ignored))
            return std::move(entry);
    PluginEntry entry;
    RG_TRY(entry.manifest, read_manifest(directory));
    RG_CHECK(directory_is_id(entry.manifest));
    return entry;
}

TrustPlaces trust_places(const Globals& globals)
{
    return {globals.data_dir, globals.trusted_keys, globals.exe_dir};
}

Result<PluginEntry> runnable_plugin(const Globals& globals, std::string_view id_or_directory)
{
    RG_TRY(PluginEntry entry, named_plugin(globals, id_or_directory));
    RG_CHECK(preflight(entry.manifest));
    RG_CHECK(check_trust(globals.trust, entry.manifest, entry.origin, trust_places(globals)));
    if (globals.trust == TrustPolicy::any && !globals.quiet)
        std::fprintf(stderr,
                     "reelgate: --trust any: plugins run without any check of their origin\n");
    return entry;
}

} // namespace reelgate
