#include "host/app/command.hpp"

#include <nlohmann/json.hpp>

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
        const nlohmann::json body{
            {"category", to_string(error.category)},
            {"code",     error.code               },
            {"text",     error.text               },
            {"hint",     error.hint               }
        };
        const nlohmann::json whole{
            {"error", body}
        };
        const auto lossy = nlohmann::json::error_handler_t::replace;
        std::printf("%s\n", whole.dump(2, ' ', false, lossy).c_str());
    }
    std::fprintf(stderr, "reelgate: %s\n", printable(error.sentence()).c_str());
    return to_int(exit_code_of(error));
}

int report(const Result<Done>& result, OutputFormat format)
{
    return result ? to_int(ExitCode::ok) : report_error(result.error(), format);
}

std::string printable(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // U+0080 to U+009F are control sequences to some terminals, as are the C0 codes to all.
        const bool c1 = byte == 0xC2 && i + 1 < text.size() &&
                        static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                        static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (c1) ++i;
        out += c1 || byte < 0x20 || byte == 0x7F ? '?' : text[i];
    }
    return out;
}

} // namespace reelgate
