// The table of settings. Each row names a setting, says what it may hold and what a change of it
// takes, and knows its member. Reading, checking, `config show`, the sample file, the JSON schema
// and the reference page are loops over these rows; none of them knows a setting by itself.
#pragma once

#include "host/config/settings.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace reelgate {

// What a setting holds, as people write it.
enum class SettingKind : std::uint8_t {
    boolean,
    integer,
    text,
    word,     // one of `words`
    texts,    // a list; of `words` where there are any
    duration, // 30s
    size,     // 16GiB
    money,    // 2.00
    path,
    address,     // 127.0.0.1:8055
    frame_sizes, // a list of 1280x704
    id,          // a name of the operator's, used elsewhere in the file
    secret,
};
std::string_view to_string(SettingKind kind);

// What it takes until a change holds.
enum class Reload : std::uint8_t { live, provider_restart, daemon_restart };
std::string_view to_string(Reload reload);

using SettingValue = std::variant<std::monostate,
                                  bool,
                                  std::uint64_t,
                                  std::string,
                                  std::chrono::milliseconds,
                                  Money,
                                  std::vector<std::string>,
                                  Secret>;

// Numbers, lengths of lists and texts, milliseconds, bytes, micros: whatever the kind counts.
struct Bounds {
    std::uint64_t min = 0;
    std::uint64_t max = UINT64_MAX;
};

struct SettingInfo {
    std::string_view name; // within its section
    SettingKind kind = SettingKind::text;
    Bounds bounds = {};
    Reload reload = Reload::live;
    bool required = false;
    bool by_api = false; // may be changed while the daemon runs, through the overlay
    std::span<const std::string_view> words = {};
    std::string_view sample = {}; // shown where there is no default
    std::string_view meaning = {};
};

template <class T>
struct SettingRow {
    SettingInfo info;
    void (*put)(T&, SettingValue);
    SettingValue (*get)(const T&);
};

// The words of an enumeration, in the order of its values.
template <class Enum>
struct WordsOf;

template <>
struct WordsOf<ChainPolicy> {
    static constexpr std::array<std::string_view, 4> kList{
        "ordered", "cheapest", "fastest", "weighted"};
};
template <>
struct WordsOf<Egress> {
    static constexpr std::array<std::string_view, 3> kList{"none", "local", "cloud"};
};
template <>
struct WordsOf<Isolation> {
    static constexpr std::array<std::string_view, 2> kList{"process", "in_process"};
};
template <>
struct WordsOf<LogFormat> {
    static constexpr std::array<std::string_view, 2> kList{"text", "json"};
};
template <>
struct WordsOf<Level> {
    static constexpr std::array<std::string_view, 4> kList{"debug", "info", "warn", "error"};
};
template <>
struct WordsOf<PromptsInLog> {
    static constexpr std::array<std::string_view, 3> kList{"hash", "none", "full"};
};

std::span<const SettingRow<Settings>> top_rows();
std::span<const SettingRow<ServerSettings>> server_rows();
std::span<const SettingRow<PluginSettings>> plugin_rows();
std::span<const SettingRow<KeySettings>> key_rows();
std::span<const SettingRow<JobSettings>> job_rows();
std::span<const SettingRow<GpuSettings>> gpu_rows();
std::span<const SettingRow<ProviderConfig>> provider_rows();
std::span<const SettingRow<ModelSettings>> model_rows();
std::span<const SettingRow<Chain>> chain_rows();
std::span<const SettingRow<ChainStep>> step_rows();
std::span<const SettingRow<RouteSettings>> route_rows();
std::span<const SettingRow<HealthLimits>> health_rows();
std::span<const SettingRow<BreakerLimits>> breaker_rows();
std::span<const SettingRow<LogSettings>> log_rows();

// A setting by its full name. `[]` stands for each entry of a list and `*` for each name in a map:
// "auth.keys[].secret", "providers.*.enabled".
struct ListedSetting {
    std::string name;
    SettingInfo info;
    std::string standard; // its value where nothing is written, as people write it; may be empty
};
const std::vector<ListedSetting>& all_settings();

// The row that `key` ("auth.keys[2].secret") belongs to, or nothing: also for what stands inside
// the plugin's part of a provider.
const ListedSetting* setting_of(std::string_view key);

// A value as people write it in the file, secrets redacted: 10m, "text", [a, b].
std::string value_text(const SettingValue& value, SettingKind kind);

} // namespace reelgate
