// Single values: what reader.hpp promises about them.
#include "host/config/reader.hpp"
#include "host/config/units.hpp"

#include "host/model/capability.hpp"

#include <algorithm>
#include <charconv>
#include <sys/stat.h>

namespace reelgate {
namespace {

// A value that a variable or a file gave may be none of anybody's business.
std::string quoted(const ConfigNode& node)
{
    if (!node.origin.empty()) return "the value of " + node.origin;
    return "`" + node.text + "`";
}

std::nullopt_t wrong(const ConfigNode& node,
                     const std::string& key,
                     Reading& in,
                     std::string code,
                     std::string message)
{
    in.findings.error(node.place, std::move(code), key, std::move(message));
    return std::nullopt;
}

std::nullopt_t
wrong_type(const ConfigNode& node, const std::string& key, Reading& in, std::string_view wanted)
{
    return wrong(node,
                 key,
                 in,
                 "wrong_type",
                 std::string(wanted) + " is wanted, and this is " + std::string(kind_text(node)));
}

CoreType type_of(const ConfigNode& node)
{
    if (node.origin.empty()) return core_type(node);
    ConfigNode plain = node;
    plain.quoted = false;
    return core_type(plain);
}

bool check_bounds(std::uint64_t number,
                  const ConfigNode& node,
                  const SettingInfo& info,
                  const std::string& key,
                  Reading& in)
{
    if (number >= info.bounds.min && number <= info.bounds.max) return true;
    const auto text = [&](std::uint64_t bound) {
        if (info.kind == SettingKind::duration)
            return duration_text(std::chrono::milliseconds(static_cast<std::int64_t>(bound)));
        if (info.kind == SettingKind::size) return bytes_text(bound);
        if (info.kind == SettingKind::money)
            return to_string(Money{static_cast<std::int64_t>(bound)});
        return std::to_string(bound);
    };
    wrong(node,
          key,
          in,
          "out_of_bounds",
          "must be from " + text(info.bounds.min) + " to " + text(info.bounds.max));
    return false;
}

std::optional<SettingValue>
read_boolean(const ConfigNode& node, const std::string& key, Reading& in)
{
    if (!node.is_scalar() || type_of(node) != CoreType::boolean) {
        wrong_type(node, key, in, "true or false");
        return std::nullopt;
    }
    return node.text.front() == 't' || node.text.front() == 'T';
}

std::optional<SettingValue>
read_integer(const ConfigNode& node, const SettingInfo& info, const std::string& key, Reading& in)
{
    if (!node.is_scalar() || type_of(node) != CoreType::integer)
        return wrong_type(node, key, in, "a whole number");
    std::uint64_t number = 0;
    const char* end = node.text.data() + node.text.size();
    const auto read = std::from_chars(node.text.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end)
        return wrong(
            node, key, in, "out_of_bounds", quoted(node) + " is not a number that fits here");
    if (!check_bounds(number, node, info, key, in)) return std::nullopt;
    return number;
}

std::optional<SettingValue>
read_amount(const ConfigNode& node, const SettingInfo& info, const std::string& key, Reading& in)
{
    if (!node.is_scalar()) return wrong_type(node, key, in, to_string(info.kind));
    const auto failed = [&](const Error& error) { // which may quote the value in its turn
        const std::string why =
            node.origin.empty() ? ": " + error.text : " is no " + std::string(to_string(info.kind));
        return wrong(node, key, in, error.code, quoted(node) + why);
    };
    if (info.kind == SettingKind::duration) {
        const auto duration = duration_from(node.text);
        if (!duration) return failed(duration.error());
        if (!check_bounds(static_cast<std::uint64_t>(duration->count()), node, info, key, in))
            return std::nullopt;
        return *duration;
    }
    if (info.kind == SettingKind::size) {
        const auto bytes = bytes_from(node.text);
        if (!bytes) return failed(bytes.error());
        if (!check_bounds(*bytes, node, info, key, in)) return std::nullopt;
        return *bytes;
    }
    const auto money = money_from(node.text);
    if (!money) return failed(money.error());
    if (!check_bounds(static_cast<std::uint64_t>(money->micros), node, info, key, in))
        return std::nullopt;
    return *money;
}

bool is_word(const std::string& word,
             const ConfigNode& node,
             const SettingInfo& info,
             const std::string& key,
             Reading& in)
{
    if (std::find(info.words.begin(), info.words.end(), word) != info.words.end()) return true;
    Finding finding{Severity::error, node.place, "bad_word", key};
    std::vector<std::string> words(info.words.begin(), info.words.end());
    finding.message = quoted(node) + " is none of ";
    for (std::size_t i = 0; i < words.size(); ++i)
        finding.message += (i > 0 ? ", " : "") + words[i];
    const std::string nearest = nearest_name(word, words);
    if (!nearest.empty()) finding.suggestion = "did you mean `" + nearest + "`?";
    in.findings.add(std::move(finding));
    return false;
}

std::optional<std::string> text_in(const ConfigNode& node, const std::string& key, Reading& in)
{
    const bool text = node.is_scalar() && core_type(node) == CoreType::text;
    if (text || (node.is_scalar() && !node.origin.empty())) return node.text;
    if (!node.is_scalar()) return wrong_type(node, key, in, "a text");
    Finding finding{Severity::error, node.place, "wrong_type", key};
    finding.message = "a text is wanted, and this is " + std::string(kind_text(node));
    finding.suggestion = "put it in quotes";
    in.findings.add(std::move(finding));
    return std::nullopt;
}

std::optional<SettingValue>
read_text(const ConfigNode& node, const SettingInfo& info, const std::string& key, Reading& in)
{
    const auto text = text_in(node, key, in);
    if (!text) return std::nullopt;
    switch (info.kind) {
    case SettingKind::word:
        if (!is_word(*text, node, info, key, in)) return std::nullopt;
        break;
    case SettingKind::id:
        if (!check_id(*text, node.place, key, in)) return std::nullopt;
        break;
    case SettingKind::path:
        if (text->empty()) return wrong(node, key, in, "bad_path", "is empty");
        return path_written(*text, node.place, in.world).string();
    case SettingKind::address:
        if (const auto address = listen_address_from(*text); !address)
            return wrong(
                node, key, in, address.error().code, quoted(node) + ": " + address.error().text);
        break;
    default:
        if (!check_bounds(text->size(), node, info, key, in)) return std::nullopt;
    }
    return *text;
}

bool check_entry(const std::string& text,
                 const ConfigNode& node,
                 const SettingInfo& info,
                 const std::string& key,
                 Reading& in)
{
    if (info.kind == SettingKind::frame_sizes && !frame_size_from(text)) {
        wrong(node, key, in, "bad_frame_size", quoted(node) + ": a frame size is WIDTHxHEIGHT");
        return false;
    }
    return info.words.empty() || is_word(text, node, info, key, in);
}

// From the environment or the command line a list comes as one text with commas.
ConfigNode split(const ConfigNode& node)
{
    ConfigNode list;
    list.kind = ConfigNode::Kind::list;
    list.place = node.place;
    std::size_t from = 0;
    while (from <= node.text.size() && !node.text.empty()) {
        const std::size_t comma = std::min(node.text.find(',', from), node.text.size());
        ConfigNode item = node;
        item.text = node.text.substr(from, comma - from);
        list.items.push_back(std::move(item));
        from = comma + 1;
    }
    return list;
}

std::optional<SettingValue>
read_texts(const ConfigNode& node, const SettingInfo& info, const std::string& key, Reading& in)
{
    if (node.is_scalar() && !node.origin.empty()) return read_texts(split(node), info, key, in);
    if (!node.is_list()) return wrong_type(node, key, in, "a list");
    if (!check_bounds(node.items.size(), node, info, key, in)) return std::nullopt;
    std::vector<std::string> texts;
    bool whole = true;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
        const ConfigNode& item = node.items[i];
        const std::string item_key = key_below(key, i);
        const auto text = text_in(item, item_key, in);
        if (text && check_entry(*text, item, info, item_key, in)) {
            texts.push_back(*text);
        } else {
            whole = false;
        }
    }
    if (!whole) return std::nullopt;
    return texts;
}

std::optional<SettingValue>
read_secret_value(const ConfigNode& node, const std::string& key, Reading& in)
{
    auto read = read_secret(node, key, in);
    if (!read) return std::nullopt;
    if (!read->why_not.empty()) return wrong(node, key, in, "secret_missing", read->why_not);
    return std::move(read->secret);
}

// A file that every user of the machine can read holds no secret.
void check_secret_file(const Reference& reference,
                       const ConfigNode& node,
                       const std::string& key,
                       Reading& in)
{
    if (reference.from != Reference::From::file) return;
    const auto file = path_written(reference.name, node.place, in.world);
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0 || (facts.st_mode & S_IROTH) == 0) return;
    Finding finding{Severity::warning, node.place, "secret_file_open", key};
    finding.message = file.string() + " can be read by everybody on this machine";
    finding.suggestion = "chmod o-r " + file.string();
    in.findings.add(std::move(finding));
}

