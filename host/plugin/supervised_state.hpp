// What the .cpp files of SupervisedProvider share; nobody else includes it.
#pragma once

#include "host/plugin/supervised.hpp"

namespace reelgate {

// A job's name comes back in every frame about it.
inline constexpr std::size_t kMaxJobId = 128;

// "org.example.bars 1.0.0", for sentences.
inline std::string who(const Manifest& manifest) { return manifest.id + ' ' + manifest.version; }

// What is kept for each attempt under way.
struct SupervisedProvider::RunningAttempt {
    RunningAttempt(const asio::any_io_executor& loop,
                   AttemptListener& who_listens,
                   std::filesystem::path directory)
        : wake(loop), listener(who_listens), work_dir(std::move(directory))
    {
        wake.expires_at(asio::steady_timer::time_point::max());
    }

    asio::steady_timer wake;
    AttemptListener& listener;
    std::filesystem::path work_dir;
    Allowance progress{kProgressPerSecond, kProgressPerSecond};
    Allowance previews{kPreviewsPerSecond, kPreviewsPerSecond};
    std::optional<ProgressNote> held_progress; // the newest that did not get by
    std::optional<std::string> held_preview;
    std::size_t unanswered = 0; // intents and acceptances that the listener holds
    std::size_t artifacts = 0;
    std::optional<Error> spoiled; // it offered something it may not: no success can follow
    std::optional<Result<Done>> verdict;
};

} // namespace reelgate
