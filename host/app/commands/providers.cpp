// `reelgate providers try` and `reelgate generate`: one request, one provider, a verified file,
// without a daemon.
#include "host/app/command.hpp"
#include "host/app/output.hpp"
#include "host/app/plugins.hpp"
#include "host/app/trial.hpp"
#include "host/plugin/preflight.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

namespace reelgate {
namespace {

using Json = nlohmann::json;

// What the command line said, before it is a request.
struct TryOptions {
    std::string plugin;
    std::string prompt;
    std::string negative_prompt;
    std::vector<std::string> settings;
    std::optional<std::string> config_json;
    std::vector<std::string> params;
    std::optional<std::string> model;
    std::optional<std::string> task;
    std::optional<std::string> size;
    std::optional<std::uint32_t> frames;
    std::optional<double> seconds;
    std::optional<double> fps;
    std::optional<std::uint64_t> seed;
    std::optional<std::uint32_t> steps;
    std::optional<double> guidance;
    std::vector<std::filesystem::path> images;
    std::filesystem::path output;
    unsigned patience_s = 60;
    bool audio = false;
    bool in_process = false;
    bool accept_deviations = false;
    OutputFormat format = OutputFormat::text;
};

// name=value; the value is JSON where it is JSON and text where it is not, and a dot in the name
// leads into an object: limits.seconds=3.
Result<std::string> object_of(const std::vector<std::string>& pairs, std::string_view option)
{
    Json object = Json::object();
    for (const std::string& pair : pairs) {
        const std::size_t equals = pair.find('=');
        if (equals == 0 || equals == std::string::npos)
            return invalid(std::string(option) + " '" + pair + "': write NAME=VALUE", "bad_option");
        Json value = Json::parse(pair.substr(equals + 1), nullptr, false);
        if (value.is_discarded()) value = pair.substr(equals + 1);
        std::string path = '/' + pair.substr(0, equals);
        std::replace(path.begin(), path.end(), '.', '/');
        try {
            object[Json::json_pointer(path)] = std::move(value);
        } catch (const Json::exception& e) {
            return invalid(std::string(option) + " '" + pair + "': " + e.what(), "bad_option");
        }
    }
    return object.dump();
}

Result<Wish> wish_from(const TryOptions& options)
{
    Wish wish;
    wish.model = options.model;
    wish.task = options.task;
    wish.prompt = options.prompt;
    wish.negative_prompt = options.negative_prompt;
    if (options.size) {
        wish.size = frame_size_from(*options.size);
        if (!wish.size)
            return invalid("--size '" + *options.size + "': write WIDTHxHEIGHT", "bad_size");
    }
    wish.frames = options.frames;
    wish.seconds = options.seconds;
    wish.fps = options.fps;
    wish.seed = options.seed;
    wish.steps = options.steps;
    wish.guidance = options.guidance;
    wish.audio = options.audio;
    RG_TRY(wish.params_json, object_of(options.params, "--param"));
    return wish;
}

// Who names a directory means that plugin; who names an id gets one that the policy allows.
Result<Manifest> find_manifest(const Globals& globals, const std::string& plugin)
{
    const bool is_path = plugin.find('/') != std::string::npos;
    RG_TRY(PluginEntry entry,
           is_path ? named_plugin(globals, plugin) : runnable_plugin(globals, plugin));
    if (is_path) RG_CHECK(preflight(entry.manifest));
    return std::move(entry.manifest);
}

Json to_json(const TrialReport& report)
{
    return Json{
        {"output",      report.output.string()   },
        {"container",   report.facts.container   },
        {"video_codec", report.facts.video_codec },
        {"width",       report.facts.width       },
        {"height",      report.facts.height      },
        {"frames",      report.facts.frames      },
        {"fps",         report.facts.fps         },
        {"seconds",     report.facts.seconds     },
        {"bytes",       report.facts.bytes       },
        {"seed",        report.request.seed      },
        {"model",       report.request.model     },
        {"warnings",    report.warnings          },
        {"start_ms",    report.start_took.count()},
        {"run_ms",      report.run_took.count()  }
    };
}

void print(const TrialReport& report, OutputFormat format)
{
    if (format == OutputFormat::json) {
        print_json(to_json(report));
        return;
    }
    const MediaFacts& facts = report.facts;
    std::printf("%s: %ux%u, %llu frames at %g fps, %s in %s, %llu bytes, verified (seed %llu)\n",
                report.output.c_str(),
                facts.width,
                facts.height,
                static_cast<unsigned long long>(facts.frames),
                facts.fps,
                facts.video_codec.c_str(),
                facts.container.c_str(),
                static_cast<unsigned long long>(facts.bytes),
                static_cast<unsigned long long>(report.request.seed));
}

int run_try(const Globals& globals, const TryOptions& options, const Manifest& manifest)
{
    const auto order = [&]() -> Result<TrialOrder> {
        TrialOrder trial{.manifest = manifest,
                         .images = options.images,
                         .output = options.output,
                         .in_process = options.in_process,
                         .accept_deviations = options.accept_deviations,
                         .patience = std::chrono::seconds(options.patience_s)};
        RG_TRY(trial.wish, wish_from(options));
        RG_TRY(trial.config_json, object_of(options.settings, "--set"));
        if (options.config_json) trial.config_json = *options.config_json;
        return trial;
    }();
    if (!order) return report_error(order.error(), options.format);
    const auto report = run_trial(globals, *order);
    if (!report) return report_error(report.error(), options.format);
    print(*report, options.format);
    return to_int(ExitCode::ok);
}

void add_request_options(CLI::App& command, TryOptions& o)
{
    command.add_option("--negative-prompt", o.negative_prompt, "What must not be seen");
    command.add_option("--set", o.settings, "A setting of the plugin, NAME=VALUE; may be repeated")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_option("--config-json", o.config_json, "The plugin's whole configuration as JSON")
        ->excludes("--set");
    command
        .add_option(
            "--param", o.params, "A request parameter of its own, NAME=VALUE; may be repeated")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_option("--model", o.model, "A model of the plugin; the first that fits otherwise");
    command.add_option("--task", o.task, "t2v, i2v, flf2v, ...; by the inputs otherwise");
    command.add_option("--size", o.size, "WIDTHxHEIGHT");
    command.add_option("--frames", o.frames, "Number of frames");
    command.add_option("--seconds", o.seconds, "Length, instead of a number of frames");
    command.add_option("--fps", o.fps, "Frames a second");
    command.add_option("--seed", o.seed, "Seed; a random one otherwise");
    command.add_option("--steps", o.steps, "Sampling steps");
    command.add_option("--guidance", o.guidance, "Guidance scale");
    command.add_option("--image", o.images, "Start image, then end image")
        ->expected(1)
        ->check(CLI::ExistingFile)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_flag("--audio", o.audio, "Ask for sound, too");
    command.add_option("-o,--output", o.output, "Where the file goes; reelgate-SEED otherwise");
    command.add_option("--patience", o.patience_s, "Seconds to wait until the plugin is ready")
        ->capture_default_str();
    command.add_flag(
        "--in-process", o.in_process, "Load the plugin into this process (no protection)");
    command.add_flag(
        "--accept-deviations", o.accept_deviations, "Keep a file that is not what was asked for");
    add_format_option(command, o.format);
}

// The first plugin found that may run here.
Result<Manifest> first_usable(const Globals& globals)
{
    for (const PluginEntry& entry : found_plugins(globals)) {
        if (entry.broken || entry.shadowed_by) continue;
        if (auto usable = runnable_plugin(globals, entry.manifest.id)) return usable->manifest;
    }
    return Error{.category = Category::worker_unavailable,
                 .text = "no usable plugin was found",
                 .code = "no_plugin",
                 .hint = "see `reelgate plugin list`"};
}

} // namespace

void add_providers_commands(CLI::App& app, Globals& globals, int& exit_code)
{
    auto options = std::make_shared<TryOptions>();
    CLI::App* providers =
        app.add_subcommand("providers", "Providers: plugins with a configuration");
    providers->require_subcommand(1);
    CLI::App* attempt = providers->add_subcommand(
        "try", "Run one request on a plugin, without a daemon, and verify the file");
    attempt->add_option("PLUGIN", options->plugin, "Id of a plugin, or the path of its directory")
        ->required();
    attempt->add_option("--prompt", options->prompt, "What to make")->required();
    add_request_options(*attempt, *options);
    attempt->callback([&globals, &exit_code, options] {
        const auto manifest = find_manifest(globals, options->plugin);
        exit_code = manifest ? run_try(globals, *options, *manifest)
                             : report_error(manifest.error(), options->format);
    });

    auto wanted = std::make_shared<TryOptions>();
    CLI::App* generate = app.add_subcommand("generate", "Make a video");
    generate->add_option("PROMPT", wanted->prompt, "What to make")->required();
    generate->add_option(
        "--provider", wanted->plugin, "A plugin's id or directory; the first usable otherwise");
    add_request_options(*generate, *wanted);
    generate->callback([&globals, &exit_code, wanted] {
        const auto manifest =
            wanted->plugin.empty() ? first_usable(globals) : find_manifest(globals, wanted->plugin);
        exit_code = manifest ? run_try(globals, *wanted, *manifest)
                             : report_error(manifest.error(), wanted->format);
    });
}

} // namespace reelgate
