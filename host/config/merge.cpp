#include "host/config/merge.hpp"

#include "host/config/reader.hpp"

#include <charconv>
#include <utility>

namespace reelgate {
namespace {

// The first step of `key`, which is taken off it: a name, or the number in brackets.
std::string_view take_step(std::string_view& key)
{
    if (!key.empty() && key.front() == '.') key.remove_prefix(1);
    const bool index = !key.empty() && key.front() == '[';
    const std::size_t end = index ? key.find(']') + 1 : key.find_first_of(".[");
    const std::string_view step = key.substr(0, end);
    key.remove_prefix(step.size());
    return step;
}

const ConfigNode* child(const ConfigNode& node, std::string_view step)
{
    if (step.front() != '[') return node.find(step);
    std::size_t index = 0;
    const auto read = std::from_chars(step.data() + 1, step.data() + step.size(), index);
    if (read.ec != std::errc() || !node.is_list() || index >= node.items.size()) return nullptr;
    return &node.items[index];
}

} // namespace

void merge_into(ConfigNode& below, ConfigNode above)
{
    if (below.is_map() && above.kind == ConfigNode::Kind::null) return;
    const bool maps = below.is_map() && above.is_map();
    if (!maps || is_secret_map(above) || is_secret_map(below)) {
        const std::string key = std::move(below.key);
        const Place key_place = std::move(below.key_place);
        below = std::move(above);
        below.key = key;
        below.key_place = key_place;
        return;
    }
    for (ConfigNode& item : above.items) {
        ConfigNode* known = below.find(item.key);
        if (known == nullptr) {
            below.items.push_back(std::move(item));
        } else {
            merge_into(*known, std::move(item));
        }
    }
}

const ConfigNode* node_at(const ConfigNode& tree, std::string_view key)
{
    const ConfigNode* node = &tree;
    while (node != nullptr && !key.empty()) {
        const std::string_view step = take_step(key);
        if (step.empty()) return nullptr;
        node = child(*node, step);
    }
    return node;
}

void put_at(ConfigNode& tree, std::string_view key, ConfigNode value)
{
    ConfigNode* node = &tree;
    while (!key.empty()) {
        if (!node->is_map()) {
            node->kind = ConfigNode::Kind::map;
            node->items.clear();
        }
        node = &node->member(take_step(key));
    }
    value.key = std::move(node->key);
    value.key_place = std::move(node->key_place);
    *node = std::move(value);
}

} // namespace reelgate
