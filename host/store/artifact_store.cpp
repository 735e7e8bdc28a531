#include "host/store/artifact_store.hpp"

#include "host/base/digest.hpp"
#include "host/model/file_type.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// Below the artifact directory: what is being written, and <xy>/<job>/<role>-<hash>.<extension>
// where xy ends the id of the job, so that no directory grows without bound. The hash in the name
// is what makes adopting twice harmless: another content is another file.
constexpr const char* kIncoming = "incoming";
constexpr std::size_t kShardLength = 2;
constexpr std::size_t kHashInName = 16;
constexpr std::size_t kNameLimit = 128;

Error failed(std::string_view doing, const fs::path& file, int why)
{
    return system_error(Category::internal, std::string(doing) + " " + file.string(), why)
        .in_phase(Phase::store);
}

Error unacceptable(const fs::path& file, std::string_view what, std::string code)
{
    return Error{.category = Category::output_invalid,
                 .text = file.string() + " " + std::string(what),
                 .code = std::move(code),
                 .phase = Phase::store};
}

Error gone(const StoredFile& file)
{
    return Error{.category = Category::not_found,
                 .text = file.path + " is no longer here",
                 .code = "video_expired",
                 .hint = "files are kept for as long as the setting jobs.keep_artifacts says",
                 .phase = Phase::store};
}

// Ids and roles become names of files.
bool is_plain_name(std::string_view name)
{
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    };
    return name.size() >= kShardLength && name.size() <= kNameLimit &&
           std::all_of(name.begin(), name.end(), plain);
}

Result<fs::path> directory_of(const JobId& job)
{
    if (!is_plain_name(job.text)) return internal_error("'" + job.text + "' is no id of a job");
    return fs::path(job.text.substr(job.text.size() - kShardLength)) / job.text;
}

Result<Done> flush(int fd, const fs::path& file)
{
    if (::fsync(fd) != 0) return failed("flushing", file, errno);
    return Done{};
}

Result<Done> flush_directory(const fs::path& directory)
{
    const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return failed("opening", directory, errno);
    return flush(fd.get(), directory);
}

// A name is on disk once its directory is, and that one's once its own is.
Result<Done> flush_way_to(const fs::path& root, const fs::path& job_directory)
{
    RG_CHECK(flush_directory(root / job_directory));
    RG_CHECK(flush_directory((root / job_directory).parent_path()));
    return flush_directory(root);
}

Result<Done> make_directory(const fs::path& directory)
{
    std::error_code why;
    fs::create_directories(directory, why);
    if (why) return failed("making", directory, why.value());
    return Done{};
}

// A file that somebody offers, as it was when it was opened.
struct Offered {
    Fd fd;
    struct stat facts {};
};

Result<Offered> opened(const fs::path& file)
{
    // O_NONBLOCK: a fifo of that name must not hold us up.
    Offered offered{.fd = Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK))};
    if (!offered.fd && errno == ENOENT)
        return Error{.category = Category::not_found,
                     .text = file.string() + " is not there",
                     .code = "file_missing",
                     .phase = Phase::store};
    if (!offered.fd && errno == ELOOP) return unacceptable(file, "is a link", "linked");
    if (!offered.fd && errno == ENXIO) return unacceptable(file, "is no file", "not_a_file");
    if (!offered.fd || ::fstat(offered.fd.get(), &offered.facts) != 0)
        return failed("opening", file, errno);
    if (!S_ISREG(offered.facts.st_mode)) return unacceptable(file, "is no file", "not_a_file");
    if (offered.facts.st_nlink != 1)
        return unacceptable(file, "has a second name elsewhere", "linked");
    return offered;
}

