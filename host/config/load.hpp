// All that has a say in the configuration, in order: what is built in, the file, conf.d beside it,
// the overlay of changes made through the API, the environment, the command line. The later wins:
// maps are merged, everything else is replaced.
//
// Everything here reads files and may block for a disk; nothing opens a socket or starts a program.
#pragma once

#include "host/config/document.hpp"
#include "host/config/settings.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

// A setting given on the command line.
struct ConfigFlag {
    std::string option; // "--listen"
    std::string key;    // "server.listen"
    std::string text;
};

struct ConfigSources {
    std::optional<std::filesystem::path> file = {}; // none: the text that is built in
    std::optional<std::string> text = {};           // instead of what `file` holds now
    ConfigWorld world = {};
    std::vector<ConfigFlag> flags = {};
};

struct Loaded {
    Settings settings; // lawful only where `findings` has no errors
    Findings findings;
    ConfigNode tree;                // what was written, merged: where each value stands
    std::vector<std::string> files; // that were read, in order
    // The same for the same effective values, on every machine and after every restart. It fits
    // into a JSON number.
    std::uint64_t revision = 0;

    bool ok() const { return !findings.has_errors(); }
};

// The first that is there: `given`, $REELGATE_CONFIG, ./reelgate.yaml,
// $XDG_CONFIG_HOME/reelgate/reelgate.yaml (or ~/.config/...), /etc/reelgate/reelgate.yaml. The
// first two count though they are not there: who names a file wants it.
std::optional<std::filesystem::path> config_file(const std::optional<std::filesystem::path>& given,
                                                 const ConfigWorld& world);

Loaded load_config(const ConfigSources& sources);

// config/reelgate.yaml, as it was when this program was built.
std::string_view built_in_config();

// The variable that overrides a setting: REELGATE_JOBS_MAX_WAIT for "jobs.max_wait", and without
// the section for those of "server": REELGATE_LISTEN. With _FILE behind it, it names a file that
// holds the value. Empty where the setting stands in a list or below a name of the operator's.
std::string override_name(std::string_view key);

// Where the value of `key` stands, for people: "reelgate.yaml:5:3", "REELGATE_LISTEN
// (environment)",
// "--listen", "built in".
std::string origin_of(const Loaded& loaded, std::string_view key);

} // namespace reelgate
