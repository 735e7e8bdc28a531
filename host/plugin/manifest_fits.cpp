// The judgement on a Manifest: its place and this host.
#include "host/plugin/machine.hpp"
#include "host/plugin/manifest.hpp"

#include <reelgate/abi/types.h>

#include <string>
#include <system_error>

namespace reelgate {

using std::string;

Result<Done> directory_is_id(const Manifest& manifest)
{
    // Of "." and "x/" the last part is not the name; of a link, its own name counts.
    std::error_code failed;
    auto whole = std::filesystem::absolute(manifest.directory, failed).lexically_normal();
    if (!whole.has_filename()) whole = whole.parent_path();
    const string name = whole.filename().string();
    if (name == manifest.id) return Done{};
    return invalid(manifest.file().string() + ": the id is " + manifest.id +
                       " and the directory is called " + name,
                   "manifest_id_not_directory")
        .with_hint("give the directory the name of the id");
}

Result<Done> fits_this_host(const Manifest& manifest)
{
    const string who = manifest.id + " " + manifest.version;
    if (!manifest.machine.empty() && manifest.machine != kThisMachine.manifest) {
        const Machine* machine = machine_named(manifest.machine);
        const string theirs = machine != nullptr ? string(machine->spoken) : manifest.machine;
        return invalid(who + " is for " + theirs + ", this is " + string(kThisMachine.spoken),
                       "wrong_machine")
            .with_hint("install the plugin's build for " + string(kThisMachine.spoken));
    }
    if (manifest.runtime == Manifest::Runtime::exec) return Done{}; // the frames negotiate

    const string theirs = std::to_string(manifest.abi_major);
    const string ours = std::to_string(RG_ABI_MAJOR);
    if (manifest.abi_major > RG_ABI_MAJOR)
        return invalid(who + " is built for plugin ABI " + theirs + ", this host has " + ours,
                       "abi_too_new")
            .with_hint("update Reelgate");
    if (manifest.abi_major < RG_ABI_MAJOR)
        return invalid(who + " is built for plugin ABI " + theirs + ", this host has " + ours,
                       "abi_too_old")
            .with_hint("update the plugin");
    if (manifest.abi_min_host_minor > RG_ABI_MINOR)
        return invalid(who + " needs host ABI " + ours + "." +
                           std::to_string(manifest.abi_min_host_minor) + ", this is " + ours + "." +
                           std::to_string(RG_ABI_MINOR),
                       "host_too_old")
            .with_hint("update Reelgate");
    return Done{};
}

} // namespace reelgate
