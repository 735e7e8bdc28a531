#include "host/config/load.hpp"

#include "host/base/digest.hpp"
#include "host/config/checks.hpp"
#include "host/config/merge.hpp"
#include "host/config/overlay.hpp"
#include "host/config/reader.hpp"
#include "host/config/show.hpp"

#include <algorithm>
#include <charconv>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostParts = 64; // files in conf.d

// The file's neighbours in conf.d, by name.
std::vector<fs::path> parts_beside(const fs::path& file, Findings& findings)
{
    std::vector<fs::path> parts;
    std::error_code failed;
    const fs::path directory = file.parent_path() / "conf.d";
    for (const auto& entry : fs::directory_iterator(directory, failed))
        if (entry.path().extension() == ".yaml") parts.push_back(entry.path());
    std::sort(parts.begin(), parts.end());
    if (parts.size() > kMostParts) {
        findings.error({directory.string()},
                       "too_many_files",
                       "",
                       "more than " + std::to_string(kMostParts) + " files");
        parts.resize(kMostParts);
    }
    return parts;
}

ConfigNode outside_value(std::string text, const std::string& source, const std::string& origin)
{
    ConfigNode node;
    node.kind = ConfigNode::Kind::scalar;
    node.place.source = source;
    node.text = std::move(text);
    node.quoted = true;
    node.origin = origin;
    return node;
}

// What the environment says of one setting, directly or through a file.
void add_override(const std::string& key, Loaded& loaded, const ConfigWorld& world)
{
    const std::string name = override_name(key);
    if (name.empty()) return;
    const std::string file_name = name + "_FILE";
    const auto direct = world.variable(name);
    const auto file = world.variable(file_name);
    if (direct && file) {
        loaded.findings.error(
            {name}, "both_forms", key, name + " and " + file_name + " are both set");
        return;
    }
    if (direct) put_at(loaded.tree, key, outside_value(*direct, name, "env:" + name));
    if (!file) return;
    const Reference reference{Reference::From::file, *file};
    Fetched fetched = fetch(reference, {file_name}, world);
    if (!fetched.value) {
        loaded.findings.error({file_name}, "unreadable_file", key, fetched.why_not);
        return;
    }
    put_at(loaded.tree, key, outside_value(*fetched.value, file_name, to_string(reference)));
}

void add_outside(Loaded& loaded, const ConfigSources& sources)
{
    for (const ListedSetting& setting : all_settings())
        add_override(setting.name, loaded, sources.world);
    for (const ConfigFlag& flag : sources.flags)
        put_at(loaded.tree, flag.key, outside_value(flag.text, flag.option, flag.option));
}

void read_files(Loaded& loaded, const ConfigSources& sources)
{
    if (!sources.file) {
        const std::string_view text = sources.text ? *sources.text : built_in_config();
        const char* name = sources.text ? "text" : "built-in";
        loaded.tree = parse_document(text, name, loaded.findings);
        return;
    }
    loaded.tree = sources.text
                      ? parse_document(*sources.text, sources.file->string(), loaded.findings)
                      : read_document(*sources.file, loaded.findings);
    loaded.files.push_back(sources.file->string());
    for (const fs::path& part : parts_beside(*sources.file, loaded.findings)) {
        merge_into(loaded.tree, read_document(part, loaded.findings));
        loaded.files.push_back(part.string());
    }
}

// The overlay lies in the data directory, which everything but the overlay has a say in.
fs::path data_dir_of(const Loaded& loaded, const ConfigSources& sources)
{
    Loaded probe;
    probe.tree = loaded.tree;
    add_outside(probe, sources);
    Findings said_later;
    Reading in{sources.world, said_later};
    ServerSettings server;
    ConfigNode tree;
    tree.kind = ConfigNode::Kind::map;
    if (const ConfigNode* written = node_at(probe.tree, "server.data_dir"))
        put_at(tree, "data_dir", *written);
    resolve_references(tree, "server", in);
    read_rows(tree, "server", server_rows(), server, in);
    return path_written(server.data_dir.string(), {}, sources.world);
}

std::string revision_text(const Settings& settings)
{
    const Shown tree = shown(settings);
    std::string text;
    for (const Shown* leaf : values_of(tree))
        text += leaf->key + '=' + leaf->text + ' ' + leaf->note + '\n';
    return text;
}

std::uint64_t revision_of(const Settings& settings)
{
    const std::string digest = sha256_hex(revision_text(settings)).substr(0, 12);
    std::uint64_t number = 0;
    std::from_chars(digest.data(), digest.data() + digest.size(), number, 16);
    return number;
}

} // namespace

std::optional<fs::path> config_file(const std::optional<fs::path>& given, const ConfigWorld& world)
{
    if (given) return given;
    if (const auto named = world.variable("REELGATE_CONFIG"); named && !named->empty())
        return fs::path(*named);
    std::vector<fs::path> places{world.directory / "reelgate.yaml"};
    if (const auto user = world.variable("XDG_CONFIG_HOME"); user && !user->empty()) {
        places.push_back(fs::path(*user) / "reelgate" / "reelgate.yaml");
    } else if (!world.home().empty()) {
        places.push_back(world.home() / ".config" / "reelgate" / "reelgate.yaml");
    }
    places.emplace_back("/etc/reelgate/reelgate.yaml");
    std::error_code unknown;
    for (const fs::path& place : places)
        if (fs::exists(place, unknown)) return place;
    return std::nullopt;
}

Loaded load_config(const ConfigSources& sources)
{
    Loaded loaded;
    read_files(loaded, sources);
    const fs::path data_dir = data_dir_of(loaded, sources);
    if (auto overlay = read_overlay(data_dir, loaded.tree, loaded.findings)) {
        merge_into(loaded.tree, std::move(overlay->tree));
        loaded.files.push_back(overlay->file.string());
    }
    add_outside(loaded, sources);
    loaded.settings = read_settings(loaded.tree, sources.world, loaded.findings);
    loaded.settings.server.data_dir = data_dir;
    check_settings(loaded.settings, loaded.tree, loaded.findings);
    loaded.revision = revision_of(loaded.settings);
    return loaded;
}

std::string override_name(std::string_view key)
{
    if (key.find_first_of("[*") != std::string_view::npos) return {};
    if (key.rfind("server.", 0) == 0) key.remove_prefix(7);
    std::string name = "REELGATE_";
    for (const char c : key)
        name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c == '.' ? '_' : c;
    return name;
}

std::string origin_of(const Loaded& loaded, std::string_view key)
{
    const ConfigNode* node = node_at(loaded.tree, key);
    if (node == nullptr) return "default";
    std::string text = to_string(node->place);
    if (node->place.line == 0 && node->origin.rfind("env:", 0) == 0) text += " (environment)";
    return text;
}

} // namespace reelgate
