// Changes that were made while the daemon ran: a small file of their own in the data directory, so
// that the operator's files stay as they were written. Only settings that may be changed so can
// stand in it.
#pragma once

#include "host/config/node.hpp"

#include "host/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace reelgate {

std::filesystem::path overlay_file(const std::filesystem::path& data_dir);

struct Overlay {
    std::filesystem::path file;
    ConfigNode tree;
    std::uint64_t revision = 0; // how often it was written
};

// Nothing if there is none. An entry for a provider that `below` no longer has is left out with a
// warning; one for a setting that may not be changed so is an error.
std::optional<Overlay>
read_overlay(const std::filesystem::path& data_dir, const ConfigNode& below, Findings& findings);

// Whether that setting may stand in an overlay.
bool may_change(std::string_view key);

// A setting by its key ("video_provider", "providers.comfyui-local.enabled") and its new value as
// it would stand in the file; no value takes the change back.
struct OverlayChange {
    std::string key;
    std::optional<std::string> value;
};

// Writes the overlay anew, whole or not at all, and answers its revision. What the values mean is
// judged by loading afterwards; here only the keys are (invalid_params, code `not_changeable`).
// `expected` is the revision that the caller has seen, where it cares: another one in the file is
// refused (invalid_params, code `overlay_changed`). Callers take turns.
Result<std::uint64_t> write_overlay(const std::filesystem::path& data_dir,
                                    const std::vector<OverlayChange>& changes,
                                    std::optional<std::uint64_t> expected = {});

} // namespace reelgate
