#include "host/engine/progress_hub.hpp"

#include <algorithm>

namespace reelgate {

std::string_view to_string(ProgressSource source)
{
    constexpr std::array<std::string_view, 3> kNames{"none", "estimated", "measured"};
    return kNames[static_cast<std::size_t>(source)];
}

std::optional<HubEvent> ProgressHub::Listener::take()
{
    if (queue_.empty()) return std::nullopt;
    HubEvent next = std::move(queue_.front());
    queue_.pop_front();
    return next;
}

std::uint64_t ProgressHub::Listener::lost() { return std::exchange(lost_, 0); }

std::shared_ptr<ProgressHub::Listener> ProgressHub::listen()
{
    std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
    if (listeners_.size() >= kListeners) return nullptr;
    auto listener = std::make_shared<Listener>();
    listeners_.push_back(listener);
    return listener;
}

void ProgressHub::changed(const Job& job, std::uint64_t cursor)
{
    cursor_ = cursor;
    if (is_final(job.state)) {
        latest_.erase(job.id);
        furthest_.erase(job.id);
    }
    // What an attempt left is gone with it.
    if (job.state != JobState::running) previews_.erase(job.id);
    tell(HubEvent{.cursor = cursor, .job = job});
}

void ProgressHub::progressed(const Job& job, Progress progress)
{
    Progress& kept = latest_[job.id];
    if (progress.attempt < kept.attempt) return;
    if (progress.attempt == kept.attempt && kept.source != ProgressSource::none) {
        if (progress.source == ProgressSource::none) progress.source = kept.source;
        progress.value = std::max(progress.value, kept.value);
    }
    kept = progress;
    if (progress.source != ProgressSource::none)
        furthest_[job.id] = std::max(furthest_[job.id], progress.value);
    tell(HubEvent{.cursor = cursor_, .job = job, .progress = std::move(progress)});
}

void ProgressHub::previewed(const Job& job, Preview preview)
{
    Preview& kept = previews_[job.id];
    preview.number = kept.number + 1;
    kept = preview;
    tell(HubEvent{.cursor = cursor_, .job = job, .preview = std::move(preview)});
}

std::optional<Preview> ProgressHub::latest_preview(const JobId& job) const
{
    const auto found = previews_.find(job);
    return found == previews_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Progress> ProgressHub::latest(const JobId& job) const
{
    const auto found = latest_.find(job);
    return found == latest_.end() ? std::nullopt : std::optional(found->second);
}

double ProgressHub::furthest(const JobId& job) const
{
    const auto found = furthest_.find(job);
    return found == furthest_.end() ? 0 : found->second;
}

void ProgressHub::tell(HubEvent event)
{
    for (const auto& weak : listeners_) {
        const auto listener = weak.lock();
        if (!listener) continue;
        if (listener->queue_.size() >= kQueuedPerListener) {
            listener->queue_.pop_front();
            ++listener->lost_;
        }
        listener->queue_.push_back(event);
        if (listener->on_ready) listener->on_ready();
    }
}

} // namespace reelgate
