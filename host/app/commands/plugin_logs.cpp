// `reelgate plugin logs`: the last lines that a provider's worker wrote, across one rotation.
#include "host/app/commands/plugin.hpp"
#include "host/app/output.hpp"
#include "host/app/provider_place.hpp"
#include "host/base/file.hpp"
#include "host/plugin/manifest.hpp"
#include "host/plugin/worker_output.hpp"

#include <algorithm>
#include <memory>

namespace reelgate {
namespace {

constexpr std::size_t kLongestLog = 16 << 20U; // the supervisor rotates long before

struct Options {
    std::string id;
    std::size_t lines = 100;
    OutputFormat format = OutputFormat::text;
};

std::vector<std::string> lines_of(const std::string& text)
{
    std::vector<std::string> lines;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        lines.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return lines;
}

Result<std::vector<std::string>> last_lines(const std::filesystem::path& directory,
                                            std::size_t most)
{
    std::vector<std::string> all;
    bool any = false;
    for (const std::string_view name : {kOlderLogFile, kLogFile}) {
        const auto text = read_file(directory / name, kLongestLog);
        if (!text && text.error().code == "file_missing") continue;
        if (!text) return text.error();
        any = true;
        const auto lines = lines_of(*text);
        all.insert(all.end(), lines.begin(), lines.end());
    }
    if (!any)
        return Error{.category = Category::not_found,
                     .text = "no worker has written to " + directory.string() + " yet",
                     .code = "no_logs",
                     .hint = "--data-dir says where to look"};
    if (all.size() > most) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(most));
    return all;
}

int logs(const Globals& globals, const Options& options)
{
    if (!is_plugin_id(options.id)) // it becomes part of a path
        return report_error(invalid("\"" + options.id + "\" is not an id", "bad_id"),
                            options.format);
    const auto lines = last_lines(log_dir_of(globals.data_dir, options.id), options.lines);
    if (!lines) return report_error(lines.error(), options.format);
    if (options.format == OutputFormat::json) {
        nlohmann::json whole;
        whole["lines"] = *lines;
        print_json(whole);
    } else {
        for (const std::string& line : *lines)
            print_line(line);
    }
    return to_int(ExitCode::ok);
}

} // namespace

void add_plugin_logs(CLI::App& plugin, Globals& globals, int& exit_code)
{
    CLI::App* command =
        plugin.add_subcommand("logs", "The last lines that a provider's worker wrote");
    const auto options = std::make_shared<Options>();
    command->add_option("id", options->id, "The provider")->required()->option_text("ID");
    command->add_option("-n,--lines", options->lines, "How many lines")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    add_format_option(*command, options->format);
    command->callback([&globals, &exit_code, options] { exit_code = logs(globals, *options); });
}

} // namespace reelgate
