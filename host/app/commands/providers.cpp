// `reelgate providers try`: one request, one provider, a verified file, without a daemon.
#include "host/app/command.hpp"
#include "host/app/commands/request_options.hpp"
#include "host/app/output.hpp"
#include "host/app/plugins.hpp"
#include "host/app/trial.hpp"
#include "host/plugin/preflight.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;

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

int run_trial_of(const Globals& globals, const TryOptions& options, const Manifest& manifest)
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

} // namespace

int run_try(const Globals& globals, const TryOptions& options)
{
    const auto manifest =
        options.plugin.empty() ? first_usable(globals) : find_manifest(globals, options.plugin);
    return manifest ? run_trial_of(globals, options, *manifest)
                    : report_error(manifest.error(), options.format);
}

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
    attempt->callback([&globals, &exit_code, options] { exit_code = run_try(globals, *options); });
}

} // namespace reelgate
