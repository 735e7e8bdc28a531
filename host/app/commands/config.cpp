// `reelgate config`: what is configured, what could be, and a file to start from. What is here
// opens no socket and starts no plugin; what talks to a daemon is in config_live.cpp.
#include "host/app/commands/config.hpp"

#include "host/app/commands/remote.hpp"
#include "host/app/output.hpp"
#include "host/base/file.hpp"
#include "host/config/example.hpp"
#include "host/config/excerpt.hpp"
#include "host/config/schema.hpp"
#include "host/config/show.hpp"

#include <cstdio>
#include <memory>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

int show(const ConfigSources& sources, bool origins, OutputFormat format)
{
    const Loaded loaded = load_config(sources);
    if (!loaded.ok()) return report_findings(loaded);
    if (format == OutputFormat::json) {
        print_json(effective_json(loaded));
        return to_int(ExitCode::ok);
    }
    print_text(yaml_text(shown(loaded.settings), origins ? &loaded : nullptr));
    return to_int(ExitCode::ok);
}

int init(const fs::path& file, bool force)
{
    std::error_code unknown;
    if (!force && fs::exists(fs::symlink_status(file, unknown)))
        return report_error(invalid(file.string() + " is there already", "file_exists")
                                .with_hint("give another name, or --force to replace it"));
    const int status = report(replace_file(fs::absolute(file), example_config(), 0644));
    if (status == to_int(ExitCode::ok)) print_line("wrote " + file.string());
    return status;
}

void add_show(CLI::App& config, const SharedPlace& place, int& exit_code)
{
    struct Flags {
        bool origins = false;
        OutputFormat format = OutputFormat::text;
    };
    const auto flags = std::make_shared<Flags>();
    CLI::App* command = config.add_subcommand("show", "What holds: all settings with their values");
    command->add_flag("--origins", flags->origins, "Say where each value stands");
    add_format_option(*command, flags->format);
    command->callback([place, &exit_code, flags] {
        exit_code = show(sources_of(*place), flags->origins, flags->format);
    });
}

void add_texts(CLI::App& config, int& exit_code)
{
    config.add_subcommand("schema", "The JSON Schema of the file, for editors")
        ->callback([&exit_code] {
            print_text(config_schema().dump(2));
            exit_code = to_int(ExitCode::ok);
        });
    config.add_subcommand("example", "A file with every setting, explained")
        ->callback([&exit_code] {
            print_text(example_config());
            exit_code = to_int(ExitCode::ok);
        });
    config.add_subcommand("reference", "The table of settings, as Markdown")
        ->callback([&exit_code] {
            print_text(settings_reference());
            exit_code = to_int(ExitCode::ok);
        });
}

void add_init(CLI::App& config, int& exit_code)
{
    struct Flags {
        fs::path file = "reelgate.yaml";
        bool force = false;
    };
    const auto flags = std::make_shared<Flags>();
    CLI::App* command = config.add_subcommand("init", "Write a file with every setting, explained");
    command->add_option("FILE", flags->file, "Where")->capture_default_str();
    command->add_flag("--force", flags->force, "Replace what is there");
    command->callback([&exit_code, flags] { exit_code = init(flags->file, flags->force); });
}

} // namespace

ConfigSources sources_of(const ConfigPlace& place)
{
    ConfigSources sources;
    sources.world = process_world();
    sources.file = config_file(place.file, sources.world);
    const std::string data_dir = place.globals.data_dir.string();
    // What the option took from the environment stands there for the configuration too.
    const bool from_environment = sources.world.variable("REELGATE_DATA_DIR") == data_dir;
    if (!place.data_dir.empty() && !from_environment)
        sources.flags.push_back({"--data-dir", "server.data_dir", data_dir});
    return sources;
}

void print_text(std::string_view text)
{
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        print_line(text.substr(0, end));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

int report_findings(const Loaded& loaded)
{
    for (const Finding& finding : loaded.findings.all())
        std::fprintf(stderr, "%s\n", printable(to_string(finding)).c_str());
    return to_int(ExitCode::failed);
}

void add_config_commands(CLI::App& app, Globals& globals, int& exit_code)
{
    CLI::App* config = app.add_subcommand("config", "Check, show and write the configuration");
    config->require_subcommand(1);
    const auto place =
        std::make_shared<ConfigPlace>(ConfigPlace{globals, *app.get_option("--data-dir")});
    config->add_option("--config", place->file, "The file; otherwise the one `serve` would take")
        ->option_text("FILE");
    add_config_check(*config, place, exit_code);
    add_show(*config, place, exit_code);
    add_config_diff(*config, place, exit_code);
    add_config_live(*config, place, exit_code);
    add_texts(*config, exit_code);
    add_init(*config, exit_code);
}

} // namespace reelgate
