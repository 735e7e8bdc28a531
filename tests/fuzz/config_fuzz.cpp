// The configuration document. Whatever the text is, reading it ends with findings that name a code
// and a place inside the text; what is accepted and shown again reads as the same settings.
#include "host/config/excerpt.hpp"
#include "host/config/load.hpp"
#include "host/config/show.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace reelgate;

[[noreturn]] void fail(const std::string& what)
{
    std::fprintf(stderr, "%s\n", what.c_str());
    std::abort();
}

Loaded load(std::string text)
{
    ConfigSources sources;
    sources.text = std::move(text);
    sources.world.directory = "/nowhere";
    sources.world.environment = {
        {"HOME", "/nowhere/home"},
        {"KEY",  "secret"       }
    };
    return load_config(sources);
}

void check_findings(const Loaded& loaded, const std::string& text)
{
    const auto lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const Finding& finding : loaded.findings.all()) {
        if (finding.code.empty() || finding.message.empty()) fail("a finding without words");
        // A file that ends early is complained of behind its end.
        if (finding.place.source == "text" && finding.place.line > lines + 1)
            fail("outside of the text: " + to_string(finding));
        (void)for_people(finding,
                         [&text](const std::string&) { return std::optional<std::string>(text); });
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string text(reinterpret_cast<const char*>(data), size);
    const Loaded loaded = load(text);
    check_findings(loaded, text);
    if (!loaded.ok()) return 0;
    const std::string again = yaml_text(shown(loaded.settings), nullptr);
    // What was written in the file itself is not shown, and so cannot be read back.
    if (loaded.settings.allow_inline_secrets) return 0;
    const Loaded second = load(again);
    if (!second.ok()) fail(to_string(second.findings.all().front()) + "\n" + again);
    const auto changes = diff(loaded.settings, second.settings);
    if (!changes.empty())
        fail(changes[0].key + ": " + changes[0].before + " -> " + changes[0].after);
    return 0;
}
