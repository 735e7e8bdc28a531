#include "host/config/running.hpp"

#include "host/base/file.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{8} << 20U;

bool is_value(const Json& entry)
{
    return entry.is_object() && entry.contains("key") && entry["key"].is_string() &&
           entry.contains("value") && entry["value"].is_string();
}

} // namespace

std::filesystem::path running_file(const std::filesystem::path& data_dir)
{
    return data_dir / "config-running.json";
}

Result<Done> record_running(const Loaded& loaded)
{
    Json values = Json::array();
    for (const FlatSetting& value : flat(loaded.settings))
        values.push_back({
            {"key",   value.key },
            {"value", value.text}
        });
    const Json whole{
        {"revision", loaded.revision  },
        {"values",   std::move(values)}
    };
    return replace_file(running_file(loaded.settings.server.data_dir), whole.dump(1) + "\n");
}

Result<RunningConfig> recorded_running(const std::filesystem::path& data_dir)
{
    const auto file = running_file(data_dir);
    RG_TRY(const std::string text, read_file(file, kMostBytes));
    const Json whole = Json::parse(text, nullptr, false);
    const bool sound = whole.is_object() && whole.contains("revision") &&
                       whole["revision"].is_number_unsigned() && whole.contains("values") &&
                       whole["values"].is_array();
    const Error broken = invalid(file.string() + " is not what the daemon wrote", "running_broken");
    if (!sound) return broken;
    RunningConfig running{whole["revision"].get<std::uint64_t>(), {}};
    for (const Json& entry : whole["values"]) {
        if (!is_value(entry)) return broken;
        running.values.push_back(
            {entry["key"].get<std::string>(), entry["value"].get<std::string>()});
    }
    return running;
}

} // namespace reelgate
