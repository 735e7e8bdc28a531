// `reelgate plugin check DIR`.
#include "host/app/commands/plugin.hpp"
#include "host/app/output.hpp"
#include "host/base/file.hpp"
#include "sdk/conformance/report.hpp"
#include "sdk/conformance/suite.hpp"

#include <cstdio>
#include <map>
#include <memory>
#include <optional>

namespace reelgate {
namespace {

enum class CheckFormat : std::uint8_t { text, json, junit };

constexpr std::size_t kConfigLimit = 1U << 20U;

struct CheckOptions {
    conformance::Options suite;
    std::optional<std::filesystem::path> config_file;
    CheckFormat format = CheckFormat::text;
    bool list = false;
};

int list_cases()
{
    std::vector<std::vector<std::string>> rows{
        {"CASE", "WHAT MUST HOLD"}
    };
    for (const conformance::Case& row : conformance::all_cases())
        rows.push_back({std::string(row.id), std::string(row.what)});
    print_table(rows);
    return to_int(ExitCode::ok);
}

int check(const Globals& globals, CheckOptions options)
{
    if (options.list) return list_cases();
    options.suite.programs = globals.exe_dir;
    if (options.config_file) {
        auto text = read_file(*options.config_file, kConfigLimit);
        if (!text) return report_error(text.error());
        options.suite.config_json = *std::move(text);
    }
    const bool people = options.format == CheckFormat::text;
    const auto heard = [&](const conformance::CaseResult& result) {
        const bool worth_a_line =
            result.verdict.outcome == conformance::Outcome::failed || !globals.quiet;
        if (people && worth_a_line) print_line(conformance::line_for(result));
    };
    const conformance::Report report = conformance::check(options.suite, heard);
    if (options.format == CheckFormat::json) std::printf("%s\n", to_json(report).c_str());
    if (options.format == CheckFormat::junit) std::printf("%s", to_junit(report).c_str());
    if (people) print_line(summary_of(report));
    return to_int(report.ok() && !report.results.empty() ? ExitCode::ok : ExitCode::failed);
}

} // namespace

void add_plugin_check(CLI::App& plugin, Globals& globals, int& exit_code)
{
    auto options = std::make_shared<CheckOptions>();
    CLI::App* command =
        plugin.add_subcommand("check", "Hold a plugin to its contract, without a daemon");
    auto* list = command->add_flag("--list", options->list, "Only list the cases");
    auto* dir = command->add_option("DIR", options->suite.plugin_dir, "The plugin's directory");
    dir->check(CLI::ExistingDirectory);
    command
        ->add_option("--only", options->suite.only, "A case or a group of cases; may be repeated")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_option("--seed", options->suite.seed, "For the random requests")
        ->capture_default_str();
    command
        ->add_option(
            "--config", options->config_file, "A JSON file with the plugin's configuration")
        ->check(CLI::ExistingFile);
    command->add_flag(
        "--online", options->suite.online, "Also run a plugin that may use the network");
    const std::map<std::string, CheckFormat> formats{
        {"text",  CheckFormat::text },
        {"json",  CheckFormat::json },
        {"junit", CheckFormat::junit}
    };
    command->add_option("--format", options->format, "How to print")
        ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case))
        ->option_text("text|json|junit");
    command->callback([&globals, &exit_code, options, list, dir] {
        if (list->count() == 0 && dir->count() == 0)
            throw CLI::RequiredError("DIR"); // CLI11's own way to report a usage error
        exit_code = check(globals, *options);
    });
}

} // namespace reelgate
