#include "host/app/daemon_address.hpp"

#include "host/base/file.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <cerrno>

namespace reelgate {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 4096;

fs::path lock_file(const fs::path& data_dir) { return data_dir / "daemon.lock"; }

struct flock whole_file()
{
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

// The process that has the directory; 0: none.
int holder_of(const fs::path& data_dir)
{
    const Fd file(::open(lock_file(data_dir).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct flock lock = whole_file();
    if (!file || ::fcntl(file.get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
    return lock.l_pid;
}

} // namespace

// A lock of the process and not of the descriptor, as flock() has it: only of such a one the kernel
// says whose it is, and looking takes it from nobody.
Result<Fd> take_data_dir(const fs::path& data_dir)
{
    std::error_code failed; // opening the file says why
    fs::create_directories(data_dir, failed);
    const fs::path file = lock_file(data_dir);
    Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return system_error(Category::internal, "opening " + file.string(), errno);
    struct flock whole = whole_file();
    if (::fcntl(lock.get(), F_SETLK, &whole) == 0) return lock;
    if (errno != EACCES && errno != EAGAIN)
        return system_error(Category::internal, "locking " + file.string(), errno);
    return Error{.category = Category::worker_unavailable,
                 .text = "another daemon runs on " + fs::absolute(data_dir).string(),
                 .code = "data_dir_taken",
                 .hint = "stop it, or give this one another --data-dir",
                 .phase = Phase::admit};
}

std::filesystem::path address_file(const std::filesystem::path& data_dir)
{
    return data_dir / "daemon.json";
}

Result<Done> leave_address(const std::filesystem::path& data_dir, const DaemonAddress& address)
{
    const Json whole{
        {"pid", address.pid},
        {"url", address.url}
    };
    return replace_file(address_file(data_dir), whole.dump() + "\n");
}

Result<DaemonAddress> left_address(const std::filesystem::path& data_dir)
{
    const Error none{.category = Category::worker_unavailable,
                     .text = "no daemon runs on " + std::filesystem::absolute(data_dir).string(),
                     .code = "no_daemon",
                     .hint = "start one with `reelgate serve`, or name its --data-dir"};
    const auto text = read_file(address_file(data_dir), kMostBytes);
    if (!text) return none;
    const Json whole = Json::parse(*text, nullptr, false);
    if (!whole.is_object() || !whole.contains("url") || !whole["url"].is_string() ||
        !whole.contains("pid") || !whole["pid"].is_number_integer())
        return none;
    DaemonAddress left{whole["url"].get<std::string>(), whole["pid"].get<int>()};
    if (holder_of(data_dir) != left.pid) return none;
    return left;
}

} // namespace reelgate
