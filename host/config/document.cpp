#include "host/config/document.hpp"

#include "host/base/file.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <sstream>
#include <unistd.h>
#include <unordered_map>
#include <utility>

namespace reelgate {
namespace {

// Thrown through yaml-cpp to end its work early; the finding is already written down.
struct Enough : std::exception {};

// Of YAML's own tags only the ones that yaml-cpp gives to what carries none: "?" plain, "!" quoted.
bool is_no_tag(const std::string& tag) { return tag.empty() || tag == "?" || tag == "!"; }

class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(std::string source, Findings& findings, DocumentLimits limits)
        : source_(std::move(source)), findings_(findings), limits_(limits)
    {
    }

    ConfigNode take() { return std::move(root_); }

    void OnDocumentStart(
        const YAML::Mark& mark) override // NOLINT(readability-identifier-naming): theirs
    {
        if (documents_++ == 0) return;
        findings_.error(at(mark), "second_document", "", "one document a file");
        throw Enough();
    }
    void OnDocumentEnd() override {} // NOLINT(readability-identifier-naming): theirs

    void OnNull(const YAML::Mark& mark,
                YAML::anchor_t anchor) override // NOLINT(readability-identifier-naming): theirs
    {
        ConfigNode node;
        node.place = at(mark);
        leaf(std::move(node), anchor);
    }

    void OnScalar(const YAML::Mark& mark, // NOLINT(readability-identifier-naming): theirs
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  const std::string& value) override
    {
        refuse_tag(mark, tag);
        ConfigNode node;
        node.kind = ConfigNode::Kind::scalar;
        node.place = at(mark);
        node.text = value;
        node.quoted = tag == "!";
        leaf(std::move(node), anchor);
    }

    void OnAlias(const YAML::Mark& mark,
                 YAML::anchor_t anchor) override // NOLINT(readability-identifier-naming): theirs
    {
        const auto known = anchors_.find(anchor);
        if (known == anchors_.end()) {
            findings_.error(at(mark), "alias_loop", "", "the alias stands inside its own anchor");
            throw Enough();
        }
        count(mark, known->second.count());
        ConfigNode copy = known->second;
        finish(std::move(copy), 0);
    }

    void OnSequenceStart(const YAML::Mark& mark, // NOLINT(readability-identifier-naming): theirs
                         const std::string& tag,
                         YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override
    {
        open(mark, tag, anchor, ConfigNode::Kind::list);
    }
    void OnSequenceEnd() override { close(); } // NOLINT(readability-identifier-naming): theirs

    void OnMapStart(const YAML::Mark& mark, // NOLINT(readability-identifier-naming): theirs
                    const std::string& tag,
                    YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override
    {
        open(mark, tag, anchor, ConfigNode::Kind::map);
    }
    void OnMapEnd() override { close(); } // NOLINT(readability-identifier-naming): theirs

private:
    struct Open {
        ConfigNode node;
        YAML::anchor_t anchor = 0;
        std::optional<ConfigNode> key = {}; // of the member that comes next
    };

    Place at(const YAML::Mark& mark) const
    {
        return {source_,
                static_cast<std::uint32_t>(std::max(mark.line, 0)) + 1,
                static_cast<std::uint32_t>(std::max(mark.column, 0)) + 1};
    }

    void refuse_tag(const YAML::Mark& mark, const std::string& tag)
    {
        if (is_no_tag(tag)) return;
        findings_.error(at(mark), "tag", "", "the tag `" + tag + "` is not understood here");
    }

    void count(const YAML::Mark& mark, std::size_t more)
    {
        nodes_ += more;
        if (nodes_ <= limits_.nodes) return;
        const std::string most = std::to_string(limits_.nodes);
        findings_.error(at(mark), "too_many_values", "", "more than " + most + " values");
        throw Enough();
    }

    void open(const YAML::Mark& mark,
              const std::string& tag,
              YAML::anchor_t anchor,
              ConfigNode::Kind kind)
    {
        refuse_tag(mark, tag);
        count(mark, 1);
        if (stack_.size() >= limits_.depth) {
            const std::string most = std::to_string(limits_.depth);
            findings_.error(at(mark), "too_deep", "", "more than " + most + " levels");
            throw Enough();
        }
        Open opened;
        opened.node.kind = kind;
        opened.node.place = at(mark);
        opened.anchor = anchor;
        stack_.push_back(std::move(opened));
    }

    void close()
    {
        Open done = std::move(stack_.back());
        stack_.pop_back();
        finish(std::move(done.node), done.anchor);
    }

    void leaf(ConfigNode node, YAML::anchor_t anchor)
    {
        nodes_ += 1;
        if (nodes_ > limits_.nodes) {
            const std::string most = std::to_string(limits_.nodes);
            findings_.error(node.place, "too_many_values", "", "more than " + most + " values");
            throw Enough();
        }
        finish(std::move(node), anchor);
    }

    // Puts what is whole where it belongs.
    void finish(ConfigNode node, YAML::anchor_t anchor)
    {
        if (anchor != 0) anchors_[anchor] = node;
        if (stack_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = stack_.back();
        if (parent.node.is_list()) {
            parent.node.items.push_back(std::move(node));
        } else if (!parent.key) {
            parent.key = std::move(node);
        } else {
            add_member(parent, std::move(node));
        }
    }

    void add_member(Open& parent, ConfigNode value)
    {
        const ConfigNode key = *std::exchange(parent.key, std::nullopt);
        if (!key.is_scalar()) {
            findings_.error(key.place, "bad_key", "", "a key must be a text");
            return;
        }
        if (key.text == "<<" && !key.quoted) {
            findings_.error(key.place, "merge_key", "", "merge keys are not understood here");
            return;
        }
        if (const ConfigNode* first = parent.node.find(key.text)) {
            const std::string line = std::to_string(first->key_place.line);
            findings_.error(key.place,
                            "duplicate_key",
                            "",
                            "`" + key.text + "` is given twice, first in line " + line);
            return;
        }
        value.key = key.text;
        value.key_place = key.place;
        // Where nothing is written, yaml-cpp names the place of what comes next.
        if (value.kind == ConfigNode::Kind::null && value.place.line != key.place.line)
            value.place = key.place;
        parent.node.items.push_back(std::move(value));
    }

    std::string source_;
    Findings& findings_;
    DocumentLimits limits_;
    std::vector<Open> stack_;
    std::unordered_map<YAML::anchor_t, ConfigNode> anchors_;
    ConfigNode root_;
    std::size_t nodes_ = 0;
    unsigned documents_ = 0;
};

Place place_of_byte(std::string_view text, std::size_t at, const std::string& source)
{
    const std::string_view before = text.substr(0, at);
    const std::size_t line_start = before.rfind('\n') + 1; // npos + 1 is 0
    const auto lines = std::count(before.begin(), before.end(), '\n');
    return {source,
            static_cast<std::uint32_t>(lines) + 1,
            static_cast<std::uint32_t>(at - line_start) + 1};
}

// How many bytes the UTF-8 character at `at` has, or 0 if it is none.
std::size_t character_at(std::string_view text, std::size_t at)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(at);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(at + i) & 0xC0U) != 0x80) return 0;
    const unsigned second = byte(at + 1);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return length;
}

// yaml-cpp guesses encodings and repairs what it cannot read; a file of ours is UTF-8 or refused.
bool is_text(std::string_view text, const std::string& source, Findings& findings)
{
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = character_at(text, at);
        const auto byte = static_cast<unsigned char>(text[at]);
        const bool control =
            byte == 0x7F || (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t');
        if (length == 0 || control) {
            findings.error(place_of_byte(text, at, source),
                           "not_text",
                           "",
                           control ? "a control character" : "the file is not UTF-8");
            return false;
        }
        at += length;
    }
    return true;
}

// Brackets deeper than any lawful file has them never reach yaml-cpp, whose scanner and parser
// work recursively on some of them. Brackets in texts and comments count too: a file with so many
// in a row is no configuration.
bool is_flat_enough(std::string_view text,
                    const std::string& source,
                    std::size_t most,
                    Findings& findings)
{
    std::size_t depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '[' || c == '{') {
            if (++depth <= most) continue;
            findings.error(place_of_byte(text, at, source),
                           "too_deep",
                           "",
                           "more than " + std::to_string(most) + " brackets are open");
            return false;
        }
        if ((c == ']' || c == '}') && depth > 0) --depth;
    }
    return true;
}

} // namespace

