// `reelgate generate`: one film, from the daemon that runs, or from one for the occasion.
#include "host/app/commands/remote.hpp"
#include "host/app/commands/request_options.hpp"

#include "host/api/picture.hpp"
#include "host/app/output.hpp"
#include "host/app/own_daemon.hpp"
#include "host/app/plugins.hpp"
#include "host/app/remote_job.hpp"
#include "host/base/file.hpp"
#include "host/config/load.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

std::string base64(std::string_view bytes)
{
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::string_view three = bytes.substr(i, 3);
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8U | (k < three.size() ? static_cast<unsigned char>(three[k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            text += k > three.size() ? '=' : kDigits[bits >> (18U - 6U * k) & 63U];
    }
    return text;
}

Result<Done> put_pictures(const TryOptions& options, Json& body)
{
    constexpr std::array<const char*, 2> kNames{"input_reference", "end_image"};
    if (options.images.size() > kNames.size())
        return invalid("--image: a start image and an end image, and no more", "too_many_images");
    for (std::size_t i = 0; i < options.images.size(); ++i) {
        RG_TRY(const std::string bytes, read_file(options.images[i], api::kPictureLimit));
        body[kNames[i]] = base64(bytes);
    }
    return Done{};
}

// A parameter of a plugin's own is told by the name of the plugin, and so needs the provider's.
Result<Done> put_params(const TryOptions& options, const DaemonClient& daemon, Json& body)
{
    if (options.params.empty()) return Done{};
    RG_TRY(const std::string params, object_of(options.params, "--param"));
    RG_TRY(const Json health, daemon.ask("GET", "/health"));
    for (const Json& provider : health.value("providers", Json::array()))
        if (options.plugin.empty() || provider.value("id", "") == options.plugin)
            body["params"][provider.value("plugin", "")] = Json::parse(params, nullptr, false);
    return Done{};
}

Result<Json> body_of(const TryOptions& options, const DaemonClient& daemon)
{
    RG_TRY(const Wish wish, wish_from(options)); // what is wrong with it is said before anything
    Json body{
        {"prompt", wish.prompt}
    };
    const auto put = [&body](const char* name, const auto& value) {
        if (value) body[name] = *value;
    };
    if (!wish.negative_prompt.empty()) body["negative_prompt"] = wish.negative_prompt;
    if (!options.plugin.empty()) body["provider"] = options.plugin;
    put("model", options.model);
    put("task", options.task);
    put("size", options.size);
    put("num_frames", options.frames);
    put("seconds", options.seconds);
    put("fps", options.fps);
    put("seed", options.seed);
    put("num_inference_steps", options.steps);
    put("guidance_scale", options.guidance);
    if (options.audio) body["generate_sound"] = true;
    if (options.accept_deviations) body["accept_deviation"] = true;
    RG_CHECK(put_params(options, daemon, body));
    RG_CHECK(put_pictures(options, body));
    return body;
}

Json report_json(const Json& video, const fs::path& output)
{
    std::error_code unknown;
    Json report = Json::object();
    report["id"] = video.value("id", "");
    report["output"] = output.string();
    report["provider"] = video.contains("backend") ? video["backend"] : Json(nullptr);
    for (const char* const name : {"model", "size", "fps", "seed", "warnings"})
        report[name] = video.contains(name) ? video[name] : Json(nullptr);
    report["frames"] = video.value("num_frames", 0U);
    report["bytes"] = fs::file_size(output, unknown);
    return report;
}

void print(const Json& report)
{
    const auto text = [&report](const char* name) {
        const Json& value = report[name];
        return value.is_string() ? value.get<std::string>() : value.dump();
    };
    print_line(text("output") + ": " + text("size") + ", " + text("frames") + " frames at " +
               text("fps") + " fps, " + text("bytes") + " bytes, verified, by " + text("provider") +
               " (seed " + text("seed") + ")");
}

Result<Json> make_film(const DaemonClient& daemon, const TryOptions& options, bool quiet)
{
    RG_TRY(const Json body, body_of(options, daemon));
    RG_TRY(const Json admitted, daemon.ask("POST", "/v1/videos", body));
    const std::string id = admitted.value("id", "");
    RG_TRY(const Json video, follow_job(daemon, id, quiet));
    if (auto why = failure_of(video))
        return std::move(*why).with_hint("see `reelgate jobs show " + id + "`");
    fs::path output = options.output;
    if (output.empty()) output = "reelgate-" + std::to_string(video.value("seed", 0ULL)) + ".mp4";
    RG_CHECK(fetch_film(daemon, id, output));
    return report_json(video, output);
}

int through(const Result<DaemonClient>& daemon, const TryOptions& options, bool quiet)
{
    const Result<Json> report =
        daemon ? make_film(*daemon, options, quiet) : Result<Json>(daemon.error());
    if (!report) return report_error(report.error(), options.format);
    if (options.format == OutputFormat::json)
        print_json(*report);
    else
        print(*report);
    return to_int(ExitCode::ok);
}

// Does the configuration have a provider whose plugin may run here?
bool can_work(const Globals& globals, const Loaded& loaded)
{
    Globals places = globals;
    for (const std::string& dir : loaded.settings.plugins.dirs)
        places.plugin_dirs.emplace_back(dir);
    const auto& providers = loaded.settings.providers;
    return std::any_of(providers.begin(), providers.end(), [&](const ProviderConfig& provider) {
        return provider.enabled && provider.misconfigured.empty() &&
               runnable_plugin(places, provider.plugin).has_value();
    });
}

// Who gives a plugin its configuration means that plugin and no provider.
bool configures_a_plugin(const TryOptions& options)
{
    return !options.settings.empty() || options.config_json || options.in_process;
}

bool has_provider(const DaemonClient& daemon, const std::string& id)
{
    const auto health = daemon.ask("GET", "/health");
    if (!health) return true; // then what the daemon says of it is the answer
    const Json providers = health->value("providers", Json::array());
    return std::any_of(providers.begin(), providers.end(), [&id](const Json& provider) {
        return provider.value("id", "") == id;
    });
}

// A name that is no provider is a plugin's; and where nobody is configured who could work, any
// plugin is better than none.
bool means_a_plugin(const Globals& globals, const TryOptions& options, const Loaded& loaded)
{
    if (!options.plugin.empty()) return loaded.settings.provider(options.plugin) == nullptr;
    return !can_work(globals, loaded);
}

int generate(const Globals& globals, const ConfigPlace& place, const TryOptions& options)
{
    if (configures_a_plugin(options)) return run_try(globals, options);
    const ConfigSources sources = sources_of(place);
    const Loaded loaded = load_config(sources);
    const fs::path data_dir = loaded.settings.server.data_dir;
    const auto running = DaemonClient::find(data_dir, key_from_environment());
    if (running && (options.plugin.empty() || has_provider(*running, options.plugin)))
        return through(running, options, globals.quiet);
    if (!loaded.ok()) return report_findings(loaded);
    if (means_a_plugin(globals, options, loaded)) return run_try(globals, options);
    const auto own = OwnDaemon::start(globals, data_dir, sources.file);
    if (!own) return report_error(own.error(), options.format);
    return through(DaemonClient::find(data_dir, key_from_environment()), options, globals.quiet);
}

} // namespace

void add_generate_command(CLI::App& app, Globals& globals, int& exit_code)
{
    auto options = std::make_shared<TryOptions>();
    const auto place =
        std::make_shared<ConfigPlace>(ConfigPlace{globals, *app.get_option("--data-dir")});
    CLI::App* generate_app = app.add_subcommand(
        "generate", "Make a video: by the daemon that runs, else by one for the occasion");
    generate_app->add_option("PROMPT", options->prompt, "What to make")->required();
    generate_app->add_option(
        "--provider", options->plugin, "A provider; or a plugin by itself, by its id or directory");
    generate_app
        ->add_option("--config", place->file, "The file; otherwise the one `serve` would take")
        ->option_text("FILE");
    add_request_options(*generate_app, *options);
    generate_app->callback([&globals, &exit_code, place, options] {
        exit_code = generate(globals, *place, *options);
    });
}

} // namespace reelgate
