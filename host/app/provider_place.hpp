// Where a provider has its place in the data directory:
//
//   <data>/providers/<id>   its own; it may write there, and start what it put there
//   <data>/work/<id>        work directories of its attempts; no other provider may look there
//   <data>/logs/<id>        what its workers printed; it may not write there
//   <data>/kept             files of attempts while they are verified; no provider may write there
#pragma once

#include "host/plugin/provider_settings.hpp"

#include <filesystem>
#include <string>

namespace reelgate {

std::filesystem::path keep_dir_of(const std::filesystem::path& data_dir);
std::filesystem::path log_dir_of(const std::filesystem::path& data_dir, const std::string& id);

// The settings of provider `id` with its places, which are made where they are missing.
ProviderSettings settings_in_place(const std::filesystem::path& data_dir, const std::string& id);

} // namespace reelgate