bool is_utf8(std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = character_at(text, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

ConfigNode parse_document(std::string_view text,
                          const std::string& source,
                          Findings& findings,
                          DocumentLimits limits)
{
    ConfigNode empty;
    empty.kind = ConfigNode::Kind::map;
    empty.place = {source, 1, 1};
    if (text.size() > limits.bytes) {
        findings.error({source, 1, 1},
                       "too_large",
                       "",
                       "more than " + std::to_string(limits.bytes) + " bytes");
        return empty;
    }
    if (!is_text(text, source, findings)) return empty;
    if (!is_flat_enough(text, source, 2 * limits.depth, findings)) return empty;

    TreeBuilder builder(source, findings, limits);
    try {
        // yaml-cpp takes a quote that is open at the end for closed if only blanks follow it; a
        // comment of ours behind the text makes it look.
        const bool whole_line = text.empty() || text.back() == '\n';
        std::istringstream stream{std::string(text) + (whole_line ? "#" : "\n#")};
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const Enough&) {
        return empty;
    } catch (const YAML::Exception& broken) {
        const bool placed = broken.mark.line >= 0;
        Place place{source, 1, 1};
        if (placed) {
            place.line = static_cast<std::uint32_t>(broken.mark.line) + 1;
            place.column = static_cast<std::uint32_t>(std::max(broken.mark.column, 0)) + 1;
        }
        findings.error(place, "syntax", "", broken.msg);
        return empty;
    } catch (const std::exception& broken) {
        findings.error({source, 1, 1}, "syntax", "", broken.what());
        return empty;
    }
    ConfigNode root = builder.take();
    if (root.kind == ConfigNode::Kind::null) return empty;
    if (!root.is_map()) {
        findings.error(root.place, "not_a_map", "", "a configuration is a map of settings");
        return empty;
    }
    return root;
}

ConfigNode read_document(const std::filesystem::path& file, Findings& findings)
{
    const auto text = read_file(file, DocumentLimits{}.bytes);
    if (text) return parse_document(*text, file.string(), findings);
    findings.error({file.string()}, text.error().code, "", text.error().text);
    ConfigNode empty;
    empty.kind = ConfigNode::Kind::map;
    empty.place = {file.string()};
    return empty;
}

std::optional<std::string> ConfigWorld::variable(const std::string& name) const
{
    const auto found = environment.find(name);
    if (found == environment.end()) return std::nullopt;
    return found->second;
}

std::filesystem::path ConfigWorld::home() const { return variable("HOME").value_or(""); }

ConfigWorld process_world()
{
    ConfigWorld world;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view line(*entry);
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        world.environment.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    std::error_code unknown;
    const auto here = std::filesystem::current_path(unknown);
    if (!unknown) world.directory = here;
    return world;
}

} // namespace reelgate
