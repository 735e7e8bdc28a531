#include "host/plugin/library.hpp"

#include "host/plugin/refusal.hpp"

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include <mutex>
#include <string>
#include <vector>

namespace reelgate {
namespace {

// Never destroyed, so that no library is closed while the process ends.
void keep_open(boost::dll::shared_library library)
{
    static std::mutex mutex;
    static auto* kept = new std::vector<boost::dll::shared_library>;
    const std::lock_guard lock(mutex);
    kept->push_back(std::move(library));
}

} // namespace

Result<Table> open_library(const std::filesystem::path& file,
                           std::string_view who,
                           OnEscape on_escape,
                           std::uint32_t host_minor)
{
    const std::string name(who);
    try {
        // rtld_now: an undefined symbol is found here and not in the middle of a job. The forms
        // that take an error_code say "bad file descriptor" to everything, so the throwing ones are
        // used.
        boost::dll::shared_library library(
            file, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
        if (!library.has(RG_ENTRY_SYMBOL))
            return refusal(name + " exports no " RG_ENTRY_SYMBOL,
                           "entry_missing",
                           "build it with reelgate_add_plugin of the SDK");
        auto* entry = library.get<const rg_provider*()>(RG_ENTRY_SYMBOL);
        keep_open(std::move(library));
        return Table::adopt(entry(), who, on_escape, host_minor);
    } catch (const std::exception& e) {
        return refusal(name + " cannot be loaded: " + e.what(),
                       "load_failed",
                       "install what is missing, or rebuild the plugin for this system");
    }
}

} // namespace reelgate
