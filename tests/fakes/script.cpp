#include "tests/fakes/script.hpp"

#include "tests/fakes/ledger.hpp"

#include <algorithm>

namespace reelgate::fakes {
namespace {

constexpr std::size_t kMostSteps = 200;
constexpr std::size_t kMostLists = 100;

[[noreturn]] void refuse(const std::string& path, const std::string& why)
{
    throw ScriptError(path + ": " + why);
}

std::vector<std::string> split(std::string_view text, char separator)
{
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        if (end > 0) parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

template <class Range, class Name>
std::string listed(const Range& range, Name name)
{
    std::string all;
    for (const auto& one : range)
        all += (all.empty() ? "" : ", ") + std::string(name(one));
    return all.empty() ? "nothing" : all;
}

std::string shown(const Json& value)
{
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 60) + "...";
    return text;
}

bool is_usd(const Json& value)
{
    if (!value.is_string()) return false;
    try {
        micros(value.get_ref<const std::string&>());
        return true;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

bool is_count(const Json& value, std::uint64_t most)
{
    return value.is_number_unsigned() && value.get<std::uint64_t>() <= most;
}

// Nothing if `value` fits, otherwise what it should have been.
std::string complaint(const Argument& argument, const Json& value)
{
    switch (argument.kind) {
    case Kind::count:
        return is_count(value, argument.most) ? ""
                                              : "a number in 0.." + std::to_string(argument.most);
    case Kind::share:
        return value.is_number() ? "" : "a number";
    case Kind::text:
        return value.is_string() ? "" : "a text";
    case Kind::flag:
        return value.is_boolean() ? "" : "true or false";
    case Kind::usd:
        return is_usd(value) ? "" : "an amount such as \"0.40\"";
    case Kind::list:
        return value.is_array() ? "" : "a list";
    case Kind::object:
        return value.is_object() ? "" : "an object";
    case Kind::any:
        return "";
    case Kind::word: {
        const auto words = split(argument.words, '|');
        if (value.is_string() && std::ranges::find(words, value.get<std::string>()) != words.end())
            return "";
        return "one of " + listed(words, [](const std::string& word) { return word; });
    }
    }
    return "";
}

Json check_value(const Argument& argument, const Json& value, const std::string& path)
{
    const std::string wanted = complaint(argument, value);
    if (!wanted.empty()) refuse(path, shown(value) + " is not " + wanted);
    return value;
}

// An object with every argument of the kind.
Json check_arguments(std::span<const Argument> known, const Json& given, const std::string& path)
{
    Json all = Json::object();
    for (const Argument& argument : known)
        all[std::string(argument.name)] =
            argument.otherwise.empty() ? Json() : Json::parse(argument.otherwise);
    for (const auto& [name, value] : given.items()) {
        const auto found = std::ranges::find(known, name, &Argument::name);
        if (found == known.end())
            refuse(path + "." + name,
                   "unknown; known are " + listed(known, [](const Argument& a) { return a.name; }));
        all[name] = check_value(*found, value, path + "." + name);
    }
    for (const Argument& argument : known)
        if (argument.required && all[std::string(argument.name)].is_null())
            refuse(path + "." + std::string(argument.name), "must be given");
    return all;
}

const StepKind& kind_named(const std::string& name, Call call, const std::string& path)
{
    const auto table = step_table();
    const auto found = std::ranges::find(table, name, &StepKind::name);
    if (found == table.end())
        refuse(path,
               "there is no step '" + name + "'; there are " +
                   listed(table, [](const StepKind& kind) { return kind.name; }));
    if ((found->in & calls(call)) == 0)
        refuse(path, "step '" + name + "' has no meaning in " + std::string(to_string(call)));
    return *found;
}

Step parse_step(const Json& step, Call call, const std::string& path)
{
    if (step.is_string()) {
        const StepKind& kind = kind_named(step.get<std::string>(), call, path);
        return {&kind, check_arguments(kind.arguments, Json::object(), path)};
    }
    if (!step.is_object() || step.size() != 1)
        refuse(path, shown(step) + " is neither a name nor an object with one member");
    const std::string& name = step.begin().key();
    const Json& given = step.begin().value();
    const StepKind& kind = kind_named(name, call, path);
    const std::string here = path + "." + name;
    // An object is the arguments, unless an object may be what the first argument is.
    const bool first_alone =
        !kind.arguments.empty() && (!given.is_object() || kind.arguments.front().kind == Kind::any);
    if (!first_alone && !given.is_object()) refuse(here, "takes no argument");
    if (!first_alone) return {&kind, check_arguments(kind.arguments, given, here)};
    const Json one = {
        {std::string(kind.arguments.front().name), given}
    };
    return {&kind, check_arguments(kind.arguments, one, here)};
}

Steps parse_steps(const Json& list, Call call, const std::string& path)
{
    if (!list.is_array()) refuse(path, shown(list) + " is no list of steps");
    if (list.size() > kMostSteps)
        refuse(path, "more than " + std::to_string(kMostSteps) + " steps");
    Steps steps;
    for (std::size_t i = 0; i < list.size(); ++i)
        steps.push_back(parse_step(list[i], call, path + "[" + std::to_string(i) + "]"));
    return steps;
}

std::vector<Steps> parse_sequence(const Json& value, Call call, const std::string& path)
{
    if (!value.is_array()) refuse(path, shown(value) + " is no list of steps");
    if (value.empty() || !value.front().is_array()) return {parse_steps(value, call, path)};
    if (value.size() > kMostLists)
        refuse(path, "more than " + std::to_string(kMostLists) + " lists");
    std::vector<Steps> sequence;
    for (std::size_t i = 0; i < value.size(); ++i)
        sequence.push_back(parse_steps(value[i], call, path + "[" + std::to_string(i) + "]"));
    return sequence;
}

constexpr Argument kCancel[] = {
    {"how",                                  Kind::word, R"("immediate")", "",                                  "immediate|late|impossible|lost"},
    {"steps",                                      Kind::count,                                          "3",          ""},
    {"billing",                                      Kind::word,                                        "",         "",   "free|not_billed|maybe_billed|billed"},
    {"compute_stopped", Kind::flag,           "",           ""                                 }
};

CancelRule parse_cancel(const Json& value, const std::string& path)
{
    const Json given = value.is_string() ? Json{{"how", value}} : value;
    if (!given.is_object()) refuse(path, shown(value) + " is neither a word nor an object");
    const Json all = check_arguments(kCancel, given, path);
    CancelRule rule;
    all.at("how").get_to(rule.how);
    all.at("steps").get_to(rule.steps);
    if (!all.at("billing").is_null()) rule.billing = all.at("billing").get<std::string>();
    if (!all.at("compute_stopped").is_null())
        rule.compute_stopped = all.at("compute_stopped").get<bool>();
    return rule;
}

std::string calls_of(const StepKind& kind)
{
    if (kind.in == kEveryCall) return "every call";
    if (kind.in == (kEveryCall & ~calls(Call::describe))) return "all but describe";
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < kCallNames.size(); ++i)
        if ((kind.in >> i & 1U) != 0) names.push_back(kCallNames[i]);
    return listed(names, [](std::string_view name) { return name; });
}

std::string described(const Argument& argument)
{
    std::string text = "`";
    text.append(argument.name);
    if (!argument.otherwise.empty()) text.append("=").append(argument.otherwise);
    text.append("`");
    if (argument.required) text.append(" (required)");
    if (!argument.says.empty()) text.append(" ").append(argument.says);
    const auto words = split(argument.words, '|');
    if (!words.empty())
        text.append(": ").append(listed(words, [](const std::string& word) { return word; }));
    return text;
}

} // namespace

std::string_view to_string(Call call) { return kCallNames.at(static_cast<std::size_t>(call)); }

const Steps* Script::find(Call call, std::uint64_t n) const
{
    const auto found = sequences.find(call);
    if (found == sequences.end()) return nullptr;
    return &found->second[std::min<std::uint64_t>(n, found->second.size() - 1)];
}

void Script::override_with(const Script& other)
{
    for (const auto& [call, sequence] : other.sequences)
        sequences[call] = sequence;
    if (other.cancel) cancel = other.cancel;
}

Script parse_script(const Json& script, CallSet allowed)
{
    if (!script.is_object()) refuse("script", shown(script) + " is no object");
    Script parsed;
    for (const auto& [name, value] : script.items()) {
        const std::string path = "script." + name;
        if (name == "cancel") {
            parsed.cancel = parse_cancel(value, path);
            continue;
        }
        const auto found = std::ranges::find(kCallNames, name);
        if (found == kCallNames.end())
            refuse(path,
                   "unknown; known are cancel, " +
                       listed(kCallNames, [](std::string_view call) { return call; }));
        const Call call{static_cast<std::uint8_t>(found - kCallNames.begin())};
        if ((allowed & calls(call)) == 0) refuse(path, "cannot be said here");
        parsed.sequences[call] = parse_sequence(value, call, path);
    }
    return parsed;
}

std::optional<Script> script_in_prompt(std::string_view prompt)
{
    constexpr std::string_view kMark = "script:";
    if (!prompt.starts_with(kMark)) return std::nullopt;
    Json steps = Json::array();
    for (const std::string& word : split(prompt.substr(kMark.size()), ' ')) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos) {
            steps.push_back(word);
            continue;
        }
        const std::string text = word.substr(equals + 1);
        Json value = Json::parse(text, nullptr, false);
        if (value.is_discarded()) value = text;
        Json step;
        step[word.substr(0, equals)] = std::move(value);
        steps.push_back(std::move(step));
    }
    Json script;
    script["run"] = std::move(steps);
    return parse_script(script);
}

std::string step_table_markdown()
{
    std::string text = "| step | in | arguments | does |\n|---|---|---|---|\n";
    for (const StepKind& kind : step_table()) {
        text.append("| `").append(kind.name).append("` | ").append(calls_of(kind)).append(" | ");
        std::string_view separator;
        for (const Argument& argument : kind.arguments) {
            text.append(separator).append(described(argument));
            separator = "; ";
        }
        text.append(" | ").append(kind.says).append(" |\n");
    }
    return text;
}

} // namespace reelgate::fakes
