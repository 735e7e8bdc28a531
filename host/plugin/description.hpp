// What a plugin says about itself (describe) and about its health (probe), parsed and judged.
// Limits and defaults are those of docs/PLUGIN-GUIDE.md.
#pragma once

#include "host/model/capability.hpp"
#include "host/plugin/failure_record.hpp"
#include "host/plugin/json.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

inline constexpr std::size_t kDescriptionLimit = std::size_t{256} * 1024;

struct Description {
    struct Resources {
        std::string gpu = "none"; // none, optional, required
        std::uint64_t ram_mb = 0;
    };

    std::string id;
    std::string name; // the id where none is given
    std::string version;
    std::string license;
    std::uint32_t max_concurrency = 1;
    std::chrono::seconds silent_for{120};
    std::chrono::seconds cancel_within{10};
    Resources resources;
    Charge billing = Charge::paid; // who does not say is treated as if each call cost money
    std::string egress = "none";   // none, local, cloud
    std::vector<ModelCapability> models;
    Json config_schema; // in the dialect, of type object; closed and empty where none is given
    Json params_schema;
    std::vector<std::string> warnings; // members this host does not know, and the like
};

// The Error names every problem with its JSON pointer (provider_error, code bad_description).
Result<Description> parse_description(std::string_view text);

// The states that a plugin may give itself; the supervisor knows more.
enum class ProviderState : std::uint8_t {
    ready,
    busy,
    starting,
    degraded,
    unhealthy,
    misconfigured
};
std::string_view to_string(ProviderState state);
std::optional<ProviderState> provider_state_from(std::string_view word);

struct ProbeReport {
    struct Vram {
        std::uint64_t total_mb = 0;
        std::uint64_t free_mb = 0;
    };

    ProviderState state = ProviderState::unhealthy;
    std::string reason;
    std::uint64_t queue = 0;
    std::optional<std::chrono::duration<double>>
        idle; // the oldest job has not advanced for so long
    std::vector<std::string> loaded;
    std::optional<Vram> vram;
    std::optional<std::vector<ModelCapability>> models; // instead of the description's
    std::vector<std::string> missing;
    std::vector<std::string> warnings;
};

// As parse_description (code bad_probe).
Result<ProbeReport> parse_probe(std::string_view text);

} // namespace reelgate