std::optional<Reference>
secret_reference(const ConfigNode& node, const std::string& key, Reading& in)
{
    if (!node.is_map()) return reference_in(node, key, in.findings);
    if (!is_secret_map(node) || node.items.size() != 1 || !node.items.front().is_scalar())
        return std::nullopt;
    const ConfigNode& item = node.items.front();
    const auto from = item.key == "env" ? Reference::From::environment : Reference::From::file;
    return Reference{from, item.text};
}

} // namespace

std::optional<SettingValue>
read_value(const ConfigNode& node, const SettingInfo& info, const std::string& key, Reading& in)
{
    const bool is_list = info.kind == SettingKind::texts || info.kind == SettingKind::frame_sizes;
    if (core_type(node) == CoreType::null && !node.is_list() && !node.is_map()) {
        if (is_list) return std::vector<std::string>();
        return wrong(node, key, in, "no_value", "has no value");
    }
    switch (info.kind) {
    case SettingKind::boolean:
        return read_boolean(node, key, in);
    case SettingKind::integer:
        return read_integer(node, info, key, in);
    case SettingKind::duration:
    case SettingKind::size:
    case SettingKind::money:
        return read_amount(node, info, key, in);
    case SettingKind::texts:
    case SettingKind::frame_sizes:
        return read_texts(node, info, key, in);
    case SettingKind::secret:
        return read_secret_value(node, key, in);
    default:
        return read_text(node, info, key, in);
    }
}

