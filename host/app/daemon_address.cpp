#include "host/app/daemon_address.hpp"

#include "host/base/file.hpp"

#include <nlohmann/json.hpp>

namespace reelgate {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostBytes = 4096;

} // namespace

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
    return DaemonAddress{whole["url"].get<std::string>(), whole["pid"].get<int>()};
}

} // namespace reelgate
