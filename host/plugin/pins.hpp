// Which plugins a person has said yes to, and the record of who did.
// <data_dir>/plugins/trusted.json holds one pin an id; <data_dir>/audit.log grows by a JSON line a
// change and is never rewritten.
#pragma once

#include "host/base/clock.hpp"
#include "host/base/result.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

struct Pin {
    std::string id;
    std::string version;
    std::string sha256;     // of all its files: identity_of()
    std::string trusted_at; // 2026-01-31T12:00:00Z
    std::string by;
};

// No file, no pins. A file that cannot be understood is an error: it is never taken for none, and
// never overwritten.
Result<std::vector<Pin>> read_pins(const std::filesystem::path& data_dir);

std::optional<Pin> find_pin(std::span<const Pin> pins, std::string_view id);

// Adds or replaces the pin of `pin.id` and records it. trusted_at and by are filled in here.
Result<Done> add_pin(const std::filesystem::path& data_dir, Pin pin, WallTime now);

// Takes the pin away and records it; not_found with code "not_pinned" if there is none.
Result<Done> remove_pin(const std::filesystem::path& data_dir, std::string_view id, WallTime now);

// The user of this process for the record: "ada (uid 1000)".
std::string this_user();

// In UTC, to the second.
std::string iso_time(WallTime time);

} // namespace reelgate
