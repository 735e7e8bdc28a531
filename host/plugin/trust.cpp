#include "host/plugin/trust.hpp"

#include "host/base/clock.hpp"
#include "host/base/file.hpp"
#include "host/plugin/ownership.hpp"
#include "host/plugin/signature.hpp"
#include "host/plugin/sums.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace reelgate {
namespace {

using std::string;
using std::string_view;

constexpr std::array<string_view, 4> kPolicies{"bundled", "signed", "pinned", "any"};
constexpr std::size_t kLongestSums = 4 << 20U;

Error refused(const TrustFacts& facts, string_view why, string_view code)
{
    return Error{.category = Category::worker_unavailable,
                 .text = facts.id + " " + facts.version + " " + string(why),
                 .code = string(code)};
}

Error refused_as(Error error)
{
    error.category = Category::worker_unavailable;
    return error;
}

Result<Done> is_signed(const TrustFacts& facts)
{
    if (facts.signer && facts.has_sums) return Done{};
    if (facts.unsigned_why) return refused_as(*facts.unsigned_why);
    return refused(facts, "is not signed", "not_signed");
}

Result<Done> is_pinned(const TrustFacts& facts)
{
    const string command = "reelgate plugin trust " + facts.id;
    if (!facts.pin)
        return refused(facts, "did not come with Reelgate and nobody has trusted it", "not_trusted")
            .with_hint("look at it, then `" + command + "`");
    if (facts.pin->sha256 == facts.sha256) return Done{};
    return refused(facts,
                   "has changed since trusted on " + facts.pin->trusted_at + " by " +
                       facts.pin->by + ": it was " + facts.pin->sha256 + ", it is " + facts.sha256,
                   "changed_since_trusted")
        .with_hint("if the change is meant, `" + command + "` again");
}

// A sums file cannot list itself, nor the signature that is made of it.
FileSums without(FileSums sums, const std::array<string, 2>& names)
{
    std::erase_if(sums, [&names](const FileSum& sum) {
        return std::find(names.begin(), names.end(), sum.path) != names.end();
    });
    return sums;
}

Error sums_absent(const Manifest& manifest)
{
    return invalid(manifest.file().string() + " promises " + manifest.files +
                       ", which is not there",
                   "sums_absent")
        .with_hint("write it with sha256sum, or take \"files\" out of the manifest");
}

// Fills the part of the facts that is about the files: their hash, the sums, the signature.
void gather_files(const Manifest& manifest, const TrustPlaces& places, TrustFacts& facts)
{
    HashCache cache(places.data_dir / "cache" / "plugin-hashes.json");
    const auto found = sum_directory(manifest.directory, cache);
    (void)cache.save().has_value(); // without it the next look is slower, nothing else
    if (!found) {
        facts.damaged = found.error();
        return;
    }
    facts.sha256 = identity_of(*found);

    const string sums_name = manifest.files.empty() ? "SHA256SUMS" : manifest.files;
    const auto sums_file = manifest.directory / sums_name;
    const auto text = read_file(sums_file, kLongestSums);
    facts.has_sums = text.has_value();
    if (!text && text.error().code != "file_missing")
        facts.damaged = text.error();
    else if (!text && !manifest.files.empty())
        facts.damaged = sums_absent(manifest);
    if (!text) return;
    const auto promised = parse_sums(*text, sums_file);
    const FileSums listed = without(*found, {sums_name, sums_name + ".sig"});
    const auto same = promised ? compare_sums(*promised, listed, manifest.directory)
                               : Result<Done>(promised.error());
    if (!same) facts.damaged = same.error();

    const auto signer = signer_of(*text, sums_file.string() + ".sig", places.trusted_keys);
    if (signer)
        facts.signer = *signer;
    else
        facts.unsigned_why = signer.error();
}

} // namespace

std::string_view to_string(TrustPolicy policy)
{
    return kPolicies[static_cast<std::size_t>(policy)];
}

std::optional<TrustPolicy> trust_policy_from(std::string_view name)
{
    for (std::size_t i = 0; i < kPolicies.size(); ++i)
        if (kPolicies[i] == name) return static_cast<TrustPolicy>(i);
    return std::nullopt;
}

Result<Done> may_run(TrustPolicy policy, const TrustFacts& facts)
{
    if (policy == TrustPolicy::any) return Done{};
    if (facts.unsafe) return refused_as(*facts.unsafe);
    if (facts.damaged) return refused_as(*facts.damaged);
    if (facts.origin == Origin::bundled) return Done{};
    switch (policy) {
    case TrustPolicy::signed_only:
        return is_signed(facts);
    case TrustPolicy::pinned:
        return is_pinned(facts);
    default:
        return refused(facts, "did not come with Reelgate", "not_bundled");
    }
}

Result<TrustFacts> gather_trust(const Manifest& manifest, Origin origin, const TrustPlaces& places)
{
    TrustFacts facts;
    facts.id = manifest.id;
    facts.version = manifest.version;
    facts.origin = origin;
    RG_TRY(const std::vector<Pin> pins, read_pins(places.data_dir));
    facts.pin = find_pin(pins, manifest.id);
    const auto owned = is_owned_safely(manifest.directory, owners_beside(places.exe_dir));
    if (!owned) facts.unsafe = owned.error();
    gather_files(manifest, places, facts);
    return facts;
}

Result<Done>
check_trust(TrustPolicy policy, const Manifest& manifest, Origin origin, const TrustPlaces& places)
{
    if (policy == TrustPolicy::any) return Done{}; // without the price of hashing
    RG_TRY(const TrustFacts facts, gather_trust(manifest, origin, places));
    return may_run(policy, facts);
}

} // namespace reelgate