bool same_moment(const timespec& a, const timespec& b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// Whether `file` is what was opened and has not been written to since. Who offered it may still be
// running, and may have put another one in its place.
bool is_still(const Offered& offered, const fs::path& file)
{
    struct stat now {};
    return ::lstat(file.c_str(), &now) == 0 && now.st_dev == offered.facts.st_dev &&
           now.st_ino == offered.facts.st_ino && now.st_size == offered.facts.st_size &&
           same_moment(now.st_mtim, offered.facts.st_mtim);
}

// A file in `incoming` that is removed unless it was renamed.
class Fresh {
public:
    static Result<Fresh> make(const fs::path& root)
    {
        std::string name = (root / kIncoming / "XXXXXX").string();
        Fd fd(::mkostemp(name.data(), O_CLOEXEC));
        if (!fd) return failed("making a file in", root / kIncoming, errno);
        return Fresh(std::move(fd), std::move(name));
    }
    Fresh(Fresh&& other) noexcept : fd_(std::move(other.fd_)), name_(std::exchange(other.name_, {}))
    {
    }
    Fresh& operator=(Fresh&&) = delete;
    Fresh(const Fresh&) = delete;
    Fresh& operator=(const Fresh&) = delete;
    ~Fresh()
    {
        if (!name_.empty()) ::unlink(name_.c_str());
    }

    int fd() const { return fd_.get(); }

    Result<Done> write(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const ssize_t put = ::write(fd_.get(), bytes.data(), bytes.size());
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return failed("writing", name_, errno);
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
        return Done{};
    }

    Result<Done> become(const fs::path& place)
    {
        RG_CHECK(flush(fd_.get(), name_));
        if (::rename(name_.c_str(), place.c_str()) != 0) return failed("making", place, errno);
        name_.clear();
        return Done{};
    }

private:
    Fresh(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

    Fd fd_;
    std::string name_;
};

// From another file system, with the hash of what has arrived.
Result<Fresh> copied(const fs::path& root, const Offered& offered, const StoredFile& expected)
{
    RG_TRY(Fresh fresh, Fresh::make(root));
    std::vector<char> block(1 << 18);
    std::uint64_t at = 0;
    while (at < expected.bytes) {
        const std::size_t wanted = std::min<std::uint64_t>(block.size(), expected.bytes - at);
        const ssize_t got = ::pread(offered.fd.get(), block.data(), wanted, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("copying to", expected.path, errno);
        if (got == 0) break;
        RG_CHECK(fresh.write({block.data(), static_cast<std::size_t>(got)}));
        at += static_cast<std::uint64_t>(got);
    }
    ::lseek(fresh.fd(), 0, SEEK_SET);
    RG_TRY(const std::string hash, sha256_fd(fresh.fd(), expected.bytes, expected.path));
    if (hash != expected.sha256)
        return unacceptable(expected.path, "was changed while it was copied", "changed_meanwhile");
    return fresh;
}

// `file`, which was hashed and flushed, gets its place.
Result<Done> move_in(const fs::path& root,
                     const Offered& offered,
                     const fs::path& file,
                     const StoredFile& stored)
{
    const fs::path place = root / stored.path;
    const fs::path job_directory = fs::path(stored.path).parent_path();
    if (::rename(file.c_str(), place.c_str()) != 0) {
        if (errno != EXDEV) return failed("taking", file, errno);
        RG_TRY(Fresh fresh, copied(root, offered, stored));
        RG_CHECK(fresh.become(place));
        RG_CHECK(flush_way_to(root, job_directory));
        ::unlink(file.c_str()); // it is here; what is left there is litter
        return Done{};
    }
    Result<Done> done = Done{};
    if (is_still(offered, place))
        done = flush_way_to(root, job_directory);
    else
        done = unacceptable(file, "was changed while it was adopted", "changed_meanwhile");
    if (!done) ::rename(place.c_str(), file.c_str());
    return done;
}

Result<StoredFile> named(const JobId& job,
                         const std::string& role,
                         const std::string& mime,
                         std::string sha256,
                         std::uint64_t bytes)
{
    if (!is_plain_name(role)) return internal_error("'" + role + "' is no role of a file");
    RG_TRY(const fs::path directory, directory_of(job));
    std::string name = role;
    name.append("-").append(sha256, 0, kHashInName).append(extension_of(mime));
    return StoredFile{.role = role,
                      .path = (directory / name).string(),
                      .mime = mime,
                      .sha256 = std::move(sha256),
                      .bytes = bytes};
}

// Paths come from the database, and lead nowhere but down.
bool is_below(const fs::path& path)
{
    const auto plain = [](const fs::path& part) {
        return !part.empty() && part != ".." && part != ".";
    };
    return path.is_relative() && !path.empty() && std::all_of(path.begin(), path.end(), plain);
}

// Whatever else lies there is not ours to touch.
std::vector<std::string> directories_in(const fs::path& directory)
{
    std::vector<std::string> names;
    std::error_code failed;
    for (fs::directory_iterator it(directory, failed), end; !failed && it != end;
         it.increment(failed))
        if (std::error_code unknown; it->symlink_status(unknown).type() == fs::file_type::directory)
            names.push_back(it->path().filename().string());
    return names;
}

WallTime time_of(const timespec& time)
{
    const auto since = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    return WallTime(std::chrono::duration_cast<WallTime::duration>(since));
}

} // namespace

Result<ArtifactStore> ArtifactStore::open(fs::path directory)
{
    const bool is_new = !fs::exists(fs::symlink_status(directory));
    RG_CHECK(make_directory(directory));
    std::error_code why;
    if (is_new) fs::permissions(directory, fs::perms::owner_all, why);
    if (why) return failed("closing to others", directory, why.value());
    fs::remove_all(directory / kIncoming, why);
    if (why) return failed("clearing", directory / kIncoming, why.value());
    RG_CHECK(make_directory(directory / kIncoming));
    return ArtifactStore(std::move(directory));
}

Result<StoredFile> ArtifactStore::adopt(const JobId& job,
                                        const std::string& role,
                                        const std::string& mime,
                                        const fs::path& file) const
{
    RG_TRY(const Offered offered, opened(file));
    const auto bytes = static_cast<std::uint64_t>(offered.facts.st_size);
    RG_TRY(std::string sha256, sha256_fd(offered.fd.get(), bytes, file.native()));
    RG_CHECK(flush(offered.fd.get(), file));
    RG_TRY(StoredFile stored, named(job, role, mime, std::move(sha256), bytes));
    RG_CHECK(make_directory((directory_ / stored.path).parent_path()));
    RG_CHECK(move_in(directory_, offered, file, stored));
    return stored;
}

Result<StoredFile> ArtifactStore::write(const JobId& job,
                                        const std::string& role,
                                        const std::string& mime,
                                        const std::string& text) const
{
    RG_TRY(StoredFile stored, named(job, role, mime, sha256_hex(text), text.size()));
    const fs::path place = directory_ / stored.path;
    RG_CHECK(make_directory(place.parent_path()));
    RG_TRY(Fresh fresh, Fresh::make(directory_));
    RG_CHECK(fresh.write(text));
    RG_CHECK(fresh.become(place));
    RG_CHECK(flush_way_to(directory_, fs::path(stored.path).parent_path()));
    return stored;
}

Result<OpenFile> ArtifactStore::open_file(const StoredFile& file) const
{
    if (!is_below(file.path)) return internal_error("'" + file.path + "' leads elsewhere");
    const fs::path place = directory_ / file.path;
    OpenFile open{.fd = Fd(::open(place.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)),
                  .file = file,
                  .modified = {}};
    if (!open.fd && errno == ENOENT) return gone(file);
    struct stat facts {};
    if (!open.fd || ::fstat(open.fd.get(), &facts) != 0) return failed("opening", place, errno);
    if (!S_ISREG(facts.st_mode) || static_cast<std::uint64_t>(facts.st_size) != file.bytes)
        return Error{.category = Category::artifact_unavailable,
                     .text = file.path + " is not the file that was stored",
                     .code = "file_damaged",
                     .phase = Phase::store};
    open.modified = time_of(facts.st_mtim);
    return open;
}

Result<Done> ArtifactStore::remove(const JobId& job) const
{
    RG_TRY(const fs::path directory, directory_of(job));
    std::error_code why;
    const auto removed = fs::remove_all(directory_ / directory, why);
    if (why) return failed("removing", directory_ / directory, why.value());
    if (removed == 0) return Done{};
    return flush_directory((directory_ / directory).parent_path());
}

std::vector<std::string> ArtifactStore::shards() const
{
    std::vector<std::string> names = directories_in(directory_);
    std::erase_if(names, [](const std::string& name) { return name.size() != kShardLength; });
    return names;
}

std::vector<JobId> ArtifactStore::jobs_in(const std::string& shard) const
{
    std::vector<JobId> jobs;
    for (std::string& name : directories_in(directory_ / shard)) {
        JobId job(std::move(name));
        const auto place = directory_of(job);
        if (place && place->parent_path() == shard) jobs.push_back(std::move(job));
    }
    return jobs;
}

std::uint64_t ArtifactStore::free_bytes() const
{
    struct statvfs facts {};
    if (::statvfs(directory_.c_str(), &facts) != 0) return 0;
    return std::uint64_t{facts.f_bavail} * facts.f_frsize;
}

} // namespace reelgate
