#include "host/plugin/private_tmp.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTmp = "tmp";

// A turn of the loop removes this many names: a millisecond or so.
constexpr unsigned kNamesPerTurn = 256;

// Who goes on filling the directory shall not keep a provider from stopping.
constexpr unsigned kMostNames = 1U << 20U;

constexpr int kMostTries = 100;

Fd open_directory(int parent, const char* name)
{
    return Fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Fd open_cache(const TmpPlace& place)
{
    const fs::path inside = place.cache_dir.lexically_relative(place.data_dir);
    const bool within =
        !place.data_dir.empty() && !inside.empty() && *inside.begin() != ".." && inside != ".";
    Fd root(::open((within ? place.data_dir : place.cache_dir).c_str(),
                   O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root || !within) return root;
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    return Fd(
        static_cast<int>(::syscall(SYS_openat2, root.get(), inside.c_str(), &how, sizeof how)));
}

Fd open_tmp(const Fd& cache)
{
    ::mkdirat(cache.get(), kTmp, S_IRWXU);
    Fd tmp = open_directory(cache.get(), kTmp);
    if (tmp || (errno != ELOOP && errno != ENOTDIR)) return tmp;
    ::unlinkat(cache.get(), kTmp, 0);
    ::mkdirat(cache.get(), kTmp, S_IRWXU);
    return open_directory(cache.get(), kTmp);
}

bool lock(const Fd& directory) { return ::flock(directory.get(), LOCK_EX | LOCK_NB) == 0; }

bool is_still(const Fd& directory, int parent, const char* name)
{
    struct stat opened {};
    struct stat named {};
    return ::fstat(directory.get(), &opened) == 0 &&
           ::fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

std::string new_name()
{
    static std::atomic<unsigned> number{0};
    return std::to_string(::getpid()) + '-' + std::to_string(++number);
}

// Its owner may have taken its rights away; the path of a descriptor leads to no link.
void make_accessible(int parent, const char* name)
{
    const Fd place(::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (place) ::chmod(("/proc/self/fd/" + std::to_string(place.get())).c_str(), S_IRWXU);
}

// The names in a directory, as many as are to be had at once.
class Names {
public:
    explicit Names(const Fd& directory)
    {
        const int own = open_directory(directory.get(), ".").release(); // starts at the first name
        if (own >= 0 && (stream_ = ::fdopendir(own)) == nullptr) ::close(own);
    }
    Names(const Names&) = delete;
    Names& operator=(const Names&) = delete;
    ~Names()
    {
        if (stream_ != nullptr) ::closedir(stream_);
    }

    std::optional<std::string> next()
    {
        while (stream_ != nullptr) {
            const dirent* entry =
                ::readdir(stream_); // NOLINT(concurrency-mt-unsafe): our own stream
            if (entry == nullptr) break;
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") return std::string(name);
        }
        return std::nullopt;
    }

private:
    DIR* stream_ = nullptr;
};

// Empties one directory with three descriptors, however deep the tree below it: what is not empty
// is moved up to the top first.
class Emptying {
public:
    explicit Emptying(const Fd& top) : top_(top) {}

    asio::awaitable<void> run()
    {
        for (bool progress = true; progress && handled_ < kMostNames;) {
            progress = false;
            Names names(top_);
            for (auto name = names.next(); name && handled_ < kMostNames; name = names.next()) {
                co_await take_a_breath();
                if (removed(top_.get(), *name)) {
                    progress = true;
                    continue;
                }
                const Fd inner = enter(*name);
                if (!inner) continue;
                co_await empty(inner);
                progress = removed(top_.get(), *name) || progress;
            }
        }
    }

private:
    static bool removed(int parent, const std::string& name)
    {
        return ::unlinkat(parent, name.c_str(), 0) == 0 ||
               ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0;
    }

    Fd enter(const std::string& name) const
    {
        make_accessible(top_.get(), name.c_str());
        return open_directory(top_.get(), name.c_str());
    }

    asio::awaitable<void> empty(const Fd& inner)
    {
        Names names(inner);
        for (auto name = names.next(); name && handled_ < kMostNames; name = names.next()) {
            co_await take_a_breath();
            if (removed(inner.get(), *name)) continue;
            make_accessible(inner.get(), name->c_str());
            const std::string above = "moved-up-" + std::to_string(++moved_);
            ::renameat(inner.get(), name->c_str(), top_.get(), above.c_str());
        }
    }

    asio::awaitable<void> take_a_breath()
    {
        if (++handled_ % kNamesPerTurn != 0) co_return;
        const auto loop = co_await asio::this_coro::executor;
        co_await asio::post(loop, asio::use_awaitable);
    }

    const Fd& top_;
    unsigned handled_ = 0;
    unsigned moved_ = 0;
};

} // namespace

Result<PrivateTmp> PrivateTmp::make(const TmpPlace& place)
{
    const Fd cache = open_cache(place);
    const Fd tmp = cache ? open_tmp(cache) : Fd();
    for (int tries = 0; tmp && tries < kMostTries; ++tries) {
        const std::string name = new_name();
        if (::mkdirat(tmp.get(), name.c_str(), S_IRWXU) != 0) {
            if (errno == EEXIST) continue;
            break;
        }
        Fd made = open_directory(tmp.get(), name.c_str());
        // Between these lines another host may have taken it for a leftover.
        if (made && lock(made) && is_still(made, tmp.get(), name.c_str()))
            return PrivateTmp(place.cache_dir / kTmp / name, std::move(made));
    }
    Error error = system_error(Category::internal, "making a directory for temporary files", errno);
    error.code = "no_private_tmp";
    return error;
}

asio::awaitable<void> remove_unheld_tmp(TmpPlace place)
{
    const Fd cache = open_cache(place);
    const Fd tmp = cache ? open_directory(cache.get(), kTmp) : Fd();
    if (!tmp) co_return;
    std::vector<std::string> found;
    Names names(tmp);
    while (auto name = names.next())
        found.push_back(*std::move(name));
    for (const std::string& name : found) {
        Fd one = open_directory(tmp.get(), name.c_str());
        if (!one && errno == EACCES) {
            make_accessible(tmp.get(), name.c_str());
            one = open_directory(tmp.get(), name.c_str());
        }
        if (!one) { // a file or a link, and none of ours
            ::unlinkat(tmp.get(), name.c_str(), 0);
            continue;
        }
        if (!lock(one)) continue;
        Emptying emptying(one);
        co_await emptying.run();
        ::unlinkat(tmp.get(), name.c_str(), AT_REMOVEDIR);
    }
}

} // namespace reelgate
