// What running jobs say of themselves, for whoever watches. The newest word of each job is kept; a
// listener has a bounded queue and is told when it has lost something. What must not be lost (the
// changes of state) is on disk and is read again by cursor.
#pragma once

#include "host/model/job.hpp"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace reelgate {

// Ordered: a measured value is worth more than an estimated one.
enum class ProgressSource : std::uint8_t { none, estimated, measured };
std::string_view to_string(ProgressSource source);

struct Progress {
    unsigned attempt = 0;
    ProgressSource source = ProgressSource::none;
    double value = 0; // 0..1; never falls within an attempt
    std::string stage = {};
    std::uint32_t step = 0;
    std::uint32_t steps = 0;
    std::optional<double> eta_s = {};
    WallTime at = {};
};

// A picture of the unfinished film, as the provider left it: open it as anything of a stranger's.
struct Preview {
    unsigned attempt = 0;
    std::filesystem::path work_dir = {}; // is gone with the attempt
    std::string path = {};               // below it
    std::uint64_t number = 0;            // grows with each picture of the job
};

// One thing that a listener hears: a change of state (with its cursor on disk) or progress.
struct HubEvent {
    std::uint64_t cursor = 0; // of the last change of state at that moment
    Job job;                  // as it was then
    std::optional<Progress> progress = {};
    std::optional<Preview> preview = {};
};

class ProgressHub {
public:
    static constexpr std::size_t kQueuedPerListener = 256;
    static constexpr std::size_t kListeners = 256;

    class Listener {
    public:
        // The next event, oldest first; nothing if there is none now.
        std::optional<HubEvent> take();
        // How many were dropped since the last call, because nobody took them.
        std::uint64_t lost();
        std::function<void()> on_ready; // something can be taken

    private:
        friend class ProgressHub;
        std::deque<HubEvent> queue_;
        std::uint64_t lost_ = 0;
    };

    // Nothing where kListeners listen already.
    std::shared_ptr<Listener> listen();

    void changed(const Job& job, std::uint64_t cursor);
    // Values that fall, or belong to an earlier attempt, change the stage and not the value.
    void progressed(const Job& job, Progress progress);
    std::optional<Progress> latest(const JobId& job) const;

    void previewed(const Job& job, Preview preview);               // numbers it
    std::optional<Preview> latest_preview(const JobId& job) const; // while it runs

    // The furthest that any attempt has come: what a client is shown never falls.
    double furthest(const JobId& job) const;

private:
    void tell(HubEvent event);

    std::vector<std::weak_ptr<Listener>> listeners_;
    std::unordered_map<JobId, Progress> latest_;
    std::unordered_map<JobId, double> furthest_;
    std::unordered_map<JobId, Preview> previews_;
    std::uint64_t cursor_ = 0;
};

} // namespace reelgate
