#include "host/plugin/preflight.hpp"

#include "host/plugin/elf.hpp"

#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// The manifest's path stays inside by its text; a link on the way could still leave.
Result<Done> stays_inside(const Manifest& manifest)
{
    std::error_code failed;
    const fs::path root = fs::canonical(manifest.directory, failed);
    const fs::path file = failed ? fs::path() : fs::canonical(manifest.program(), failed);
    if (failed) return Done{}; // it is not there: whoever opens it says so better
    const auto [in_root, in_file] =
        std::mismatch(root.begin(), root.end(), file.begin(), file.end());
    if (in_root == root.end()) return Done{};
    return invalid(manifest.program().string() + " is a link to " + file.string() +
                       ", outside of the plugin's directory",
                   "plugin_outside")
        .with_hint("put the file itself there");
}

Result<Done> can_be_run(const fs::path& program)
{
    std::error_code failed;
    const fs::file_status status = fs::status(program, failed);
    if (!fs::exists(status))
        return Error{.category = Category::not_found,
                     .text = program.string() + " is not there",
                     .code = "plugin_missing"};
    if (!fs::is_regular_file(status))
        return invalid(program.string() + " is not a plain file", "not_a_plugin");
    if (::access(program.c_str(), X_OK) == 0) return Done{};
    return invalid(program.string() + " may not be executed", "not_executable")
        .with_hint("chmod +x it");
}

} // namespace

Result<Done> preflight(const Manifest& manifest)
{
    RG_CHECK(fits_this_host(manifest));
    RG_CHECK(stays_inside(manifest));
    if (manifest.runtime == Manifest::Runtime::exec) return can_be_run(manifest.program());
    RG_TRY(const ElfFacts facts, read_elf(manifest.program()));
    return fits_this_host(facts, manifest.program());
}

} // namespace reelgate
