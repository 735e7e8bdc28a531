#include "host/plugin/hash_cache.hpp"

#include "host/base/digest.hpp"
#include "host/base/file.hpp"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostKnown = 8192;
constexpr std::size_t kLongestFile = 4 << 20U;

// Change times advance in ticks of up to 10 ms: a file written twice within one looks the same.
// What changed this recently is hashed again next time.
constexpr std::chrono::seconds kSettled{2};

struct Identity {
    std::string key;
    WallTime changed;
};

Result<Identity> identity_of_file(const std::filesystem::path& file)
{
    struct stat facts {};
    if (::lstat(file.c_str(), &facts) != 0)
        return system_error(Category::not_found, "looking at " + file.string(), errno);
    std::string key;
    for (const auto part : {static_cast<unsigned long long>(facts.st_dev),
                            static_cast<unsigned long long>(facts.st_ino),
                            static_cast<unsigned long long>(facts.st_size),
                            static_cast<unsigned long long>(facts.st_ctim.tv_sec),
                            static_cast<unsigned long long>(facts.st_ctim.tv_nsec)})
        key.append(std::to_string(part)).append(1, ':');
    const WallTime changed{std::chrono::seconds(facts.st_ctim.tv_sec)};
    return Identity{std::move(key), changed};
}

std::map<std::string, std::string> load(const std::filesystem::path& file)
{
    std::map<std::string, std::string> known;
    const auto text =
        file.empty() ? Result<std::string>(std::string()) : read_file(file, kLongestFile);
    if (!text) return known;
    const Json object = Json::parse(*text, nullptr, false);
    if (!object.is_object() || !object.contains("files") || !object["files"].is_object())
        return known;
    for (const auto& [key, hash] : object["files"].items())
        if (const auto* given = hash.get_ptr<const std::string*>(); given && given->size() == 64)
            known.emplace(key, *given);
    return known;
}

} // namespace

HashCache::HashCache(std::filesystem::path file) : file_(std::move(file)), known_(load(file_)) {}

Result<std::string> HashCache::sha256(const std::filesystem::path& file, WallTime now)
{
    RG_TRY(const Identity before, identity_of_file(file));
    used_.insert(before.key);
    if (const auto known = known_.find(before.key); known != known_.end()) {
        ++hits_;
        return known->second;
    }
    RG_TRY(std::string hash, sha256_file(file));
    RG_TRY(const Identity after, identity_of_file(file));
    if (after.key == before.key && after.changed + kSettled < now) {
        known_[after.key] = hash;
        changed_ = true;
    }
    return hash;
}

Result<Done> HashCache::save()
{
    if (!changed_ || file_.empty()) return Done{};
    // What was not asked for belongs to plugins that are not here now; it may go when room is
    // short.
    if (known_.size() > kMostKnown)
        std::erase_if(known_, [this](const auto& row) { return !used_.contains(row.first); });
    const Json object{
        {"schema", 1     },
        {"files",  known_}
    };
    RG_CHECK(replace_file(file_, object.dump()));
    changed_ = false;
    return Done{};
}

} // namespace reelgate
