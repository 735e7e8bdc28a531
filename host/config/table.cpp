#include "host/config/table.hpp"

#include "host/config/table_rows.hpp"
#include "host/config/units.hpp"

namespace reelgate {
namespace {

using K = SettingKind;
using table::row;
constexpr auto kProvider = Reload::provider_restart;
constexpr auto kDaemon = Reload::daemon_restart;

constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;
constexpr std::uint64_t kGib = std::uint64_t{1} << 30U;
constexpr std::uint64_t kUsd = 1'000'000;

constexpr std::array<std::string_view, 4> kTrust{"bundled", "signed", "pinned", "any"};
constexpr std::array<std::string_view, 2> kScopes{"videos", "admin"};
constexpr std::array<std::string_view, 2> kOnRejected{"stop", "next"};
constexpr std::array<std::string_view, 3> kLadder{"tiling", "offload", "fewer_frames"};

// clang-format off
constexpr std::array kTop{
    row<&Settings::version>({.name = "version", .kind = K::integer, .bounds = {1, 1}, .reload = kDaemon,
        .meaning = "form of this file"}),
    row<&Settings::video_provider>({.name = "video_provider", .kind = K::id, .by_api = true,
        .meaning = "who goes first: a provider or a pool; auto: the chain as it is written"}),
    row<&Settings::allow_inline_secrets>({.name = "allow_inline_secrets", .kind = K::boolean,
        .meaning = "take secrets that are written in the file itself"}),
};

constexpr std::array kServer{
    row<&ServerSettings::listen>({.name = "listen", .kind = K::address, .reload = kDaemon,
        .meaning = "where the API listens; port 0: any free one"}),
    row<&ServerSettings::data_dir>({.name = "data_dir", .kind = K::path, .reload = kDaemon,
        .meaning = "where jobs, videos, pins and logs are kept"}),
    row<&ServerSettings::metrics>({.name = "metrics", .kind = K::boolean,
        .meaning = "without effect yet: there is no /metrics"}),
    row<&ServerSettings::cors_origins>({.name = "cors_origins", .kind = K::texts, .bounds = {0, 64},
        .sample = "[\"http://localhost:3000\"]",
        .meaning = "pages of these origins may call; \"*\": of any"}),
    row<&ServerSettings::allow_open>({.name = "allow_open", .kind = K::boolean, .reload = kDaemon,
        .meaning = "listen beyond this machine though no key is asked for"}),
};

constexpr std::array kPlugins{
    row<&PluginSettings::dirs>({.name = "dirs", .kind = K::texts, .bounds = {0, 64}, .reload = kDaemon,
        .sample = "[\"./plugins\"]",
        .meaning = "directories of plugins to search before the built-in ones"}),
    row<&PluginSettings::trust>({.name = "trust", .kind = K::word, .reload = kDaemon, .words = kTrust,
        .meaning = "which plugins may run"}),
};

constexpr std::array kKeys{
    row<&KeySettings::name>({.name = "name", .kind = K::id, .required = true, .sample = "studio",
        .meaning = "owns the jobs that come with this key"}),
    row<&KeySettings::secret>({.name = "secret", .kind = K::secret, .required = true,
        .sample = "{ env: REELGATE_STUDIO_KEY }", .meaning = "what the caller sends"}),
    row<&KeySettings::scopes>({.name = "scopes", .kind = K::texts, .bounds = {1, 2}, .words = kScopes,
        .meaning = "what it may do: make and see its own videos; change the daemon"}),
    row<&KeySettings::budget_per_day>({.name = "budget_usd_per_day", .kind = K::money,
        .bounds = {0, 1'000'000 * kUsd}, .sample = "10.00",
        .meaning = "most that its jobs may cost in a day (UTC)"}),
    row<&KeySettings::max_queued>({.name = "max_queued", .kind = K::integer, .bounds = {1, 1'000'000},
        .meaning = "jobs of this key that may wait"}),
    row<&KeySettings::providers>({.name = "providers", .kind = K::texts, .bounds = {0, 256},
        .sample = "[fastvideo-local]", .meaning = "only these; none named: all"}),
    row<&KeySettings::allow_media_egress>({.name = "allow_media_egress", .kind = K::boolean,
        .meaning = "its input pictures, films and sounds may go to a cloud"}),
};

constexpr std::array kJobs{
    row<&JobSettings::limits, &JobLimits::max_submits>({.name = "max_submits", .kind = K::integer,
        .bounds = {1, 100}, .meaning = "submits that one job may use up at all providers together"}),
    row<&JobSettings::limits, &JobLimits::max_paid_resubmits>({.name = "max_paid_resubmits",
        .kind = K::integer, .bounds = {0, 100},
        .meaning = "how many of them may follow one that may have been charged"}),
    row<&JobSettings::limits, &JobLimits::spend_cap>({.name = "spend_cap_usd", .kind = K::money,
        .bounds = {0, 1'000'000 * kUsd}, .sample = "2.00", .meaning = "most that one job may cost"}),
    row<&JobSettings::limits, &JobLimits::max_wait>({.name = "max_wait", .kind = K::duration,
        .bounds = {0, 30 * kDay}, .meaning = "how long a job waits for a provider; 0s: fail at once"}),
    row<&JobSettings::limits, &JobLimits::deadline>({.name = "deadline", .kind = K::duration,
        .bounds = {kSecond, 365 * kDay}, .meaning = "how old a job may become before it is given up"}),
    row<&JobSettings::attempt_deadline>({.name = "attempt_deadline", .kind = K::duration,
        .bounds = {kSecond, 30 * kDay}, .meaning = "longest that one provider may hold one job"}),
    row<&JobSettings::max_queued>({.name = "max_queued", .kind = K::integer, .bounds = {1, 10'000'000},
        .meaning = "jobs that may wait, of all keys together"}),
    row<&JobSettings::keep_artifacts>({.name = "keep_artifacts", .kind = K::duration,
        .bounds = {kMinute, 3650 * kDay}, .meaning = "how long a finished video is kept"}),
    row<&JobSettings::keep_free>({.name = "keep_free", .kind = K::size, .bounds = {0, 1024 * 1024 * kGib},
        .reload = kDaemon, .meaning = "where the disk has less left than this, no job is admitted"}),
};

constexpr std::array kGpus{
    row<&GpuSettings::id>({.name = "id", .kind = K::integer, .bounds = {0, 255},
        .required = true, .sample = "0", .meaning = "number of the card"}),
    row<&GpuSettings::vram_budget>({.name = "vram_budget", .kind = K::size,
        .bounds = {0, 4096 * kGib}, .sample = "22GiB",
        .meaning = "what providers may use of its memory; 0B: all"}),
};

constexpr std::array kProviders{
    row<&ProviderConfig::plugin>({.name = "plugin", .kind = K::text, .bounds = {1, 100},
        .reload = kProvider, .required = true, .sample = "fastvideo-local",
        .meaning = "id of the plugin that does the work"}),
    row<&ProviderConfig::enabled>({.name = "enabled", .kind = K::boolean, .by_api = true,
        .meaning = "takes jobs"}),
    row<&ProviderConfig::egress>({.name = "egress", .kind = K::word, .reload = kProvider, .sample = "cloud",
        .meaning = "how far a request travels; may only be raised above what the plugin says"}),
    row<&ProviderConfig::gpu>({.name = "gpu", .kind = K::integer, .bounds = {0, 255},
        .reload = kProvider, .sample = "0", .meaning = "the card that it works on"}),
    row<&ProviderConfig::isolation>({.name = "isolation", .kind = K::word, .reload = kProvider,
        .meaning = "in a worker of its own, or inside the daemon"}),
    row<&ProviderConfig::max_concurrency>({.name = "max_concurrency", .kind = K::integer,
        .bounds = {1, 1024}, .reload = kProvider, .sample = "1",
        .meaning = "jobs at the same time; no more than the plugin says"}),
};

constexpr std::array kModels{
    row<&ModelSettings::id>({.name = "id", .kind = K::text, .bounds = {1, 200}, .reload = kProvider,
        .required = true, .sample = "nano", .meaning = "as the plugin calls it"}),
    row<&ModelSettings::path>({.name = "path", .kind = K::path, .reload = kProvider,
        .sample = "\"./models/nano\"", .meaning = "where it lies; given to the plugin"}),
    row<&ModelSettings::tasks>({.name = "tasks", .kind = K::texts, .bounds = {1, 32},
        .reload = kProvider, .sample = "[t2v]", .meaning = "only these"}),
    row<&ModelSettings::sizes>({.name = "sizes", .kind = K::frame_sizes, .bounds = {1, 256},
        .reload = kProvider, .sample = "[1280x704]", .meaning = "only these"}),
    row<&ModelSettings::max_frames>({.name = "max_frames", .kind = K::integer,
        .bounds = {1, 1'000'000}, .reload = kProvider, .sample = "121", .meaning = "no more than these"}),
    row<&ModelSettings::max_seconds>({.name = "max_seconds", .kind = K::duration,
        .bounds = {kSecond, kDay}, .reload = kProvider, .sample = "\"10s\"",
        .meaning = "no longer than this"}),
    row<&ModelSettings::usd_per_second>({.name = "usd_per_second", .kind = K::money,
        .bounds = {0, 1000 * kUsd}, .reload = kProvider, .sample = "0.10",
        .meaning = "price of a second of video, instead of what the plugin says"}),
    row<&ModelSettings::vram_peak>({.name = "vram_peak", .kind = K::size, .bounds = {0, 4096 * kGib},
        .reload = kProvider, .sample = "18GiB",
        .meaning = "memory of the card at its peak; 0B: what the plugin says"}),
    row<&ModelSettings::keep_loaded>({.name = "keep_loaded", .kind = K::duration, .bounds = {0, 365 * kDay},
        .reload = kProvider, .sample = "\"15m\"", .meaning = "stays in memory for so long after its last job"}),
};

constexpr std::array kRoutes{
    row<&RouteSettings::default_chain>({.name = "default", .kind = K::id, .sample = "clips",
        .meaning = "the chain of who names none; open: the first"}),
};

constexpr std::array kChains{
    row<&Chain::policy>({.name = "policy", .kind = K::word,
        .meaning = "in which order: as written, by price, by time, or by weight"}),
    row<&Chain::egress>({.name = "egress", .kind = K::word, .sample = "local",
        .meaning = "requests go no further than this"}),
    row<&Chain::allow_media_egress>({.name = "allow_media_egress", .kind = K::boolean,
        .meaning = "input pictures, films and sounds may go to a cloud"}),
    row<&Chain::on_oom>({.name = "on_oom", .kind = K::texts, .bounds = {0, 8}, .words = kLadder,
        .sample = "[tiling, offload]", .meaning = "what may be given up where memory runs out, in order"}),
};

void put_on_rejected(ChainStep& step, SettingValue value)
{
    step.next_on_content_rejected = std::get<std::string>(value) == "next";
}
SettingValue get_on_rejected(const ChainStep& step)
{
    return std::string(step.next_on_content_rejected ? "next" : "stop");
}

constexpr std::array kSteps{
    row<&ChainStep::use>({.name = "use", .kind = K::id, .required = true, .sample = "fastvideo-local",
        .meaning = "a provider or a pool"}),
    row<&ChainStep::model>({.name = "model", .kind = K::text, .bounds = {1, 200}, .sample = "nano",
        .meaning = "one of its models; open: any that fits"}),
    SettingRow<ChainStep>{{.name = "on_content_rejected", .kind = K::word, .words = kOnRejected,
        .meaning = "when it refuses the content: end, or ask the next"}, put_on_rejected, get_on_rejected},
    row<&ChainStep::weight>({.name = "weight", .kind = K::integer, .bounds = {1, 1000},
        .meaning = "its share, where the policy is weighted"}),
};

constexpr std::array kHealth{
    row<&HealthLimits::interval>({.name = "interval", .kind = K::duration, .bounds = {100, kHour},
        .meaning = "pause between two probes"}),
    row<&HealthLimits::hurried>({.name = "hurried", .kind = K::duration, .bounds = {100, kHour},
        .meaning = "the same while a probe disagrees with the state"}),
    row<&HealthLimits::timeout>({.name = "timeout", .kind = K::duration, .bounds = {100, kHour},
        .meaning = "how long a probe may take"}),
    row<&HealthLimits::fall>({.name = "fall", .kind = K::integer, .bounds = {1, 100},
        .meaning = "bad probes in a row that make it unhealthy"}),
    row<&HealthLimits::rise>({.name = "rise", .kind = K::integer, .bounds = {1, 100},
        .meaning = "good probes in a row that make it ready"}),
    row<&HealthLimits::dwell>({.name = "dwell", .kind = K::duration, .bounds = {0, kHour},
        .meaning = "how long probes must have been good without a break; doubles with each fall"}),
    row<&HealthLimits::dwell_most>({.name = "dwell_most", .kind = K::duration, .bounds = {0, kDay},
        .meaning = "and to no more than this"}),
    row<&HealthLimits::stall>({.name = "stall", .kind = K::duration, .bounds = {kSecond, kDay},
        .meaning = "work that has not advanced for so long stands still"}),
};

constexpr std::array kBreaker{
    row<&BreakerLimits::run_failures>({.name = "run_failures", .kind = K::integer, .bounds = {1, 100},
        .meaning = "failed runs in a row that open it"}),
    row<&BreakerLimits::submit_failures>({.name = "submit_failures", .kind = K::integer, .bounds = {1, 100},
        .meaning = "failed submits in a row that open it"}),
    row<&BreakerLimits::crashes>({.name = "crashes", .kind = K::integer, .bounds = {1, 100},
        .meaning = "deaths of a worker, each within ten minutes of the one before, that open it"}),
    row<&BreakerLimits::first_rest>({.name = "first_rest", .kind = K::duration, .bounds = {kSecond, kDay},
        .meaning = "how long it is open; doubles each time"}),
    row<&BreakerLimits::longest_rest>({.name = "longest_rest", .kind = K::duration, .bounds = {kSecond, kDay},
        .meaning = "and to no more than this"}),
};

constexpr std::array kLog{
    row<&LogSettings::format>({.name = "format", .kind = K::word, .reload = kDaemon,
        .meaning = "how log lines look"}),
    row<&LogSettings::level>({.name = "level", .kind = K::word, .reload = kDaemon,
        .meaning = "what is below it is not written"}),
    row<&LogSettings::prompts>({.name = "prompts", .kind = K::word,
        .meaning = "what of a prompt is written: a hash and its length, nothing, or all"}),
};
// clang-format on

} // namespace

std::span<const SettingRow<Settings>> top_rows() { return kTop; }
std::span<const SettingRow<ServerSettings>> server_rows() { return kServer; }
std::span<const SettingRow<PluginSettings>> plugin_rows() { return kPlugins; }
std::span<const SettingRow<KeySettings>> key_rows() { return kKeys; }
std::span<const SettingRow<JobSettings>> job_rows() { return kJobs; }
std::span<const SettingRow<GpuSettings>> gpu_rows() { return kGpus; }
std::span<const SettingRow<ProviderConfig>> provider_rows() { return kProviders; }
std::span<const SettingRow<ModelSettings>> model_rows() { return kModels; }
std::span<const SettingRow<Chain>> chain_rows() { return kChains; }
std::span<const SettingRow<ChainStep>> step_rows() { return kSteps; }
std::span<const SettingRow<RouteSettings>> route_rows() { return kRoutes; }
std::span<const SettingRow<HealthLimits>> health_rows() { return kHealth; }
std::span<const SettingRow<BreakerLimits>> breaker_rows() { return kBreaker; }
std::span<const SettingRow<LogSettings>> log_rows() { return kLog; }

} // namespace reelgate
