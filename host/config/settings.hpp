// Everything that can be configured, as one value. A room gets the part that it needs, by value;
// Settings{} is what holds where nothing is written. What each member is called in the file, its
// unit and its bounds stand in the table (table.cpp).
#pragma once

#include "host/base/log.hpp"
#include "host/config/finding.hpp"
#include "host/config/secret.hpp"
#include "host/model/money.hpp"
#include "host/model/provider.hpp"
#include "host/router/chain.hpp"
#include "host/router/health.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reelgate {

// Values that a reference fetched from a variable or a file, each by JSON pointer. Where they are
// used they are values like any other; shown are the references.
using FetchedValues = std::vector<std::pair<std::string, Secret>>;

struct ServerSettings {
    std::string listen = "127.0.0.1:8055";
    std::filesystem::path data_dir = "./reelgate-data";
    bool metrics = true;
    std::vector<std::string> cors_origins = {}; // "*": any
    bool allow_open = false; // listen beyond this machine though no key is asked for
};

struct PluginSettings {
    std::vector<std::string> dirs = {}; // searched before the built-in ones
    std::string trust = "pinned";       // bundled, signed, pinned, any
};

struct KeySettings {
    std::string name;
    Secret secret;
    std::vector<std::string> scopes = {"videos"}; // videos, admin
    std::optional<Money> budget_per_day = {};
    std::size_t max_queued = 100;
    std::vector<std::string> providers = {}; // empty: all
    bool allow_media_egress = false;
};

struct JobSettings {
    JobLimits limits = {};
    std::chrono::seconds attempt_deadline = std::chrono::hours(2);
    std::size_t max_queued = 10'000;
    std::chrono::seconds keep_artifacts = std::chrono::hours(24 * 30);
    std::uint64_t keep_free = 256ULL << 20U; // bytes of the disk; below this nothing is admitted
};

struct GpuSettings {
    std::uint32_t id = 0;
    std::uint64_t vram_budget = 0; // bytes; 0: all that the card has
};

enum class Isolation : std::uint8_t { process, in_process };

// One model of a provider: what the plugin declares, narrowed, and what the host must know of it.
struct ModelSettings {
    std::string id;
    std::filesystem::path path = {};     // empty: the plugin needs none
    std::vector<std::string> tasks = {}; // only these
    std::vector<std::string> sizes = {}; // only these, "1280x704"
    std::optional<std::uint32_t> max_frames = {};
    std::optional<std::chrono::seconds> max_seconds = {};
    std::optional<Money> usd_per_second = {}; // instead of what the plugin states
    std::uint64_t vram_peak = 0;              // bytes; 0: what the plugin states
    std::chrono::seconds keep_loaded{0};
};

// Something that a provider was told to use and that is not there: a key that is not set, a model
// that does not lie where it should. It costs that part, and the provider only if nothing is left.
struct LeftOut {
    std::string key; // "providers.cloud-fallback.vendors[0].api_key"
    std::string why;
    Place place = {};
};

struct ProviderConfig {
    std::string id;
    std::string plugin;
    bool enabled = true;
    std::optional<Egress> egress = {}; // raises what the plugin states
    std::optional<std::uint32_t> gpu = {};
    Isolation isolation = Isolation::process;
    std::optional<std::uint32_t> max_concurrency = {};
    std::vector<ModelSettings> models = {}; // empty: all that the plugin has

    // The plugin's own part, a JSON object in which each secret, and each value that was fetched,
    // is replaced by what it shows; what they are lies beside it, by JSON pointer. The same for the
    // list of models, where an entry has the members that are not the host's.
    std::string config_json = "{}";
    std::string models_json = "[]";
    std::vector<std::pair<std::string, Secret>> secrets = {};
    FetchedValues fetched = {}; // the host's own settings of this provider are among them

    std::vector<LeftOut> left_out = {};
    std::string misconfigured = {}; // why nothing of it can work, else empty
    Place place = {};
};

// What the plugin is given, with the secrets in it: for the plugin and nobody else. `models` is
// there only where the plugin's schema has that member.
std::string config_for_plugin(const ProviderConfig& provider, bool with_models);

struct PoolSettings {
    std::string id;
    std::vector<std::string> members; // providers
};

struct RouteSettings {
    std::string default_chain = {}; // empty: the first
    std::vector<Chain> chains = {}; // empty: all providers, as written
    std::vector<std::pair<std::string, std::string>> aliases = {}; // another name of a chain
};

struct LogSettings {
    LogFormat format = LogFormat::json;
    Level level = Level::info;
    PromptsInLog prompts = PromptsInLog::hash;
};

struct Settings {
    unsigned version = 1;
    std::string video_provider = "auto"; // who goes first; auto: the chain as written
    bool allow_inline_secrets = false;
    ServerSettings server = {};
    PluginSettings plugins = {};
    std::vector<KeySettings> keys = {};
    JobSettings jobs = {};
    std::vector<GpuSettings> gpus = {};
    std::vector<ProviderConfig> providers = {};
    std::vector<PoolSettings> pools = {};
    RouteSettings routes = {};
    HealthLimits health = {};
    BreakerLimits breaker = {};
    LogSettings log = {};
    FetchedValues fetched = {}; // outside of the providers

    const ProviderConfig* provider(std::string_view id) const;
    const PoolSettings* pool(std::string_view id) const;
    const Chain* chain(std::string_view name) const; // by name or alias
};

// All chains as they are followed: `video_provider` stands first in each that has it, and in the
// default chain even if it is not written there. Where no chain is written, one called "default"
// holds every provider in the order of the file.
std::vector<Chain> chains_followed(const Settings& settings);

// The name under which the default chain is among them.
std::string default_chain_of(const Settings& settings);

} // namespace reelgate
