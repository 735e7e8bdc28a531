#include "host/plugin/ownership.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using std::string;

template <class Id>
bool is_one_of(const std::vector<Id>& ids, Id id)
{
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

string octal(mode_t mode)
{
    string text(4, '0');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[3 - i] = static_cast<char>('0' + ((mode >> (3 * i)) & 7U));
    return text;
}

Result<Done> check(const fs::path& path, FileOwner::Place place, const Owners& owners)
{
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0)
        return system_error(Category::not_found, "looking at " + path.string(), errno);
    mode_t mode = facts.st_mode;
    if (S_ISLNK(mode)) mode &= ~static_cast<mode_t>(0777); // a link's own bits mean nothing
    return is_owned_safely(FileOwner{path.string(), facts.st_uid, facts.st_gid, mode, place},
                           owners);
}

} // namespace

Owners owners_beside(const std::filesystem::path& exe_dir)
{
    Owners owners{
        {0, ::geteuid()},
        {0, ::getegid()}
    };
    struct stat facts {};
    if (::stat(exe_dir.c_str(), &facts) == 0) {
        owners.users.push_back(facts.st_uid);
        owners.groups.push_back(facts.st_gid);
    }
    return owners;
}

Result<Done> is_owned_safely(const FileOwner& file, const Owners& owners)
{
    if (!is_one_of(owners.users, file.user))
        return invalid(file.path + " belongs to user " + std::to_string(file.user) +
                           ", who is neither root nor the user of Reelgate",
                       "unsafe_owner")
            .with_hint("chown it, or move the plugin to a directory of your own");

    const bool sticky = (file.mode & S_ISVTX) != 0 && file.place == FileOwner::Place::above;
    const bool group = (file.mode & S_IWGRP) != 0 && !is_one_of(owners.groups, file.group);
    const bool everyone = (file.mode & S_IWOTH) != 0;
    if (sticky || (!group && !everyone)) return Done{};
    return invalid(file.path + " may be written by " +
                       (everyone ? string("everyone") : "group " + std::to_string(file.group)) +
                       " (mode " + octal(file.mode & 07777U) + ")",
                   "unsafe_writable")
        .with_hint(everyone ? "chmod o-w it" : "chmod g-w it");
}

Result<Done> is_owned_safely(const std::filesystem::path& directory, const Owners& owners)
{
    std::error_code failed;
    const fs::path root = fs::canonical(directory, failed);
    if (failed)
        return system_error(
            Category::not_found, "looking at " + directory.string(), failed.value());
    for (fs::path above = root.parent_path();; above = above.parent_path()) {
        RG_CHECK(check(above, FileOwner::Place::above, owners));
        if (above == above.parent_path()) break;
    }
    RG_CHECK(check(root, FileOwner::Place::inside, owners));
    fs::recursive_directory_iterator entry(root, failed);
    for (const fs::recursive_directory_iterator end; !failed && entry != end;
         entry.increment(failed))
        RG_CHECK(check(entry->path(), FileOwner::Place::inside, owners));
    if (failed) return system_error(Category::internal, "listing " + root.string(), failed.value());
    return Done{};
}

} // namespace reelgate
