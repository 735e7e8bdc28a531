#include "host/plugin/provider_settings.hpp"

#include "host/plugin/json.hpp"

#include <nlohmann/json.hpp>

#include <system_error>
#include <vector>

namespace reelgate {
namespace {

// The operator who writes a path into a plugin's configuration means the plugin to read it:
// weights, a checkout, a key file. A text that names nothing here, such as a secret, is not passed
// on.
void name_configured_paths(const Json& value, std::vector<std::string>& paths)
{
    if (value.is_structured())
        for (const Json& part : value)
            name_configured_paths(part, paths);
    if (!value.is_string()) return;
    const std::filesystem::path path = value.get<std::string>();
    std::error_code unreadable;
    if (path.is_absolute() && path != path.root_path() && std::filesystem::exists(path, unreadable))
        paths.push_back(path.string());
}

} // namespace

LaunchOrder launch_order_for(const Manifest& manifest, const ProviderSettings& settings)
{
    LaunchOrder order;
    order.exec = manifest.runtime == Manifest::Runtime::exec;
    order.plugin_dir = std::filesystem::absolute(manifest.directory).string();
    // What was checked is what runs: this very file, never what a search path has of its name.
    const std::string program = std::filesystem::absolute(manifest.program()).string();
    order.command = manifest.command;
    if (order.exec)
        order.command.front() = program;
    else
        order.library = program;
    order.stdio = manifest.transport == Manifest::Transport::stdio;
    order.plugin_name = manifest.id + ' ' + manifest.version;
    order.data_dir = settings.data_dir.string();
    order.cache_dir = settings.cache_dir.string();
    order.jail = settings.jail;
    order.jail.allow_network = manifest.egress != Manifest::Egress::none;
    order.jail.work_root = settings.work_root.string();
    name_configured_paths(Json::parse(settings.config_json, nullptr, false), order.jail.read_only);
    order.shape = settings.shape;
    order.host_minor = settings.host_minor;
    order.cycles = settings.cycles;
    return order;
}

} // namespace reelgate
