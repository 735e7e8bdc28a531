#include "host/app/provider_place.hpp"

#include <system_error>

namespace reelgate {

namespace fs = std::filesystem;

fs::path keep_dir_of(const fs::path& data_dir) { return fs::absolute(data_dir) / "kept"; }

fs::path log_dir_of(const fs::path& data_dir, const std::string& id)
{
    return fs::absolute(data_dir) / "logs" / id;
}

ProviderSettings settings_in_place(const fs::path& data_dir, const std::string& id)
{
    const fs::path data = fs::absolute(data_dir);
    ProviderSettings settings;
    settings.id = id;
    settings.data_dir = data / "providers" / id;
    settings.cache_dir = settings.data_dir / "cache";
    settings.work_root = data / "work" / id;
    settings.log_dir = log_dir_of(data_dir, id);
    for (const fs::path& dir : {settings.cache_dir, settings.work_root, settings.log_dir}) {
        std::error_code ignored; // a plugin that needs them says so in its own words
        fs::create_directories(dir, ignored);
    }
    return settings;
}

} // namespace reelgate
