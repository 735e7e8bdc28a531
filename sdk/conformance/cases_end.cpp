// How it ends: by a cancel, by a bye, by a host that is gone; and what it does when something runs
// out.
#include "sdk/conformance/cases.hpp"
#include "sdk/conformance/subject.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace reelgate::conformance {
namespace {

namespace fs = std::filesystem;

constexpr auto kByeLimit = supervise::Limits{}.bye;
constexpr auto kHangUpLimit = 2s;

Verdict failed_with(const Error& error) { return failed(error.sentence()); }

// A cancelled run says so, in time; one that was done before the cancel arrived has done nothing
// wrong.
Verdict judge_cancel(const Subject& s, const RunRecord& record)
{
    if (!record.cancelled) return skipped("its longest film was done before it could be cancelled");
    if (record.verdict && record.after_cancel > s.description->cancel_within)
        return failed("it went on for " + std::to_string(record.after_cancel.count()) +
                      " ms after the cancel and finished its film");
    if (record.verdict)
        return skipped("its longest film was done " + std::to_string(record.after_cancel.count()) +
                       " ms after the cancel, within its cancel_within_s: nothing was tried");
    const Error& error = record.verdict.error();
    if (error.code == "cancel_forced")
        return failed("it did not stop within its cancel_within_s and had to be killed: look at "
                      "cancel_fd or is_cancelled between steps");
    if (error.category != Category::cancelled) return failed("it answered " + error.sentence());
    if (record.after_cancel > s.description->cancel_within)
        return failed("it took " + std::to_string(record.after_cancel.count()) + " ms");
    return passed(std::to_string(record.after_cancel.count()) + " ms");
}

Verdict cancelled_run(Subject& s, CancelPlan plan)
{
    if (const auto why = s.cannot_run()) return *why;
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    return judge_cancel(s, live.run(s.heaviest(*s.easiest()), plan));
}

// After whatever went before, a small film is made as ever.
Verdict next_run_is_good(Subject& s, RawWorker& worker)
{
    worker.begin("next", s.smallest(*s.easiest()));
    const auto done = worker.next("done");
    if (!done) return failed("in the next run " + worker.end().value_or("it did not end"));
    if (done->value("status", Json()) == Json(RG_OK)) return passed();
    return failed(
        "the next run failed: " +
        done->value("failure", Json()).dump(-1, ' ', true, Json::error_handler_t::replace));
}

bool is_paid(const Subject& s) { return s.description->billing == Charge::paid; }

// The words of a trial in which the host itself loads the library.
std::vector<std::string> in_process_trial(const Subject& s, const fs::path& scratch)
{
    const Request request = s.smallest(*s.easiest());
    return {(s.options.programs / "reelgate").string(),
            "--quiet",
            "--data-dir",
            scratch.string(),
            "providers",
            "try",
            s.manifest->directory.string() + "/",
            "--in-process",
            "--prompt",
            request.prompt,
            "--model",
            request.model,
            "--size",
            to_string(request.size),
            "--frames",
            std::to_string(request.frames),
            "--config-json",
            s.options.config_json,
            "-o",
            (scratch / "film").string()};
}

// Its wait status; nothing where it could not be started. What it prints goes to the file `said`.
std::optional<int> run_program(std::vector<std::string> words, const fs::path& said)
{
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, said.c_str(), O_WRONLY | O_CREAT, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t pid = -1;
    const int spawned =
        ::posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    if (spawned != 0 || ::waitpid(pid, &status, 0) != pid) return std::nullopt;
    return status;
}

std::string last_line_of(const fs::path& file)
{
    std::ifstream lines(file);
    std::string last;
    for (std::string line; std::getline(lines, line);)
        last = line;
    return last;
}

// A category that blames the world, as opposed to a crash.
Verdict judge_fault(const Result<Done>& verdict, const std::string& what)
{
    if (verdict) return passed(what + " did not matter");
    if (verdict.error().category != Category::plugin_crashed) return passed(verdict.error().text);
    return failed("with " + what + ": " + verdict.error().sentence());
}

} // namespace

Verdict cancel_before_progress(Subject& s) { return cancelled_run(s, {.after_progress = 0}); }

Verdict cancel_midway(Subject& s)
{
    Verdict best = skipped("");
    for (const unsigned moment : {1U, 2U, 3U}) {
        Verdict v = cancelled_run(s, {.after_progress = moment});
        if (v.outcome == Outcome::failed) return v;
        if (best.outcome != Outcome::passed) best = std::move(v);
    }
    return best;
}

// The daemon cancels a job once. A program gets its frames as they are and may not trip over more.
Verdict cancel_twice(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    RawWorker worker(s, s.settings());
    if (const auto opened = worker.open(); !opened) return failed(opened.error().text);
    worker.begin("first", s.heaviest(*s.easiest()));
    worker.cancel("first");
    worker.cancel("first");
    if (!worker.next("done", s.description->cancel_within))
        return failed("after two cancels " + worker.end().value_or("its run did not end in time"));
    return next_run_is_good(s, worker);
}

