// Who signed a sums file. A signature says who made something, not that it is good.
#pragma once

#include "host/base/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace reelgate {

// The name (without .pem) of the first key in `trusted_keys` with which `signature_file`, 64 raw
// bytes of Ed25519, fits `message`. Codes: not_signed (no signature file), signature_bad (no key
// fits, or it is no signature), no_trusted_keys, unsafe_owner, unsafe_writable (the directory of
// the keys could be changed by others).
Result<std::string> signer_of(std::string_view message,
                              const std::filesystem::path& signature_file,
                              const std::filesystem::path& trusted_keys);

} // namespace reelgate
