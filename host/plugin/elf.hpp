// What an ELF file says about itself, read without loading it: the loader's own words for a library
// of another machine are "no such file", and opening a library runs its code.
#pragma once

#include "host/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

struct ElfSymbol {
    std::string name;
    bool is_function = false;
    bool is_unique = false; // GNU-unique: one for the whole process, so two plugins would share it
};

struct ElfVersionNeed {
    std::string library;
    std::string version; // "GLIBC_2.34"
};

struct ElfFacts {
    enum class Kind : std::uint8_t { shared_object, program, other };

    Kind kind = Kind::other;
    std::uint16_t machine = 0; // e_machine
    int bits = 64;
    bool little_endian = true;
    // What follows is known for 64-bit little-endian files only; no other kind runs here.
    bool has_dynamic = false;
    bool binds_now = false;
    std::string soname;
    std::vector<ElfSymbol> exports; // defined and visible to others
    std::vector<std::string> needed;
    std::vector<std::string> search_paths; // RPATH and RUNPATH, split at ':'
    std::vector<ElfVersionNeed> versions;  // what the libraries it needs must offer

    const ElfSymbol* find_export(std::string_view name) const;
};

// Never reads outside of `bytes`. Codes: plugin_truncated (ends before what its headers announce),
// not_a_plugin (no ELF file, or one that contradicts itself). `file` is for the sentences.
Result<ElfFacts> parse_elf(std::span<const std::byte> bytes, const std::filesystem::path& file);

// The same on a file; only the tables are read, not the code. Also plugin_missing. A file that
// grows or shrinks meanwhile gives an error, not a signal.
Result<ElfFacts> read_elf(const std::filesystem::path& file);

// Can this host load it as a plugin? Codes: not_a_plugin (a program, an object file),
// wrong_machine, entry_missing, abi_too_new, abi_too_old, libc_too_old. Each sentence names both
// sides, and the hint says which to change.
Result<Done> fits_this_host(const ElfFacts& facts, const std::filesystem::path& file);

} // namespace reelgate
