#include "host/config/change.hpp"

#include "host/base/file.hpp"

#include <utility>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

ReloadAnswer judged(Loaded next, const Settings* running)
{
    if (running != nullptr) return plan_reload(*running, std::move(next));
    return {std::move(next), {}};
}

// The new values win over everything: so a wrong one is met though the environment hides it.
Loaded with_changes(ConfigSources sources, const std::vector<OverlayChange>& changes)
{
    for (const OverlayChange& change : changes)
        if (change.value) sources.flags.push_back({"the change", change.key, *change.value});
    return load_config(sources);
}

// Puts back what stood in the overlay unless it is told that the new text holds.
class Restored {
public:
    explicit Restored(fs::path file) : file_(std::move(file))
    {
        std::error_code unknown;
        if (!fs::exists(file_, unknown)) return;
        auto text = read_file(file_, kMostBytes);
        if (text) before_ = *std::move(text);
    }
    ~Restored()
    {
        if (keeps_) return;
        std::error_code ignored;
        if (before_) [[maybe_unused]]
            const auto written = replace_file(file_, *before_);
        else
            fs::remove(file_, ignored);
    }
    Restored(const Restored&) = delete;
    Restored& operator=(const Restored&) = delete;

    void keep() { keeps_ = true; }

private:
    fs::path file_;
    std::optional<std::string> before_;
    bool keeps_ = false;
};

} // namespace

Result<ReloadAnswer> change_overlay(const ConfigSources& sources,
                                    const std::vector<OverlayChange>& changes,
                                    const Settings* running)
{
    for (const OverlayChange& change : changes)
        if (!may_change(change.key))
            return invalid(change.key + " cannot be changed while the daemon runs",
                           "not_changeable");
    Loaded wanted = with_changes(sources, changes);
    if (!wanted.ok()) return judged(std::move(wanted), running);
    const fs::path data_dir = wanted.settings.server.data_dir;
    Restored overlay(overlay_file(data_dir));
    RG_CHECK(write_overlay(data_dir, changes));
    ReloadAnswer answer = judged(load_config(sources), running);
    if (answer.accepted()) overlay.keep();
    return answer;
}

} // namespace reelgate