// A cancel and the `done` of its job may meet on the way.
Verdict cancel_after_done(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    RawWorker worker(s, s.settings());
    if (const auto opened = worker.open(); !opened) return failed(opened.error().text);
    worker.begin("first", s.smallest(*s.easiest()));
    if (!worker.next("done")) return failed(worker.end().value_or("its run did not end"));
    worker.cancel("first");
    return next_run_is_good(s, worker);
}

Verdict money_intends_before_it_submits(Subject& s)
{
    if (!is_paid(s)) return skipped("it is free");
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    const RunRecord record = live.run(s.smallest(*s.easiest()));
    if (!record.verdict) return failed(sentence_of(record.verdict));
    if (record.durable == std::vector<std::string>{"intend", "accepted"}) return passed();
    std::string order;
    for (const std::string& step : record.durable)
        order += ' ' + step;
    return failed("it said '" + order +
                  "': a paid run says intend, submits, and says accepted, once each");
}

Verdict money_obeys_a_refused_intent(Subject& s)
{
    if (!is_paid(s)) return skipped("it is free");
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    live.refuse_intents();
    const RunRecord record = live.run(s.smallest(*s.easiest()));
    if (record.remote_json) return failed("it submitted although its intent was refused");
    return record.verdict ? failed("it said OK although its intent was refused") : passed();
}

Verdict money_resumes_without_a_submit(Subject& s)
{
    if (!is_paid(s)) return skipped("it is free");
    ProviderSettings settings = s.settings();
    std::string remote;
    {
        Live live(s, settings);
        if (const auto opened = live.open(); !opened) return failed_with(opened.error());
        const RunRecord record = live.run(s.smallest(*s.easiest()));
        if (!record.remote_json) return failed("it accepted nothing that could be resumed");
        remote = *record.remote_json;
    }
    Live later(s, settings);
    if (const auto opened = later.open(); !opened) return failed_with(opened.error());
    const RunRecord record = later.resume(s.smallest(*s.easiest()), remote);
    if (!record.durable.empty())
        return failed("resume() said " + record.durable.front() + ": it must not submit");
    return record.verdict ? passed() : failed("resume: " + sentence_of(record.verdict));
}

Verdict manners_leaves_when_told(Subject& s)
{
    ProviderSettings settings = s.settings();
    settings.limits.bye = kByeLimit;
    Live live(s, std::move(settings));
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    if (!live.stop())
        return failed("it did not leave within " + std::to_string(kByeLimit / 1s) +
                      " s of `bye`: destroy() blocks");
    return passed();
}

Verdict manners_leaves_when_host_is_gone(Subject& s)
{
    RawWorker worker(s, s.settings());
    if (const auto opened = worker.open(); !opened) return failed(opened.error().text);
    worker.child->hang_up();
    if (worker.gone_within(kHangUpLimit)) return passed();
    return failed("it was still there " + std::to_string(kHangUpLimit / 1s) +
                  " s after the host hung up");
}

// A file size limit stands for the full disk: writes fail in the same place, on this machine alone.
Verdict faults_disk_full(Subject& s)
{
    ProviderSettings settings = s.settings();
    settings.jail.max_file_kb = 1;
    Live live(s, std::move(settings));
    if (const auto opened = live.open(); !opened) return judge_fault(opened, "a full disk");
    const RunRecord record = live.run(s.longest(*s.easiest()));
    if (record.verdict && !is_paid(s))
        return failed(
            "it said OK although no file could hold more than 1 KiB: look at what write() returns");
    return judge_fault(record.verdict, "a full disk");
}

Verdict faults_little_memory(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("a program has a runtime of its own, whose need nobody knows");
    if (s.description->resources.gpu != "none")
        return skipped("it uses a GPU, whose driver reserves memory");
    ProviderSettings settings = s.settings();
    settings.jail.memory_mb = s.description->resources.ram_mb / 4 + 32;
    Live live(s, std::move(settings));
    const auto opened = live.open();
    if (!opened && opened.error().code == "start_crashed") return failed_with(opened.error());
    if (!opened) return passed(opened.error().text);
    return judge_fault(live.run(s.longest(*s.easiest())).verdict, "little memory");
}

// In a process of its own, so that what goes wrong there stays there.
Verdict isolation_in_process(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("a program cannot be loaded");
    const fs::path scratch = s.new_dir("in-process");
    const fs::path said = scratch / "said";
    const auto status = run_program(in_process_trial(s, scratch), said);
    if (!status) return failed("reelgate could not be started");
    if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return passed();
    if (WIFSIGNALED(*status))
        return failed("the process died of " + signal_name(WTERMSIG(*status)));
    return failed("the trial failed: " + last_line_of(said));
}

} // namespace reelgate::conformance
