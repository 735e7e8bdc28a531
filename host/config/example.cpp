#include "host/config/example.hpp"

#include "host/config/document.hpp"
#include "host/config/load.hpp"
#include "host/config/merge.hpp"
#include "host/config/table.hpp"
#include "host/config/units.hpp"

#include "host/base/log.hpp"

#include <vector>

namespace reelgate {
namespace {

std::string bound_text(std::uint64_t bound, SettingKind kind)
{
    switch (kind) {
    case SettingKind::duration:
        return duration_text(std::chrono::milliseconds(static_cast<std::int64_t>(bound)));
    case SettingKind::size:
        return bytes_text(bound);
    case SettingKind::money:
        return to_string(Money{static_cast<std::int64_t>(bound)});
    default:
        return std::to_string(bound);
    }
}

bool counts(SettingKind kind)
{
    return kind == SettingKind::integer || kind == SettingKind::duration ||
           kind == SettingKind::size || kind == SettingKind::money;
}

// "30s to 15m", "one of a, b": what it may be.
std::string limits_of(const SettingInfo& info)
{
    std::string text;
    for (const std::string_view word : info.words)
        text += (text.empty() ? "" : ", ") + std::string(word);
    if (!text.empty() || !counts(info.kind)) return text;
    text = bound_text(info.bounds.min, info.kind);
    if (info.bounds.min == info.bounds.max) return text;
    if (info.bounds.max == UINT64_MAX) return text + " or more";
    return text + " to " + bound_text(info.bounds.max, info.kind);
}

std::string section_of(const ListedSetting& setting)
{
    const std::size_t dot = setting.name.rfind('.');
    return dot == std::string::npos ? "" : setting.name.substr(0, dot);
}

std::vector<const ListedSetting*> settings_in(std::string_view section)
{
    std::vector<const ListedSetting*> found;
    for (const ListedSetting& setting : all_settings())
        if (section_of(setting) == section) found.push_back(&setting);
    return found;
}

std::string sample_of(const ListedSetting& setting)
{
    if (!setting.info.sample.empty()) return std::string(setting.info.sample);
    return setting.standard;
}

std::string described(const ListedSetting& setting)
{
    std::string text(setting.info.meaning);
    const std::string limits = limits_of(setting.info);
    if (!limits.empty()) text += " (" + limits + ")";
    return text;
}

// A settings line that is switched off has its '#' at the very left and no blank behind it that
// does not belong to it; prose has "# ".
void off(std::string& text, const std::string& line) { text += "#" + line + "\n"; }

void prose(std::string& text, const std::string& indent, const std::string& words)
{
    text += indent + "# " + words + "\n";
}

// The settings of a section, each switched on where the built-in text has it.
void add_map(std::string& text, const std::string& section, const ConfigNode& built_in)
{
    const std::string indent = section.empty() ? "" : "  ";
    if (!section.empty()) {
        text += '\n';
        if (built_in.find(section) != nullptr) {
            text += section + ":\n";
        } else {
            off(text, section + ":");
        }
    }
    for (const ListedSetting* setting : settings_in(section)) {
        prose(text, indent, described(*setting));
        const std::string name = indent + std::string(setting->info.name) + ": ";
        const ConfigNode* written = node_at(built_in, setting->name);
        if (written == nullptr) {
            off(text, name + sample_of(*setting));
        } else {
            text += name + (written->quoted ? json_quoted(written->text) : written->text) + "\n";
        }
    }
}

// One entry of a list or of a map, all switched off. `first` begins its first line.
void add_entry(std::string& text, const std::string& section, const std::string& first)
{
    const std::string indent(first.size(), ' ');
    bool is_first = true;
    for (const ListedSetting* setting : settings_in(section)) {
        if (setting->info.name == "*") continue;
        prose(text, indent, described(*setting));
        off(text,
            (is_first ? first : indent) + std::string(setting->info.name) + ": " +
                sample_of(*setting));
        is_first = false;
    }
}

// The built-in text from the line `from` up to the line `to`.
std::string built_in_part(std::string_view from, std::string_view to)
{
    const std::string_view text = built_in_config();
    const std::size_t begin = text.find("\n" + std::string(from) + "\n") + 1;
    const std::size_t end = to.empty() ? text.size() : text.find("\n" + std::string(to) + "\n");
    std::string part(text.substr(begin, end - begin));
    while (!part.empty() && part.back() == '\n')
        part.pop_back();
    return part + "\n";
}

void add_keys(std::string& text)
{
    text += "\n# Who may call. Without keys everybody on this machine may.\n";
    off(text, "auth:");
    off(text, "  keys:");
    add_entry(text, "auth.keys[]", "    - ");
}

void add_gpus(std::string& text)
{
    text += '\n';
    off(text, "gpus:");
    add_entry(text, "gpus[]", "  - ");
}

void add_providers(std::string& text)
{
    text += "\n" + built_in_part("providers:", "routes:");
    prose(text, "  ", "Every setting of a provider. What else stands in one is its plugin's.");
    off(text, "  another:");
    add_entry(text, "providers.*", "    ");
    prose(text, "    ", "Its models; none given: all that the plugin has.");
    off(text, "    models:");
    add_entry(text, "providers.*.models[]", "      - ");
    text += "\n# Several providers that a step may name as one.\n";
    off(text, "pools:");
    for (const ListedSetting* setting : settings_in("pools")) {
        prose(text, "  ", described(*setting));
        off(text, "  either: " + sample_of(*setting));
    }
}

void add_routes(std::string& text)
{
    text += "\n" + built_in_part("routes:", "");
    prose(text, "    ", "Every setting of a chain.");
    off(text, "    another:");
    add_entry(text, "routes.chains.*", "      ");
    off(text, "      steps:");
    add_entry(text, "routes.chains.*.steps[]", "        - ");
    for (const ListedSetting* setting : settings_in("routes.aliases")) {
        prose(text, "  ", described(*setting));
        off(text, "  aliases:");
        off(text, "    quick: " + sample_of(*setting));
    }
}

std::string cell(std::string text)
{
    for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2))
        text.insert(at, "\\");
    return text;
}

