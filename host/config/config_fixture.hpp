// For tests of this room: a directory with configuration files, a home and an environment of its
// own, so that nothing of the machine has a say.
#pragma once

#include "host/config/load.hpp"

#include "tests/fakes/scratch_dir.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace reelgate {

class ConfigUnderTest {
public:
    ConfigUnderTest()
    {
        sources_.world.environment["HOME"] = (dir_ / "home").string();
        sources_.world.directory = dir_.path();
    }

    const std::filesystem::path& path() const { return dir_.path(); }
    ConfigSources& sources() { return sources_; }
    ConfigWorld& world() { return sources_.world; }
    void set(const std::string& variable, std::string value)
    {
        sources_.world.environment[variable] = std::move(value);
    }
    void flag(std::string option, std::string key, std::string text)
    {
        sources_.flags.push_back({std::move(option), std::move(key), std::move(text)});
    }

    std::filesystem::path write(const std::string& name, std::string_view text)
    {
        std::filesystem::path file = dir_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream out(file, std::ios::binary | std::ios::trunc);
        out << text;
        if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
        return file;
    }

    // As the main file; what is in it is loaded from now on.
    void file(std::string_view text) { sources_.file = write("reelgate.yaml", text); }

    Loaded load() const { return load_config(sources_); }
    Loaded load(std::string_view text)
    {
        file(text);
        return load();
    }

private:
    ScratchDir dir_;
    ConfigSources sources_;
};

// All findings as text, a line each: what a failed expectation prints.
inline std::string findings_text(const Findings& findings)
{
    std::string text;
    for (const Finding& finding : findings.all())
        text += to_string(finding) + "\n";
    return text;
}

inline const Finding* finding_of(const Findings& findings, std::string_view code)
{
    const auto all = findings.all();
    const auto found =
        std::find_if(all.begin(), all.end(), [code](const Finding& f) { return f.code == code; });
    return found == all.end() ? nullptr : &*found;
}

// Two providers, a chain: what most rows start from.
inline constexpr std::string_view kSmall = "version: 1\n"
                                           "providers:\n"
                                           "  near: { plugin: one }\n"
                                           "  far: { plugin: two, egress: cloud }\n"
                                           "routes:\n"
                                           "  chains:\n"
                                           "    clips: { steps: [{ use: near }, { use: far }] }\n";

} // namespace reelgate
