// plugin.json: what a plugin says about itself before any of its code runs. Reading one opens no
// library and starts nothing. What a manifest may contain is one table in manifest.cpp.
#pragma once

#include "host/base/result.hpp"
#include "host/plugin/plugin_id.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

inline constexpr std::string_view kManifestName = "plugin.json";
inline constexpr std::size_t kManifestLimit = 64 * 1024; // real ones are under 1 KiB
inline constexpr int kManifestSchema = 1;

struct Manifest {
    enum class Runtime : std::uint8_t {
        native, // a library with the entry symbol, loaded by reelgate-worker
        exec,   // a program that speaks the frames itself
    };
    enum class Transport : std::uint8_t { fd, stdio };
    enum class Egress : std::uint8_t { none, local, cloud };

    int schema = kManifestSchema;
    std::string id;
    std::string version;
    std::string name; // the id where the manifest gives none
    std::string license;
    Runtime runtime = Runtime::native;
    std::string entry;                // native: the library, relative to `directory`
    std::vector<std::string> command; // exec: program relative to `directory`, then its arguments
    std::uint32_t abi_major = 0;
    std::uint32_t abi_min_host_minor = 0;
    std::string machine; // empty: any (exec only)
    Transport transport = Transport::fd;
    std::chrono::seconds start_timeout{30};
    Egress egress = Egress::none;
    std::string gpu = "none";
    std::vector<std::string> environment; // variables that are passed on to the plugin
    std::string files;                    // name of the sums file, or empty
    std::filesystem::path directory;
    std::vector<std::string> warnings; // members this host does not know, and the like

    std::filesystem::path file() const { return directory / kManifestName; }
    // The library or the program.
    std::filesystem::path program() const;
};

std::string_view to_string(Manifest::Runtime runtime);
std::string_view to_string(Manifest::Transport transport);
std::string_view to_string(Manifest::Egress egress);

// Pure: touches no file. `directory` is where the manifest lies; it goes into the result and into
// the sentences. Every failure names the file and the member and has a code that starts with
// "manifest_".
Result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& directory);

// Reads `directory`/plugin.json, which must be a plain file of at most kManifestLimit bytes.
Result<Manifest> read_manifest(const std::filesystem::path& directory);

// The directory of a plugin carries its id as name; else code "manifest_id_not_directory".
Result<Done> directory_is_id(const Manifest& manifest);

// Whether this host can run what the manifest declares: machine and ABI. The file itself may still
// say otherwise (elf.hpp). Codes: wrong_machine, abi_too_new, abi_too_old, host_too_old.
Result<Done> fits_this_host(const Manifest& manifest);

// A path that stays inside the directory it is relative to, judged by its text alone.
bool is_inside_path(std::string_view text);

} // namespace reelgate
