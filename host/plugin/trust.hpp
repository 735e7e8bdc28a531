// May this plugin run? Facts are gathered from the disk; the decision over them is pure.
#pragma once

#include "host/plugin/pins.hpp"
#include "host/plugin/registry.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace reelgate {

enum class TrustPolicy : std::uint8_t {
    bundled,     // only what came with Reelgate
    signed_only, // that, or signed by a key in trusted_keys; "signed" in settings
    pinned,      // that, or named with its hash by a person: the default
    any,         // development: whatever is there
};
std::string_view to_string(TrustPolicy policy);
std::optional<TrustPolicy> trust_policy_from(std::string_view name);

struct TrustFacts {
    std::string id;
    std::string version;
    Origin origin = Origin::user;
    std::string sha256;                // of all files together; empty where they could not be read
    std::optional<Error> unsafe;       // who else could change it: ownership.hpp
    std::optional<Error> damaged;      // it is not what its sums say, or cannot be read
    bool has_sums = false;             // a sums file is there
    std::optional<std::string> signer; // the key whose signature over the sums holds
    std::optional<Error> unsigned_why; // why there is no signer
    std::optional<Pin> pin;
};

// Pure. Refusals are worker_unavailable, as a provider with such a plugin cannot be had; their
// codes: those of `unsafe` and `damaged`, then not_bundled, not_signed, signature_bad, not_trusted,
// changed_since_trusted (with both hashes).
Result<Done> may_run(TrustPolicy policy, const TrustFacts& facts);

struct TrustPlaces {
    std::filesystem::path data_dir;     // pins and the hash cache
    std::filesystem::path trusted_keys; // *.pem, Ed25519 public keys
    std::filesystem::path exe_dir;
};

// Reads and hashes the plugin's files (what the cache does not know) and looks up its pin. Fails
// only if the pins cannot be read. Call it on the pool.
Result<TrustFacts> gather_trust(const Manifest& manifest, Origin origin, const TrustPlaces& places);

// Both in one. Call it on the pool, right before a worker starts.
Result<Done>
check_trust(TrustPolicy policy, const Manifest& manifest, Origin origin, const TrustPlaces& places);

} // namespace reelgate