std::string code_cell(const std::string& text)
{
    return text.empty() ? "" : "`" + cell(text) + "`";
}

std::string reference_row(const ListedSetting& setting)
{
    const SettingInfo& info = setting.info;
    std::string standard = setting.standard;
    if (info.required) standard.clear();
    std::string meaning(info.meaning);
    if (info.required) meaning += "; must be given";
    if (info.by_api) meaning += "; may be changed through the API";
    const std::string name(info.name == "*" ? std::string_view("NAME") : info.name);
    return "| `" + name + "` | " + std::string(to_string(info.kind)) + " | " + code_cell(standard) +
           " | " + cell(limits_of(info)) + " | " + std::string(to_string(info.reload)) + " | " +
           cell(meaning) + " |\n";
}

} // namespace

std::string example_config()
{
    Findings findings;
    const ConfigNode built_in = parse_document(built_in_config(), "built-in", findings);
    std::string text = "# Every setting of Reelgate. A line that begins with # and a name is\n"
                       "# switched off and shows what holds without it, or an example.\n"
                       "# `reelgate config check` says what is wrong with a changed file.\n";
    add_map(text, "", built_in);
    for (const char* section : {"server", "plugins", "jobs"})
        add_map(text, section, built_in);
    add_keys(text);
    add_gpus(text);
    add_providers(text);
    add_routes(text);
    for (const char* section : {"health", "breaker", "log"})
        add_map(text, section, built_in);
    return text;
}

std::string settings_reference()
{
    std::string text;
    std::string section = "-";
    for (const ListedSetting& setting : all_settings()) {
        if (section_of(setting) != section) {
            section = section_of(setting);
            text += (text.empty() ? "" : "\n");
            text += "### " + (section.empty() ? "At the top" : "`" + section + "`") + "\n\n";
            text += "| setting | kind | standard | may be | a change takes | means |\n";
            text += "|---|---|---|---|---|---|\n";
        }
        text += reference_row(setting);
    }
    return text;
}

} // namespace reelgate
