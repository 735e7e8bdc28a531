// What the operator says about one provider, beside what its plugin says about itself.
#pragma once

#include "host/plugin/launch_order.hpp"
#include "host/plugin/manifest.hpp"
#include "host/plugin/spawn.hpp"
#include "host/plugin/supervise.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace reelgate {

struct ProviderSettings {
    std::string id;                 // the operator's name for it
    std::string config_json = "{}"; // defaults filled, secrets resolved
    std::filesystem::path data_dir;
    std::filesystem::path cache_dir;
    // Where its work directories will be, and nobody else's; none: files are not confined.
    std::filesystem::path work_root;
    std::filesystem::path log_dir; // of what it prints; out of its reach. None: no file is written
    JailOrder jail;
    Environment environment; // what the manifest asked for and the operator granted
    supervise::Limits limits;
    // The operator's word instead of the plugin's: its manifest's, then twice its description's.
    std::optional<supervise::Duration> start;
    std::optional<supervise::Duration> silent_for;
    std::optional<supervise::Duration> cancel_within;
    HostShape shape = HostShape::normal;
    std::uint32_t host_minor = RG_ABI_MINOR;
    unsigned cycles = 0; // see LaunchOrder; other than 0 only in `plugin check`
};

// What its worker is told at the start. Paths that the configuration names may be read.
LaunchOrder launch_order_for(const Manifest& manifest, const ProviderSettings& settings);

} // namespace reelgate
