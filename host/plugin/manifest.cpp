#include "host/plugin/manifest.hpp"

#include "host/base/file.hpp"
#include "host/plugin/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace reelgate {
namespace {

using std::string;
using std::string_view;

// A manifest needs 2; deeper is an attack on a reader or a mistake.
constexpr std::size_t kDeepest = 8;
constexpr std::size_t kMostListed = 64;
constexpr std::size_t kLongestListed = 4096;

bool all_of(string_view text, bool (*legal)(char))
{
    return std::all_of(text.begin(), text.end(), legal);
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_version(string_view text)
{
    return !text.empty() && all_of(text, [](char c) {
        return is_lower(c) || is_upper(c) || is_digit(c) || c == '.' || c == '-' || c == '+' ||
               c == '_';
    });
}

bool is_word(string_view text)
{
    return !text.empty() &&
           all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-'; });
}

// One line of text for people: no control character that could forge a second line.
bool is_line(string_view text)
{
    return all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
}

bool is_file_name(string_view text)
{
    return is_inside_path(text) && text.find('/') == string_view::npos && text != ".";
}

bool is_variable(string_view text)
{
    if (text.empty() || is_digit(text.front())) return false;
    // These steer the loader and the wire, before the plugin's first instruction.
    if (text.substr(0, 3) == "LD_" || text.substr(0, 9) == "REELGATE_") return false;
    return all_of(text,
                  [](char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '_'; });
}

struct TextMember {
    string_view name;
    string Manifest::*where;
    bool required;
    std::size_t longest;
    bool (*legal)(string_view);
    string_view must_be;
    string_view code;
};

// clang-format off
constexpr std::array kTexts{
    TextMember{"id",      &Manifest::id,      true,  100, is_plugin_id,   "1 to 100 of a-z 0-9 . _ -, beginning with a letter or digit", "manifest_id"},
    TextMember{"version", &Manifest::version, true,  64,  is_version,     "1 to 64 letters, digits and . - + _",                         "manifest_version"},
    TextMember{"name",    &Manifest::name,    false, 200, is_line,        "one line of at most 200 bytes",                               "manifest_name"},
    TextMember{"license", &Manifest::license, false, 200, is_line,        "one line of at most 200 bytes",                               "manifest_license"},
    TextMember{"entry",   &Manifest::entry,   false, 255, is_inside_path, "a relative path that stays inside the plugin's directory",    "manifest_entry"},
    TextMember{"machine", &Manifest::machine, false, 32,  is_word,        "a machine as `uname -m` names it, such as x86_64",            "manifest_machine"},
    TextMember{"gpu",     &Manifest::gpu,     false, 32,  is_word,        "a word such as none, optional or required",                   "manifest_gpu"},
    TextMember{"files",   &Manifest::files,   false, 255, is_file_name,   "the name of a file in the plugin's directory",                "manifest_files"},
};
// clang-format on

// Names in the order of the enumerators.
constexpr std::array<string_view, 2> kRuntimes{"native", "exec"};
constexpr std::array<string_view, 2> kTransports{"fd", "stdio"};
constexpr std::array<string_view, 3> kEgresses{"none", "local", "cloud"};

constexpr std::array<string_view, 9> kOtherMembers{"schema",
                                                   "runtime",
                                                   "command",
                                                   "abi",
                                                   "transport",
                                                   "start_timeout_s",
                                                   "egress",
                                                   "environment",
                                                   "$schema"};

bool is_known(string_view member)
{
    const auto is_text = [member](const TextMember& row) { return row.name == member; };
    return std::any_of(kTexts.begin(), kTexts.end(), is_text) ||
           std::find(kOtherMembers.begin(), kOtherMembers.end(), member) != kOtherMembers.end();
}

string list_of(std::span<const string_view> names)
{
    string all;
    for (const string_view name : names)
        all += (all.empty() ? "" : ", ") + string(name);
    return all;
}

// Reads the members of one manifest and words what is wrong with them.
class Members {
public:
    Members(const Json& object, string file) : object_(object), file_(std::move(file)) {}

    Error wrong(string_view member, string_view must_be, string_view code) const
    {
        return invalid(file_ + ": \"" + string(member) + "\" must be " + string(must_be),
                       string(code));
    }

    const Json* find(string_view member) const
    {
        const auto found = object_.find(member);
        return found == object_.end() ? nullptr : &*found;
    }

    Result<Done> text(const TextMember& row, Manifest& into) const
    {
        const Json* value = find(row.name);
        if (value == nullptr && row.required)
            return invalid(file_ + ": \"" + string(row.name) + "\" is missing", string(row.code));
        if (value == nullptr) return Done{};
        const auto* given = value->get_ptr<const string*>();
        if (given == nullptr || given->size() > row.longest || !row.legal(*given))
            return wrong(row.name, row.must_be, row.code);
        into.*row.where = *given;
        return Done{};
    }

    template <class Enum>
    Result<Done> choice(string_view member, std::span<const string_view> names, Enum& into) const
    {
        const Json* value = find(member);
        if (value == nullptr) return Done{};
        const auto* given = value->get_ptr<const string*>();
        for (std::size_t i = 0; given != nullptr && i < names.size(); ++i)
            if (names[i] == *given) {
                into = static_cast<Enum>(i);
                return Done{};
            }
        return wrong(member, "one of " + list_of(names), "manifest_" + string(member));
    }

    // A whole number from `least` to `most`; nothing where the member is absent.
    Result<std::optional<std::int64_t>> number(const Json& in,
                                               string_view key,
                                               string_view shown,
                                               std::int64_t least,
                                               std::int64_t most,
                                               string_view code) const
    {
        const auto found = in.find(key);
        if (found == in.end()) return std::optional<std::int64_t>{};
        // get<int64_t>() would wrap an unsigned above the signed range, which then looks legal.
        const bool fits = found->is_number_integer() &&
                          (!found->is_number_unsigned() || found->template get<std::uint64_t>() <=
                                                               static_cast<std::uint64_t>(most));
        const auto value = fits ? found->template get<std::int64_t>() : least - 1;
        if (value < least || value > most)
            return wrong(shown,
                         "a whole number from " + std::to_string(least) + " to " +
                             std::to_string(most),
                         code);
        return std::optional<std::int64_t>{value};
    }

    Result<std::vector<string>>
    strings(string_view member, bool (*legal)(string_view), string_view must_be) const
    {
        std::vector<string> all;
        const Json* value = find(member);
        if (value == nullptr) return all;
        const string code = "manifest_" + string(member);
        if (!value->is_array() || value->size() > kMostListed) return wrong(member, must_be, code);
        for (const Json& item : *value) {
            const auto* given = item.get_ptr<const string*>();
            if (given == nullptr || given->size() > kLongestListed || !legal(*given))
                return wrong(member, must_be, code);
            all.push_back(*given);
        }
        return all;
    }

    const Json& object() const { return object_; }
    const string& file() const { return file_; }

private:
    const Json& object_;
    string file_;
};

string line_and_column(string_view text, std::size_t byte)
{
    const string_view before = text.substr(0, std::min(byte, text.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') == string_view::npos ? 0 : before.rfind('\n') + 1;
    return std::to_string(line) + ":" + std::to_string(before.size() - start);
}

Result<Json> parse_object(string_view text, const string& file)
{
    if (text.size() > kManifestLimit)
        return invalid(file + ": is longer than " + std::to_string(kManifestLimit) + " bytes",
                       "manifest_too_large");
    if (depth_of(text) > kDeepest)
        return invalid(file + ": nests deeper than " + std::to_string(kDeepest) + " levels",
                       "manifest_too_deep");

    // Of two members with one name readers disagree which holds; the sums would cover both.
    std::set<string> seen;
    string twice;
    const auto watch = [&](int depth, Json::parse_event_t event, const Json& parsed) {
        if (event == Json::parse_event_t::key && depth == 1) {
            const string key = parsed.get<string>();
            if (!seen.insert(key).second) twice = key;
        }
        return true;
    };
    Json object;
    try {
        object = Json::parse(text, watch);
    } catch (const Json::parse_error& error) {
        return invalid(file + ":" + line_and_column(text, error.byte) + ": is not JSON",
                       "manifest_not_json");
    } catch (const Json::exception& error) { // such as a number beyond any double
        return invalid(file + ": is not JSON: " + error.what(), "manifest_not_json");
    }
    if (!object.is_object()) return invalid(file + ": is not an object", "manifest_not_object");
    if (!twice.empty())
        return invalid(file + ": \"" + twice + "\" is given twice", "manifest_duplicate");
    return object;
}

Result<Done> check_schema(const Members& members)
{
    const auto most = std::int64_t{1} << 31;
    RG_TRY(const auto schema,
           members.number(members.object(), "schema", "schema", 1, most, "manifest_schema"));
    if (!schema) return invalid(members.file() + ": \"schema\" is missing", "manifest_schema");
    if (*schema == kManifestSchema) return Done{};
    return invalid(members.file() + ": is of manifest schema " + std::to_string(*schema) +
                       ", this Reelgate reads schema " + std::to_string(kManifestSchema),
                   "manifest_schema_too_new")
        .with_hint("update Reelgate");
}

Result<Done> read_abi(const Members& members, Manifest& into)
{
    const Json* abi = members.find("abi");
    if (abi == nullptr && into.runtime == Manifest::Runtime::exec) return Done{};
    if (abi == nullptr) return invalid(members.file() + ": \"abi\" is missing", "manifest_abi");
    if (!abi->is_object())
        return members.wrong("abi", "an object with major and min_host_minor", "manifest_abi");
    RG_TRY(const auto major, members.number(*abi, "major", "abi.major", 0, 9999, "manifest_abi"));
    RG_TRY(const auto minor,
           members.number(*abi, "min_host_minor", "abi.min_host_minor", 0, 9999, "manifest_abi"));
    if (!major) return invalid(members.file() + ": \"abi.major\" is missing", "manifest_abi");
    into.abi_major = static_cast<std::uint32_t>(*major);
    into.abi_min_host_minor = static_cast<std::uint32_t>(minor.value_or(0));
    return Done{};
}

// What each runtime needs, and what the other one's members would mean: nothing.
Result<Done> check_runtime(const Members& members, Manifest& into)
{
    const bool native = into.runtime == Manifest::Runtime::native;
    if (native && into.entry.empty())
        return members.wrong(
            "entry", "the plugin's library, as runtime is native", "manifest_entry");
    if (native && into.machine.empty())
        return members.wrong("machine", "given, as runtime is native", "manifest_machine");
    if (native && into.transport == Manifest::Transport::stdio)
        return members.wrong("transport", "fd, as runtime is native", "manifest_transport");
    if (!native && (into.command.empty() || !is_inside_path(into.command.front())))
        return members.wrong("command",
                             "a list that begins with a program inside the plugin's directory, as "
                             "runtime is exec",
                             "manifest_command");
    const string program = into.program().string();
    const string sums = (into.directory / into.files).string();
    if (!into.files.empty() && (program == sums || program == sums + ".sig"))
        return members.wrong("files", "a file that is not the program itself", "manifest_files");
    if (native && !into.command.empty())
        into.warnings.emplace_back("\"command\" is ignored, as runtime is native");
    if (!native && !into.entry.empty())
        into.warnings.emplace_back("\"entry\" is ignored, as runtime is exec");
    return Done{};
}

Result<Done> read_lists(const Members& members, Manifest& into)
{
    RG_TRY(into.command,
           members.strings(
               "command",
               [](string_view text) { return text.find('\0') == string_view::npos; },
               "a list of at most 64 texts"));
    RG_TRY(into.environment,
           members.strings("environment",
                           is_variable,
                           "a list of at most 64 names of variables, none of them LD_* or "
                           "REELGATE_*"));
    return Done{};
}

} // namespace

std::filesystem::path Manifest::program() const
{
    return (directory / (runtime == Runtime::native ? entry : command.front())).lexically_normal();
}

std::string_view to_string(Manifest::Runtime runtime)
{
    return kRuntimes[static_cast<std::size_t>(runtime)];
}
std::string_view to_string(Manifest::Transport transport)
{
    return kTransports[static_cast<std::size_t>(transport)];
}
std::string_view to_string(Manifest::Egress egress)
{
    return kEgresses[static_cast<std::size_t>(egress)];
}

bool is_inside_path(std::string_view text)
{
    if (text.empty() || text.front() == '/' || !is_line(text)) return false;
    bool names_something = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('/'), text.size());
        const string_view part = text.substr(0, end);
        if (part == "..") return false;
        names_something = !part.empty() && part != ".";
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return names_something;
}

Result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& directory)
{
    const string file = (directory / kManifestName).string();
    RG_TRY(const Json object, parse_object(text, file));
    const Members members(object, file);
    RG_CHECK(check_schema(members));

    Manifest manifest;
    manifest.directory = directory;
    for (const TextMember& row : kTexts)
        RG_CHECK(members.text(row, manifest));
    RG_CHECK(members.choice("runtime", kRuntimes, manifest.runtime));
    RG_CHECK(members.choice("transport", kTransports, manifest.transport));
    RG_CHECK(members.choice("egress", kEgresses, manifest.egress));
    RG_TRY(const auto timeout,
           members.number(
               object, "start_timeout_s", "start_timeout_s", 1, 300, "manifest_start_timeout_s"));
    if (timeout) manifest.start_timeout = std::chrono::seconds(*timeout);
    RG_CHECK(read_lists(members, manifest));
    RG_CHECK(read_abi(members, manifest));
    RG_CHECK(check_runtime(members, manifest));

    if (manifest.name.empty()) manifest.name = manifest.id;
    for (const auto& [key, value] : object.items())
        if (!is_known(key)) manifest.warnings.push_back("\"" + key + "\" is not known and ignored");
    return manifest;
}

Result<Manifest> read_manifest(const std::filesystem::path& directory)
{
    auto text = read_file(directory / kManifestName, kManifestLimit);
    if (text) return parse_manifest(*text, directory);
    Error error = std::move(text).error();
    if (error.code.empty()) return error;
    error.code.replace(0, std::string_view("file").size(), "manifest"); // file_missing and so on
    return error;
}

} // namespace reelgate
