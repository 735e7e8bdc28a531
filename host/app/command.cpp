#include "host/app/command.hpp"

#include "host/app/output.hpp"

#include <cstdio>
#include <map>

namespace reelgate {

ExitCode exit_code_of(const Error& error)
{
    switch (error.category) {
    case Category::internal:
    case Category::storage_full:
        return ExitCode::internal;
    case Category::auth_failed:
    case Category::worker_unavailable:
    case Category::provider_overloaded:
    case Category::rate_limited:
    case Category::insufficient_vram:
        return ExitCode::refused;
    case Category::cancelled:
        return ExitCode::interrupted;
    default:
        return ExitCode::failed;
    }
}

void add_format_option(CLI::App& app, OutputFormat& format)
{
    const std::map<std::string, OutputFormat> names{
        {"text", OutputFormat::text},
        {"json", OutputFormat::json}
    };
    app.add_option("--format", format, "How to print: text for people, json for programs")
        ->transform(CLI::CheckedTransformer(names, CLI::ignore_case))
        ->option_text("text|json");
}

int report_error(const Error& error, OutputFormat format)
{
    if (format == OutputFormat::json) {
        const nlohmann::json whole{
            {"error", error_json(error)}
        };
        print_json(whole);
    }
    std::fprintf(stderr, "reelgate: %s\n", printable(error.sentence()).c_str());
    return to_int(exit_code_of(error));
}

int report(const Result<Done>& result, OutputFormat format)
{
    return result ? to_int(ExitCode::ok) : report_error(result.error(), format);
}

} // namespace reelgate
