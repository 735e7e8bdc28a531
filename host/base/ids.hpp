// Names of things, each with a type of its own, so that one cannot stand where another is meant.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace reelgate {

template <class Tag>
struct Id {
    std::string text;

    Id() = default;
    explicit Id(std::string name) : text(std::move(name)) {}

    friend bool operator==(const Id&, const Id&) = default;
    friend auto operator<=>(const Id&, const Id&) = default;
};

template <class Tag>
const std::string& to_string(const Id<Tag>& id)
{
    return id.text;
}

using JobId = Id<struct JobTag>; // "video_" and 32 hex digits: what clients hold

// From the system's generator: not to be guessed, never given twice.
JobId new_job_id();

} // namespace reelgate

template <class Tag>
struct std::hash<reelgate::Id<Tag>> {
    std::size_t operator()(const reelgate::Id<Tag>& id) const noexcept
    {
        return std::hash<std::string>{}(id.text);
    }
};
