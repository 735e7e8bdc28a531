#include "sdk/conformance/suite.hpp"

#include "sdk/conformance/cases.hpp"
#include "sdk/conformance/subject.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

namespace reelgate::conformance {
namespace {

namespace fs = std::filesystem;

// clang-format off
constexpr std::array kCases{
    //   id                     what must hold                                                                needs                                      check
    Case{"manifest.readable",    "plugin.json can be read and every member is as it should be",                "",                                        manifest_readable},
    Case{"manifest.directory",   "the directory is named like the id",                                         "manifest.readable",                       manifest_named_like_its_directory},
    Case{"manifest.license",     "the manifest says under which licence the plugin stands",                    "manifest.readable",                       manifest_says_its_license},
    Case{"manifest.members",     "the manifest has no member that nobody reads",                               "manifest.readable",                       manifest_has_known_members},
    Case{"manifest.sums",        "SHA256SUMS covers every file, and every file is what it says",               "manifest.readable",                       manifest_sums_hold},
    Case{"binary.fits",          "the file is there, whole, for this machine and this ABI",                    "manifest.readable",                       binary_fits},
    Case{"binary.exports",       "it exports the entry and nothing else",                                      "binary.fits",                             binary_exports_one_symbol},
    Case{"binary.rpath",         "it looks for libraries in its own directory only",                           "binary.fits",                             binary_looks_nowhere_else},
    Case{"open.survives",        "no exception, exit or crash while it opens and describes itself",            "binary.fits",                             open_survives},
    Case{"open.time",            "it opens and describes itself within ten seconds",                           "open.survives",                           open_in_time},
    Case{"open.quiet",           "it prints nothing while it opens",                                           "open.time",                               open_quietly},
    Case{"open.threads",         "it starts no thread before it is created",                                   "open.time",                               open_starts_no_thread},
    Case{"describe.valid",       "its description can be used: models, limits, schemas, defaults",             "open.time",                               describe_is_valid},
    Case{"describe.identity",    "it says the same id and version as its manifest",                            "open.time",                               describe_is_who_the_manifest_says},
    Case{"describe.stable",      "it describes itself the same way in every process",                          "open.time",                               describe_never_changes},
    Case{"create.defaults",      "it can be created with the configuration given",                             "describe.valid describe.identity",        create_with_defaults},
    Case{"handshake.newer",      "it works in a host that says a newer minor ABI",                             "create.defaults",                         handshake_newer_host},
    Case{"handshake.short",      "a host whose structs end earlier is no reason to crash",                     "create.defaults",                         handshake_short_structs},
    Case{"handshake.nulls",      "it works in a host whose optional members are NULL",                         "create.defaults",                         handshake_null_members},
    Case{"create.wrong",         "a wrong setting is refused, not a crash",                                    "create.defaults",                         create_survives_wrong_fields},
    Case{"create.long",          "half a MiB of text in a setting does no harm",                               "create.defaults",                         create_survives_long_text},
    Case{"create.repeat",        "fifty times created and destroyed leaves nothing behind",                    "create.defaults",                         create_again_and_again},
    Case{"create.read_only",     "a data directory that cannot be written is no reason to crash",              "create.defaults",                         create_with_read_only_data},
    Case{"probe.answers",        "a probe is answered within two seconds, and makes sense",                    "create.defaults",                         probe_answers},
    Case{"run.survives",         "no exception, exit or crash comes out of a run",                             "create.defaults",                         run_survives},
    Case{"run.smallest",         "the smallest lawful request of each model ends well",                        "run.survives",                            run_smallest},
    Case{"run.promise",          "what it makes has the size, length and rate asked for",                      "run.smallest",                            run_makes_what_it_promised},
    Case{"run.limits",           "the edges of its declared limits are lawful",                                "run.promise",                             run_at_the_limits},
    Case{"run.progress",         "progress never goes back within a stage",                                    "run.smallest",                            run_progress_is_monotonic},
    Case{"run.directory",        "a run writes into its own directory only",                                   "run.smallest",                            run_stays_in_its_directory},
    Case{"run.seed",             "the same seed makes the same film",                                          "run.smallest",                            run_same_seed_same_film},
    Case{"run.late",             "no call comes after run() has returned",                                     "run.smallest",                            run_leaves_no_late_calls},
    Case{"run.repeat",           "twenty runs leave memory and descriptors level",                             "run.smallest",                            run_again_and_again},
    Case{"probe.during_run",     "a probe is answered while a run is on",                                      "run.smallest probe.answers",              probe_answers_during_run},
    Case{"refuse.wrong",         "a request that breaks its schema is refused, not a crash",                   "run.smallest",                            refuse_wrong_requests},
    Case{"refuse.random",        "random requests never crash it",                                             "run.smallest",                            refuse_random_requests},
    Case{"refuse.text",          "hostile prompts never crash it",                                             "run.smallest",                            refuse_hostile_text},
    Case{"parallel.runs",        "as many runs as it declares work side by side, and half cancelled",          "run.promise",                             parallel_runs},
    Case{"cancel.first",         "a cancel right behind the request is obeyed in time",                        "run.limits",                              cancel_before_progress},
    Case{"cancel.load",          "a cancel 300 ms later, before any progress is told, is obeyed in time",      "cancel.first",                            cancel_while_loading},
    Case{"cancel.midway",        "a cancel in the middle is obeyed in time",                                   "run.limits",                              cancel_midway},
    Case{"cancel.after",         "a cancel after the end is ignored",                                          "run.smallest",                            cancel_after_done},
    Case{"cancel.twice",         "a second cancel changes nothing",                                            "cancel.first cancel.midway cancel.after", cancel_twice},
    Case{"money.intent",         "a paid run sends nothing before its intent is answered, then says accepted", "run.smallest",                            money_sends_nothing_before_its_intent},
    Case{"money.refused",        "a paid run whose intent is refused sends nothing until it is gone",          "money.intent",                            money_sends_nothing_when_refused},
    Case{"money.resume",         "accepted work is found again without a word of a second submit",             "money.intent",                            money_resumes_without_an_intent},
    Case{"cancel.intend",        "a cancel while an intent waits for its answer is obeyed in time",            "money.refused",                           cancel_while_intending},
    Case{"cancel.accepted",      "a cancel right behind accepted is obeyed in time",                           "money.intent run.limits",                 cancel_once_accepted},
    Case{"cancel.resume",        "a cancel right behind a resume is obeyed in time",                           "money.resume run.limits",                 cancel_while_resuming},
    Case{"manners.bye",          "it leaves when it is told to",                                               "create.defaults",                         manners_leaves_when_told},
    Case{"manners.early",        "told to leave before it was created, it leaves",                             "open.time",                               manners_leaves_before_it_is_created},
    Case{"manners.hang_up",      "it is gone within two seconds when the host is",                             "create.defaults",                         manners_leaves_when_host_is_gone},
    Case{"faults.disk",          "a full disk is a failure with a category, not a crash",                      "run.smallest",                            faults_disk_full},
    Case{"faults.memory",        "little memory is a failure with a category, not a crash",                    "run.smallest",                            faults_little_memory},
    Case{"isolation.in_process", "loaded into the host it makes a film and lets go of it in a minute",         "run.promise manifest.directory",          isolation_in_process},
};
// clang-format on

std::string_view group_of(std::string_view id) { return id.substr(0, id.find('.')); }

// The words of `needs`.
std::vector<std::string_view> needs_of(const Case& row)
{
    std::vector<std::string_view> names;
    for (std::string_view rest = row.needs; !rest.empty();) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        names.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return names;
}

bool is_wanted(const Options& options, const Case& row)
{
    if (options.only.empty()) return true;
    return std::any_of(options.only.begin(), options.only.end(), [&](const std::string& name) {
        return name == row.id || name == group_of(row.id);
    });
}

// With --only, what a wanted case stands on runs as well.
bool is_needed(const Options& options, const Case& row)
{
    if (is_wanted(options, row)) return true;
    return std::any_of(kCases.begin(), kCases.end(), [&](const Case& other) {
        const auto needs = needs_of(other);
        return std::find(needs.begin(), needs.end(), row.id) != needs.end() &&
               is_needed(options, other);
    });
}

// Why a case cannot say anything, going by the one it stands on.
std::optional<Verdict> hindered(const Case& row,
                                const std::map<std::string_view, Outcome>& outcomes)
{
    for (const std::string_view needed : needs_of(row)) {
        const auto found = outcomes.find(needed);
        if (found == outcomes.end() || found->second != Outcome::passed)
            return skipped("stands on " + std::string(needed));
    }
    return std::nullopt;
}

class Scratch {
public:
    explicit Scratch(const fs::path& given) : path_(given), owned_(given.empty())
    {
        if (!owned_) return;
        std::string name = (fs::temp_directory_path() / "reelgate-check-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) path_ = name;
    }
    ~Scratch()
    {
        std::error_code ignored; // a temporary directory is swept by the system
        if (owned_ && !path_.empty()) fs::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
    bool owned_;
};

} // namespace

std::string_view to_string(Outcome outcome)
{
    constexpr std::array<std::string_view, 3> kNames{"passed", "failed", "skipped"};
    return kNames[static_cast<std::size_t>(outcome)];
}

Verdict passed(std::string detail) { return {Outcome::passed, std::move(detail)}; }
Verdict failed(std::string detail) { return {Outcome::failed, std::move(detail)}; }
Verdict skipped(std::string why) { return {Outcome::skipped, std::move(why)}; }

std::span<const Case> all_cases() { return kCases; }

std::size_t Report::count(Outcome outcome) const
{
    return static_cast<std::size_t>(
        std::count_if(results.begin(), results.end(), [&](const CaseResult& r) {
            return r.verdict.outcome == outcome;
        }));
}

Report check(const Options& options, const std::function<void(const CaseResult&)>& heard)
{
    const Scratch scratch(options.scratch);
    Subject subject(options, scratch.path());
    Report report;
    report.seed = options.seed;
    std::map<std::string_view, Outcome> outcomes;
    for (const Case& row : kCases) {
        if (!is_needed(options, row)) continue;
        const auto start = std::chrono::steady_clock::now();
        const auto hindrance = hindered(row, outcomes);
        CaseResult result{.row = row, .verdict = hindrance ? *hindrance : row.check(subject)};
        result.took = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - start);
        subject.sweep();
        outcomes[row.id] = result.verdict.outcome;
        heard(result);
        report.results.push_back(std::move(result));
    }
    report.id = subject.manifest ? subject.manifest->id : options.plugin_dir.string();
    report.version = subject.manifest ? subject.manifest->version : "";
    return report;
}

} // namespace reelgate::conformance
