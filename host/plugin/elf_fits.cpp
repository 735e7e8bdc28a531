// The judgement on ElfFacts: one rule a function, asked in the order in which an answer makes
// sense.
#include "host/plugin/elf.hpp"
#include "host/plugin/machine.hpp"

#include <reelgate/abi/types.h>

#include <gnu/libc-version.h>

#include <array>
#include <charconv>
#include <compare>
#include <optional>

namespace reelgate {
namespace {

using std::string;
using std::string_view;

constexpr string_view kEntryStem = "reelgate_provider_v";

Result<Done> is_library(const ElfFacts& facts, const string& file)
{
    if (facts.kind == ElfFacts::Kind::shared_object) return Done{};
    const bool program = facts.kind == ElfFacts::Kind::program;
    return invalid(file + (program ? " is a program, not a shared library"
                                   : " is an object or core file, not a shared library"),
                   "not_a_plugin")
        .with_hint("link it as a shared library, as reelgate_add_plugin does");
}

Result<Done> is_for_this_machine(const ElfFacts& facts, const string& file)
{
    const bool same_form = facts.bits == 64 && facts.little_endian;
    if (facts.machine == kThisMachine.elf && same_form) return Done{};
    const Machine* machine = machine_of_elf(facts.machine);
    string theirs =
        machine != nullptr ? string(machine->spoken) : "machine " + std::to_string(facts.machine);
    if (facts.machine == kThisMachine.elf)
        theirs += facts.bits == 64 ? " in big-endian order" : " with 32-bit pointers";
    return invalid(file + " is for " + theirs + ", this is " + string(kThisMachine.spoken),
                   "wrong_machine")
        .with_hint("install the plugin's build for " + string(kThisMachine.spoken));
}

std::optional<unsigned> major_of(string_view symbol)
{
    if (symbol.substr(0, kEntryStem.size()) != kEntryStem) return std::nullopt;
    symbol.remove_prefix(kEntryStem.size());
    unsigned major = 0;
    const char* end = symbol.data() + symbol.size();
    const auto [stop, failed] = std::from_chars(symbol.data(), end, major);
    return failed == std::errc{} && stop == end ? std::optional(major) : std::nullopt;
}

Result<Done> has_our_entry(const ElfFacts& facts, const string& file)
{
    const string wanted = string(kEntryStem) + std::to_string(RG_ABI_MAJOR);
    const ElfSymbol* entry = facts.find_export(wanted);
    if (entry != nullptr && entry->is_function) return Done{};
    if (entry != nullptr)
        return invalid(file + " exports " + wanted + " as data, this host calls it as a function",
                       "entry_missing")
            .with_hint("export the entry with RG_PLUGIN");

    std::optional<unsigned> other;
    for (const ElfSymbol& symbol : facts.exports)
        if (const auto major = major_of(symbol.name); major && (!other || *major > *other))
            other = major;
    if (!other)
        return invalid(file + " exports no " + wanted + ", the entry of a plugin", "entry_missing")
            .with_hint("export the entry with RG_PLUGIN, and link with reelgate_add_plugin");
    const bool newer = *other > RG_ABI_MAJOR;
    return invalid(file + " exports no " + wanted + "; found " + string(kEntryStem) +
                       std::to_string(*other),
                   newer ? "abi_too_new" : "abi_too_old")
        .with_hint(newer ? "update Reelgate" : "update the plugin");
}

using LibcVersion = std::array<unsigned, 2>;

std::optional<LibcVersion> libc_version(string_view text)
{
    LibcVersion version{};
    const char* end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, version[0]);
    if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, version[1]);
    return minor.ec == std::errc{} ? std::optional(version) : std::nullopt;
}

// The commonest reason why a plugin built elsewhere does not open, in the loader's words a puzzle.
Result<Done> has_its_libc(const ElfFacts& facts, const string& file)
{
    constexpr string_view stem = "GLIBC_";
    const auto ours = libc_version(gnu_get_libc_version());
    for (const ElfVersionNeed& need : facts.versions) {
        const string_view version = need.version;
        if (version.substr(0, stem.size()) != stem) continue;
        const auto theirs = libc_version(version.substr(stem.size()));
        if (!ours || !theirs || *theirs <= *ours) continue;
        return invalid(file + " needs glibc " + need.version.substr(stem.size()) +
                           ", this machine has " + gnu_get_libc_version(),
                       "libc_too_old")
            .with_hint("build the plugin on this system or an older one, or update the system");
    }
    return Done{};
}

} // namespace

Result<Done> fits_this_host(const ElfFacts& facts, const std::filesystem::path& file)
{
    const string name = file.string();
    RG_CHECK(is_library(facts, name));
    RG_CHECK(is_for_this_machine(facts, name));
    if (!facts.has_dynamic)
        return invalid(name + " has no dynamic section, so nothing in it can be found",
                       "not_a_plugin");
    RG_CHECK(has_our_entry(facts, name));
    return has_its_libc(facts, name);
}

} // namespace reelgate
