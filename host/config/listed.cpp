// The table of settings, seen from outside: by full name, and as text.
#include "host/config/node.hpp"
#include "host/config/table.hpp"
#include "host/config/units.hpp"

#include <algorithm>

namespace reelgate {
namespace {

struct Lister {
    std::vector<ListedSetting> all;

    template <class T>
    void add(std::string_view section, std::span<const SettingRow<T>> rows)
    {
        const T standard{};
        for (const SettingRow<T>& row : rows) {
            // What must be given has no standard, and neither has what is empty.
            const SettingValue value = row.get(standard);
            const std::string text = row.info.required ? "" : value_text(value, row.info.kind);
            all.push_back({key_below(section, row.info.name), row.info, text});
        }
    }

    // Settings that are one list of names each, under names of the operator's.
    void add_free(std::string name, SettingInfo info)
    {
        all.push_back({std::move(name), info, ""});
    }
};

std::vector<ListedSetting> listed()
{
    Lister list;
    list.add("", top_rows());
    list.add("server", server_rows());
    list.add("plugins", plugin_rows());
    list.add("auth.keys[]", key_rows());
    list.add("jobs", job_rows());
    list.add("gpus[]", gpu_rows());
    list.add("providers.*", provider_rows());
    list.add("providers.*.models[]", model_rows());
    list.add_free(
        "pools.*",
        {
            .name = "*",
            .kind = SettingKind::texts,
            .bounds = {1, 256},
            .sample = "[fastvideo-local, comfyui-local]",
            .meaning = "providers among which the least busy is taken, a warm one first"
    });
    list.add("routes", route_rows());
    list.add_free("routes.aliases.*",
                  {.name = "*",
                   .kind = SettingKind::id,
                   .sample = "clips",
                   .meaning = "another name of a chain, as callers may say it"});
    list.add("routes.chains.*", chain_rows());
    list.add("routes.chains.*.steps[]", step_rows());
    list.add("health", health_rows());
    list.add("breaker", breaker_rows());
    list.add("log", log_rows());
    return std::move(list.all);
}

// "auth.keys[2].secret" fits "auth.keys[].secret", "providers.x.plugin" fits "providers.*.plugin".
bool fits(std::string_view key, std::string_view pattern)
{
    while (!pattern.empty()) {
        if (pattern.front() == '*') {
            const std::size_t end = key.find_first_of(".[");
            key.remove_prefix(std::min(end, key.size()));
            pattern.remove_prefix(1);
        } else if (pattern.substr(0, 2) == "[]") {
            const std::size_t end = key.find(']');
            if (key.empty() || key.front() != '[' || end == std::string_view::npos) return false;
            key.remove_prefix(end + 1);
            pattern.remove_prefix(2);
        } else {
            if (key.empty() || key.front() != pattern.front()) return false;
            key.remove_prefix(1);
            pattern.remove_prefix(1);
        }
    }
    return key.empty();
}

// A text that reads back as the same text, plain where that is possible.
std::string text_of(const std::string& text)
{
    ConfigNode node;
    node.kind = ConfigNode::Kind::scalar;
    node.text = text;
    constexpr std::string_view kPlain =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-./";
    const bool plain = !text.empty() && text.find_first_not_of(kPlain) == std::string::npos &&
                       text.front() != '-' && core_type(node) == CoreType::text;
    return plain ? text : json_quoted(text);
}

std::string list_of(const std::vector<std::string>& texts)
{
    std::string list = "[";
    for (const std::string& text : texts)
        list += (list.size() > 1 ? ", " : "") + text_of(text);
    return list + "]";
}

struct Print {
    SettingKind kind;

    std::string operator()(std::monostate) const { return ""; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::uint64_t value) const
    {
        return kind == SettingKind::size ? bytes_text(value) : std::to_string(value);
    }
    std::string operator()(const std::string& value) const
    {
        return value.empty() ? "" : text_of(value);
    }
    std::string operator()(std::chrono::milliseconds value) const { return duration_text(value); }
    std::string operator()(Money value) const { return to_string(value); }
    std::string operator()(const std::vector<std::string>& value) const { return list_of(value); }
    std::string operator()(const Secret& value) const { return value.shown(); }
};

} // namespace

std::string_view to_string(SettingKind kind)
{
    constexpr std::array<std::string_view, 13> kNames{"boolean",
                                                      "integer",
                                                      "text",
                                                      "word",
                                                      "list",
                                                      "duration",
                                                      "size",
                                                      "usd",
                                                      "path",
                                                      "address",
                                                      "list of frame sizes",
                                                      "name",
                                                      "secret"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(Reload reload)
{
    constexpr std::array<std::string_view, 3> kNames{"none", "provider restart", "daemon restart"};
    return kNames[static_cast<std::size_t>(reload)];
}

const std::vector<ListedSetting>& all_settings()
{
    static const std::vector<ListedSetting> kAll = listed();
    return kAll;
}

const ListedSetting* setting_of(std::string_view key)
{
    const auto& all = all_settings();
    const auto found = std::find_if(
        all.begin(), all.end(), [key](const ListedSetting& s) { return fits(key, s.name); });
    return found == all.end() ? nullptr : &*found;
}

std::string value_text(const SettingValue& value, SettingKind kind)
{
    return std::visit(Print{kind}, value);
}

} // namespace reelgate
