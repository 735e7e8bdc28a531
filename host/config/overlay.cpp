#include "host/config/overlay.hpp"

#include "host/base/file.hpp"
#include "host/base/log.hpp"
#include "host/config/document.hpp"
#include "host/config/merge.hpp"
#include "host/config/table.hpp"

#include <algorithm>
#include <charconv>

namespace reelgate {
namespace {

constexpr std::string_view kRevision = "x-revision";

std::uint64_t revision_in(const ConfigNode& tree)
{
    std::uint64_t revision = 0;
    if (const ConfigNode* node = tree.find(kRevision))
        std::from_chars(node->text.data(), node->text.data() + node->text.size(), revision);
    return revision;
}

// The scalars of the tree, each with its key.
void collect(const ConfigNode& node,
             const std::string& key,
             std::vector<std::pair<std::string, const ConfigNode*>>& leaves)
{
    if (node.kind == ConfigNode::Kind::null) return;
    if (!node.is_map()) {
        leaves.emplace_back(key, &node);
        return;
    }
    for (const ConfigNode& item : node.items)
        if (item.key != kRevision) collect(item, key_below(key, item.key), leaves);
}

// The provider or pool that an entry speaks of.
std::string spoken_of(const std::string& key, const ConfigNode& value)
{
    if (key == "video_provider") return value.text;
    const std::size_t from = key.find('.') + 1;
    return key.substr(from, key.find('.', from) - from);
}

bool is_there(const std::string& name, const ConfigNode& below)
{
    if (name == "auto") return true;
    for (const std::string_view section : {"providers", "pools"}) {
        const ConfigNode* map = below.find(section);
        if (map != nullptr && map->find(name) != nullptr) return true;
    }
    return false;
}

ConfigNode empty_map(const std::string& source)
{
    ConfigNode tree;
    tree.kind = ConfigNode::Kind::map;
    tree.place = {source, 1, 1};
    return tree;
}

// A map without a value in it is not written: it would say nothing, and look like a slip.
std::string members_text(const ConfigNode& map, const std::string& indent)
{
    std::string text;
    for (const ConfigNode& item : map.items) {
        if (item.key == kRevision) continue;
        if (item.is_map()) {
            const std::string inner = members_text(item, indent + "  ");
            if (!inner.empty()) text += indent + item.key + ":\n" + inner;
        } else if (item.is_scalar()) {
            text += indent + item.key + ": " + (item.quoted ? json_quoted(item.text) : item.text);
            text += '\n';
        }
    }
    return text;
}

std::string overlay_text(const ConfigNode& tree, std::uint64_t revision)
{
    return "# Changes made while the daemon ran; they win over the files of the operator.\n"
           "# Remove this file, with the daemon stopped, to take all of them back.\n" +
           std::string(kRevision) + ": " + std::to_string(revision) + "\n" + members_text(tree, "");
}

} // namespace

bool may_change(std::string_view key)
{
    const ListedSetting* setting = setting_of(key);
    return setting != nullptr && setting->info.by_api;
}

std::filesystem::path overlay_file(const std::filesystem::path& data_dir)
{
    return data_dir / "config-overlay.yaml";
}

std::optional<Overlay>
read_overlay(const std::filesystem::path& data_dir, const ConfigNode& below, Findings& findings)
{
    Overlay overlay{.file = overlay_file(data_dir), .tree = {}};
    std::error_code unknown;
    if (!std::filesystem::exists(overlay.file, unknown)) return std::nullopt;
    const ConfigNode written = read_document(overlay.file, findings);
    overlay.revision = revision_in(written);
    overlay.tree = empty_map(overlay.file.string());
    std::vector<std::pair<std::string, const ConfigNode*>> leaves;
    collect(written, "", leaves);
    for (const auto& [key, value] : leaves) {
        if (!may_change(key)) {
            findings.error(value->place, "not_changeable", key, "may not stand in the overlay");
        } else if (!is_there(spoken_of(key, *value), below)) {
            findings.warning(value->place,
                             "overlay_stale",
                             key,
                             "there is no `" + spoken_of(key, *value) + "` any more");
        } else {
            put_at(overlay.tree, key, *value);
        }
    }
    return overlay;
}

Result<std::uint64_t> write_overlay(const std::filesystem::path& data_dir,
                                    const std::vector<OverlayChange>& changes,
                                    std::optional<std::uint64_t> expected)
{
    const std::filesystem::path file = overlay_file(data_dir);
    Findings broken;
    std::error_code unknown;
    ConfigNode tree = std::filesystem::exists(file, unknown) ? read_document(file, broken)
                                                             : empty_map(file.string());
    if (broken.has_errors()) return invalid(broken.first_error(), "overlay_broken");
    const std::uint64_t revision = revision_in(tree);
    if (expected && *expected != revision)
        return invalid("the overlay is at revision " + std::to_string(revision) + ", not " +
                           std::to_string(*expected),
                       "overlay_changed");
    for (const OverlayChange& change : changes) {
        if (!may_change(change.key))
            return invalid(change.key + " cannot be changed while the daemon runs",
                           "not_changeable");
        ConfigNode value;
        if (change.value) {
            Findings findings;
            ConfigNode wrapped = parse_document("v: " + *change.value, "", findings);
            const ConfigNode* parsed = wrapped.find("v");
            if (findings.has_errors() || wrapped.items.size() != 1 || parsed == nullptr ||
                !parsed->is_scalar())
                return invalid(change.key + ": `" + *change.value + "` is no value", "bad_value");
            value = *parsed;
        }
        put_at(tree, change.key, std::move(value));
    }
    RG_CHECK(replace_file(file, overlay_text(tree, revision + 1)));
    return revision + 1;
}

} // namespace reelgate
