// `reelgate plugin new`.
#include "host/app/commands/plugin.hpp"
#include "host/app/new_project.hpp"

#include <cstdio>
#include <memory>

namespace reelgate {
namespace {

// What to type next. Python needs no build, only its files in one directory.
std::string next_steps(const NewProject& project)
{
    const std::string config = project.kind == "remote" ? "--config check.json " : "";
    const std::string build =
        project.lang == "python"
            ? "  python3 -B -m unittest && ./package.py\n"
            : "  cmake -S . -B build && cmake --build build && ctest --test-dir build\n";
    return build + "  reelgate plugin check " + config + "build/plugins/" + project.id + "\n";
}

int write_new(const NewProject& project, bool quiet)
{
    const auto written = write_project(project);
    if (!written) return report_error(written.error());
    std::printf("%s\n", written->c_str());
    if (!quiet)
        std::fprintf(stderr,
                     "A %s plugin in %s. Its README.md says what to change. Next:\n  cd %s\n%s",
                     project.kind.c_str(),
                     project.lang.c_str(),
                     written->c_str(),
                     next_steps(project).c_str());
    return to_int(ExitCode::ok);
}

} // namespace

void add_plugin_new(CLI::App& plugin, Globals& globals, int& exit_code)
{
    CLI::App* command = plugin.add_subcommand("new", "Write a project for a plugin of your own");
    const auto project = std::make_shared<NewProject>(); // lives with the callback
    command->add_option("ID", project->id, "Its id, such as org.example.mine")->required();
    command->add_option("--lang", project->lang, "The language")
        ->check(CLI::IsMember({"cpp", "c", "python"}))
        ->option_text("cpp|c|python");
    command->add_option("--kind", project->kind, "Films made here, or by a service that is paid")
        ->check(CLI::IsMember({"local", "remote"}))
        ->option_text("local|remote");
    command->add_option("--dir", project->directory, "Where to write it; ./ID if not given")
        ->option_text("DIR");
    command->callback(
        [&globals, &exit_code, project] { exit_code = write_new(*project, globals.quiet); });
}

} // namespace reelgate
