// What a script may say, and reading one. A script is data: for each call of the plugin table a
// list of steps, or a list of such lists of which the n-th call plays the n-th (the last one
// repeats).
//
//   {"probe": [[{"state": "starting"}], [{"state": "ready"}]],
//    "run": ["accept", {"progress": {"steps": 5}}, {"crash": "segv"}],
//    "cancel": {"how": "late", "steps": 3}}
//
// A step is a name, or an object with one member: the name, and its arguments (or the first
// argument alone). Everything is checked when the script is read: what is unknown is refused by its
// path.
#pragma once

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate::fakes {

using Json = nlohmann::json;

enum class Call : std::uint8_t {
    describe,
    create,
    destroy,
    probe,
    run,
    resume,
    abandon,
    estimate,
    amount,
    load,
    unload,
    loaded,
    tool,
    reconcile
};
inline constexpr std::array<std::string_view, 14> kCallNames{"describe",
                                                             "create",
                                                             "destroy",
                                                             "probe",
                                                             "run",
                                                             "resume",
                                                             "abandon",
                                                             "estimate",
                                                             "amount",
                                                             "load",
                                                             "unload",
                                                             "loaded",
                                                             "tool",
                                                             "reconcile"};
std::string_view to_string(Call call);

using CallSet = std::uint32_t;
template <class... Calls>
constexpr CallSet calls(Calls... call)
{
    return ((CallSet{1} << static_cast<unsigned>(call)) | ...);
}
inline constexpr CallSet kEveryCall = (CallSet{1} << kCallNames.size()) - 1;
inline constexpr CallSet kJobCalls = calls(Call::run, Call::resume);

// What an argument may be. `words` are the only texts allowed, separated by '|'.
enum class Kind : std::uint8_t { count, share, text, word, flag, usd, list, object, any };

struct Argument {
    std::string_view name;
    Kind kind = Kind::any;
    std::string_view otherwise; // JSON; empty: may be left out and is then null
    std::string_view says;
    std::string_view words = {};
    std::uint64_t most = 1'000'000'000; // of a count
    bool required = false;
};

struct Act; // one call being played (act.hpp)

struct StepKind {
    std::string_view name;
    CallSet in;                          // the calls in which it makes sense
    std::span<const Argument> arguments; // the first one may be given alone
    void (*act)(Act&, const Json& arguments);
    std::string_view says;
};

struct Step {
    const StepKind* kind;
    Json arguments; // complete: what was left out has its default
};
using Steps = std::vector<Step>;

// What happens once a job is cancelled.
struct CancelRule {
    std::string how = "immediate"; // immediate, late, impossible, lost
    std::uint64_t steps = 0;       // late: how many more
    std::optional<std::string> billing;
    std::optional<bool> compute_stopped;
};

struct Script {
    std::map<Call, std::vector<Steps>> sequences;
    std::optional<CancelRule> cancel;

    // For the n-th such call, from 0; nullptr if the script does not speak of it.
    const Steps* find(Call call, std::uint64_t n) const;

    // What `other` says replaces what is said here, call by call.
    void override_with(const Script& other);
};

class ScriptError : public std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

// Throws ScriptError: "script.run[2].crash.by: 'segv2' is none of segv, abort, ...". `allowed` are
// the calls that whoever gave the script may speak of.
Script parse_script(const Json& script, CallSet allowed = kEveryCall);

// The form for a prompt typed by hand, steps of run separated by spaces:
// "script: accept progress=20 crash=segv". Nothing if `prompt` does not begin so.
std::optional<Script> script_in_prompt(std::string_view prompt);

// Every step there is, in the order of the README.
std::span<const StepKind> step_table();

// The table as Markdown, which the README repeats.
std::string step_table_markdown();

} // namespace reelgate::fakes
