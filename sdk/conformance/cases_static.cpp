// What can be judged without running an instruction of the plugin.
#include "host/plugin/elf.hpp"
#include "host/plugin/preflight.hpp"
#include "host/plugin/trust.hpp"
#include "sdk/conformance/cases.hpp"
#include "sdk/conformance/subject.hpp"

#include <algorithm>

namespace reelgate::conformance {
namespace {

Verdict failed_with(const Error& error) { return failed(error.sentence()); }

constexpr std::string_view kEntry = RG_ENTRY_SYMBOL;
constexpr std::string_view kEntryOfAnyMajor = "reelgate_provider_v";

Result<ElfFacts> library_of(const Subject& s) { return read_elf(s.manifest->program()); }

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

} // namespace

Verdict manifest_readable(Subject& s)
{
    auto manifest =
        read_manifest(std::filesystem::absolute(s.options.plugin_dir).lexically_normal());
    if (!manifest) return failed_with(manifest.error());
    s.manifest = *std::move(manifest);
    return passed();
}

Verdict manifest_named_like_its_directory(Subject& s)
{
    const auto is = directory_is_id(*s.manifest);
    return is ? passed() : failed_with(is.error());
}

Verdict manifest_says_its_license(Subject& s)
{
    if (!s.manifest->license.empty()) return passed();
    return failed("the manifest names no license: add one, such as \"license\": \"MIT\"");
}

Verdict manifest_has_known_members(Subject& s)
{
    if (s.manifest->warnings.empty()) return passed();
    return failed(joined(s.manifest->warnings));
}

Verdict manifest_sums_hold(Subject& s)
{
    const TrustPlaces places{
        .data_dir = s.new_dir("trust"), .trusted_keys = {}, .exe_dir = s.options.programs};
    const auto facts = gather_trust(*s.manifest, Origin::user, places);
    if (!facts) return failed_with(facts.error());
    if (facts->damaged) return failed_with(*facts->damaged);
    if (!facts->has_sums)
        return failed(
            "there is no SHA256SUMS: reelgate_add_plugin writes it, or `sha256sum` by hand");
    return passed();
}

Verdict binary_fits(Subject& s)
{
    const auto fits = preflight(*s.manifest);
    return fits ? passed() : failed_with(fits.error());
}

Verdict binary_exports_one_symbol(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("it is a program, not a library");
    const auto facts = library_of(s);
    if (!facts) return failed_with(facts.error());
    std::vector<std::string> others;
    for (const ElfSymbol& symbol : facts->exports) {
        const bool an_entry = symbol.name.starts_with(kEntryOfAnyMajor);
        // The version node of the linker script stands among the symbols as data.
        const bool version_node = !symbol.is_function && symbol.name.starts_with("REELGATE_");
        if (symbol.is_unique) return failed("exports the process-wide symbol " + symbol.name);
        if (!an_entry && !version_node) others.push_back(symbol.name);
    }
    if (others.empty()) return passed();
    const std::size_t count = others.size();
    others.resize(std::min<std::size_t>(count, 3));
    return failed("besides " + std::string(kEntry) + " it exports " + std::to_string(count) +
                  " symbols (" + joined(others) + "): link it with the version script of the SDK");
}

Verdict binary_looks_nowhere_else(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("it is a program, not a library");
    const auto facts = library_of(s);
    if (!facts) return failed_with(facts.error());
    for (const std::string& path : facts->search_paths)
        if (path != "$ORIGIN" && !path.starts_with("$ORIGIN/"))
            return failed("it looks for libraries in " + path +
                          ": ship them beside it and link with -rpath '$ORIGIN/lib'");
    return passed();
}

} // namespace reelgate::conformance
