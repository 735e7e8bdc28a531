// `reelgate`: reads the command line and calls the subcommand. Each subcommand lives in commands/.
#include "host/app/command.hpp"

#include <cstdio>
#include <exception>
#include <map>

namespace {

using namespace reelgate;

std::filesystem::path directory_of_this_program()
{
    std::error_code unknown;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", unknown);
    return unknown ? std::filesystem::path(".") : self.parent_path();
}

std::string exit_code_table()
{
    std::string text = "Exit status:\n";
    for (const ExitCodeRow& row : kExitCodes) {
        const std::string number = std::to_string(to_int(row.code));
        text += "  " + number + std::string(5 - number.size(), ' ') + std::string(row.meaning);
        text += '\n';
    }
    return text;
}

void add_global_options(CLI::App& app, Globals& globals)
{
    app.add_option("--data-dir", globals.data_dir, "Where jobs, pins, logs and caches are kept")
        ->envname("REELGATE_DATA_DIR")
        ->capture_default_str();
    app.add_option("--plugins-dir",
                   globals.plugin_dirs,
                   "A directory of plugins to search before the built-in ones; may be repeated")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->option_text("DIR");
    const std::map<std::string, LogFormat> formats{
        {"text", LogFormat::text},
        {"json", LogFormat::json}
    };
    app.add_option("--log-format", globals.log_format, "How log lines on stderr look")
        ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case))
        ->option_text("text|json");
    const auto set_trust = [&globals](const std::string& name) {
        if (const auto policy = trust_policy_from(name)) globals.trust = *policy;
    };
    app.add_option_function<std::string>(
           "--trust", set_trust, "Which plugins may run (default: pinned)")
        ->check(CLI::IsMember({"bundled", "signed", "pinned", "any"}))
        ->option_text("bundled|signed|pinned|any");
    app.add_option("--trusted-keys", globals.trusted_keys, "Public keys of those who sign plugins")
        ->option_text("DIR");
    app.add_flag("-q,--quiet", globals.quiet, "No notes on stderr, only results and errors");
}

int run(int argc, char** argv)
{
    Globals globals;
    globals.exe_dir = directory_of_this_program();
    globals.trusted_keys = globals.exe_dir / ".." / "etc" / "reelgate" / "trusted_keys";
    int exit_code = to_int(ExitCode::ok);

    CLI::App app("Reelgate carries video-generation requests to a finished, verified video.",
                 "reelgate");
    app.set_version_flag("--version", "reelgate " REELGATE_VERSION);
    app.require_subcommand(1);
    app.fallthrough(); // global options may stand after the subcommand too
    app.footer(exit_code_table());
    add_global_options(app, globals);

    add_config_commands(app, globals, exit_code);
    add_generate_command(app, globals, exit_code);
    add_jobs_commands(app, globals, exit_code);
    add_plugin_commands(app, globals, exit_code);
    add_providers_commands(app, globals, exit_code);
    add_serve_command(app, globals, exit_code);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // CLI11 numbers its errors for itself; ours is one number for all of them.
        return app.exit(error) == 0 ? to_int(ExitCode::ok) : to_int(ExitCode::usage);
    }
    // A result that did not reach its reader, as on a full disk, is no result.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        std::fprintf(stderr, "reelgate: the output could not be written\n");
        return to_int(ExitCode::internal);
    }
    return exit_code;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(argc, argv);
    } catch (const std::exception& bug) {
        std::fprintf(stderr, "reelgate: internal fault: %s\n", bug.what());
        return to_int(ExitCode::internal);
    }
}
