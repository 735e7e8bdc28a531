// plugin.json comes from strangers. Whatever it holds, the reader answers with a manifest whose
// paths stay inside, or with an error that has a code.
#include "host/plugin/manifest.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto manifest = reelgate::parse_manifest(text, "/plugins/x");
    if (!manifest) {
        if (manifest.error().code.rfind("manifest_", 0) != 0) std::abort();
        return 0;
    }
    const auto program = manifest->program().string();
    if (program.rfind("/plugins/x/", 0) != 0 || program.find("/../") != std::string::npos)
        std::abort();
    if (!reelgate::is_plugin_id(manifest->id)) std::abort();
    (void)reelgate::fits_this_host(*manifest).has_value();
    return 0;
}
