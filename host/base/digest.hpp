// SHA-256 and Ed25519, so that no other room knows who computes them.
#pragma once

#include "host/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace reelgate {

// Lower-case hexadecimal.
std::string sha256_hex(std::string_view bytes);

// Reads the whole file; may block for as long as the disk takes: call it on the pool.
Result<std::string> sha256_file(const std::filesystem::path& file);

// The same for a file that is open: the next `bytes` from where `fd` stands, fewer where it ends
// before. A file that somebody goes on writing to does not keep us for ever. `name` is for the
// failure.
Result<std::string> sha256_fd(int fd, std::uint64_t bytes, std::string_view name);

// `public_key` is the PEM text of an Ed25519 key; `signature` is the raw 64 bytes.
Result<bool>
ed25519_verifies(std::string_view public_key, std::string_view message, std::string_view signature);

} // namespace reelgate