std::optional<ReadSecret> read_secret(const ConfigNode& node, const std::string& key, Reading& in)
{
    const std::size_t errors = in.findings.errors();
    const auto reference = secret_reference(node, key, in);
    if (in.findings.errors() > errors) return std::nullopt; // a reference that cannot be read
    if (!reference && node.is_scalar() && core_type(node) != CoreType::null) {
        if (in.inline_secrets) return ReadSecret{Secret(node.text, "inline")};
        Finding finding{Severity::error, node.place, "inline_secret", key};
        finding.message = "a secret does not stand in the file itself";
        finding.suggestion = "write { env: NAME } or { file: path }, or allow_inline_secrets: true";
        in.findings.add(std::move(finding));
        return std::nullopt;
    }
    if (!reference) {
        return wrong(node, key, in, "bad_secret", "a secret is { env: NAME } or { file: path }");
    }
    Fetched fetched = fetch(*reference, node.place, in.world);
    if (fetched.value && !fetched.value->empty()) {
        check_secret_file(*reference, node, key, in);
        return ReadSecret{Secret(*std::move(fetched.value), to_string(*reference))};
    }
    if (fetched.value) fetched.why_not = to_string(*reference) + " is empty";
    return ReadSecret{Secret("", to_string(*reference)), fetched.why_not};
}

bool is_secret_map(const ConfigNode& node)
{
    return node.is_map() && !node.items.empty() &&
           std::all_of(node.items.begin(), node.items.end(), [](const ConfigNode& item) {
               return item.key == "env" || item.key == "file";
           });
}

bool is_secret_name(std::string_view name)
{
    constexpr std::array<std::string_view, 8> kEndings{"secret",
                                                       "password",
                                                       "passphrase",
                                                       "token",
                                                       "api_key",
                                                       "authorization",
                                                       "credentials",
                                                       "cookie"};
    std::string plain;
    for (const char c : name)
        plain += c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) {
        return plain.size() >= ending.size() &&
               plain.compare(plain.size() - ending.size(), ending.size(), ending) == 0;
    });
}

bool is_config_id(std::string_view text)
{
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return !text.empty() && text.size() <= 64 &&
           text.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool check_id(std::string_view id, const Place& place, const std::string& key, Reading& in)
{
    if (is_config_id(id)) return true;
    in.findings.error(place, "bad_id", key, "a name has 1 to 64 letters, digits, '_' and '-'");
    return false;
}

} // namespace reelgate
