// From the first instruction to `created`, and the probe.
#include "sdk/conformance/cases.hpp"
#include "sdk/conformance/subject.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>

namespace reelgate::conformance {
namespace {

namespace fs = std::filesystem;

constexpr auto kProbeLimit = 2s;
constexpr std::size_t kLongText = 512 * 1024;
constexpr unsigned kCycles = 50;

// Rounds before this one fill caches that live as long as the process; the trend counts after them.
constexpr std::size_t kWarmRounds = 10;
constexpr std::uint64_t kBytesPerRound = 16 * 1024;

// A directory in which not even root can make a file.
constexpr const char* kUnwritable = "/sys/kernel";

// The threads of a worker between hello and create: it reads, it writes, it loads.
constexpr std::size_t kOwnThreads = 3;

Verdict failed_with(const Error& error) { return failed(error.sentence()); }

std::size_t threads_of(pid_t pid)
{
    std::error_code gone;
    const fs::directory_iterator tasks("/proc/" + std::to_string(pid) + "/task", gone);
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

// Creates with a configuration that the host would never send; the worker must live through it, and
// a refusal must have a category.
Verdict create_with(Subject& s, const Json& config, const std::string& what)
{
    const ProviderSettings settings = s.settings();
    RawWorker worker(s, settings);
    if (const auto ready = worker.await_hello(); !ready) return failed(ready.error().text);
    worker.create(config);
    const auto created = worker.next("created", kOpenLimit);
    if (!created)
        return failed("with " + what + " it " +
                      (worker.exit ? worker.exit->sentence() : std::string("did not answer")));
    if (created->value("status", -1) == RG_OK) return passed();
    const auto failure = created->find("failure");
    if (failure == created->end() || !failure->is_object() || !failure->contains("category"))
        return failed("with " + what + " it failed without a category");
    return passed();
}

// A value of another type than the one wanted.
Json wrong_for(const Json& schema)
{
    const std::string type = schema.value("type", std::string());
    if (type == "string") return Json(17);
    if (type == "object" || type == "array") return Json("not this");
    return Json::array({"not", "this"});
}

Verdict open_in(Subject& s, HostShape shape)
{
    ProviderSettings settings = s.settings();
    settings.shape = shape;
    if (shape == HostShape::newer_minor) ++settings.host_minor; // what `hello` says
    Live live(s, std::move(settings));
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    if (s.cannot_run()) return passed("created; " + s.cannot_run()->detail);
    const RunRecord record = live.run(s.smallest(*s.easiest()));
    if (record.verdict) return passed();
    // Only a failure that this host alone sees is about the handshake.
    Live usual(s, s.settings());
    if (const auto opened = usual.open(); !opened) return failed_with(opened.error());
    if (!usual.run(s.smallest(*s.easiest())).verdict)
        return passed("created; its runs fail in any host: see run.smallest");
    return failed(sentence_of(record.verdict));
}

} // namespace

// What ends a process while a library is loaded ends every host; being late has a case of its own.
Verdict open_survives(Subject& s)
{
    RawWorker worker(s, s.settings());
    if (const auto ready = worker.await_hello(); ready || !worker.exit) return passed();
    if (worker.next("fatal", 0ms)) return passed();
    return failed("while it was opened it " + worker.exit->sentence() +
                  ": look at static initialisers and describe()");
}

Verdict open_in_time(Subject& s)
{
    RawWorker worker(s, s.settings());
    if (const auto ready = worker.await_hello(); !ready) return failed(ready.error().text);
    s.described = worker.hello.value("describe", Json());
    return passed();
}

Verdict open_quietly(Subject& s)
{
    RawWorker worker(s, s.settings());
    if (const auto ready = worker.await_hello(); !ready) return failed(ready.error().text);
    worker.send(Json{
        {"type", "bye"}
    });
    worker.gone_within(kOpenLimit);
    const auto printed = worker.output.tail(1);
    if (printed.empty()) return passed();
    return failed("it printed '" + printed.front().substr(0, 100) + "'");
}

Verdict open_starts_no_thread(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("a program may have threads of its own");
    RawWorker worker(s, s.settings());
    if (const auto ready = worker.await_hello(); !ready) return failed(ready.error().text);
    const std::size_t threads = threads_of(worker.child->pid());
    if (threads <= kOwnThreads) return passed();
    return failed("it started " + std::to_string(threads - kOwnThreads) +
                  " thread(s) before create(): start them in create() or in run()");
}

Verdict describe_is_valid(Subject& s)
{
    auto description =
        parse_description(s.described.dump(-1, ' ', false, Json::error_handler_t::replace));
    if (!description) return failed_with(description.error());
    s.description = *std::move(description);
    return s.description->models.empty() ? failed("it describes no model") : passed();
}

Verdict describe_is_who_the_manifest_says(Subject& s)
{
    const std::string id = s.described.value("id", Json()).dump();
    const std::string version = s.described.value("version", Json()).dump();
    if (id == Json(s.manifest->id).dump() && version == Json(s.manifest->version).dump())
        return passed();
    return failed("the manifest says " + s.manifest->id + ' ' + s.manifest->version + ", it says " +
                  id + ' ' + version);
}

Verdict describe_never_changes(Subject& s)
{
    for (int again = 0; again < 2; ++again) {
        RawWorker worker(s, s.settings());
        if (const auto ready = worker.await_hello(); !ready) return failed(ready.error().text);
        if (worker.hello.value("describe", Json()) != s.described)
            return failed("another start gave another description: it must be pure");
    }
    return passed();
}

Verdict handshake_newer_host(Subject& s) { return open_in(s, HostShape::newer_minor); }

// No released host is shorter than this one, so it may fail, with a reason; it may not read what is
// not there.
Verdict handshake_short_structs(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("a program gets frames, not structs");
    ProviderSettings settings = s.settings();
    settings.shape = HostShape::short_struct;
    Live live(s, std::move(settings));
    const auto opened = live.open();
    if (!opened && opened.error().code == "start_crashed") return failed_with(opened.error());
    if (!opened || s.cannot_run()) return passed();
    const RunRecord record = live.run(s.smallest(*s.easiest()));
    const bool crashed =
        !record.verdict && record.verdict.error().category == Category::plugin_crashed;
    return crashed ? failed(sentence_of(record.verdict)) : passed(sentence_of(record.verdict));
}

Verdict handshake_null_members(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("a program gets frames, not structs");
    return open_in(s, HostShape::null_members);
}

Verdict create_with_defaults(Subject& s)
{
    Live live(s, s.settings());
    const auto opened = live.open();
    return opened ? passed() : failed_with(opened.error());
}

Verdict create_survives_wrong_fields(Subject& s)
{
    const Json whole = s.whole_config();
    const Json properties = s.description->config_schema.value("properties", Json::object());
    for (const auto& [name, schema] : properties.items()) {
        Json config = whole;
        config[name] = wrong_for(schema);
        if (Verdict v = create_with(s, config, name + " = " + config[name].dump());
            v.outcome != Outcome::passed)
            return v;
    }
    Json unknown = whole;
    unknown["no_such_setting"] = true;
    return create_with(s, unknown, "an unknown setting");
}

Verdict create_survives_long_text(Subject& s)
{
    Json config = s.whole_config();
    const Json properties = s.description->config_schema.value("properties", Json::object());
    for (const auto& [name, schema] : properties.items())
        if (schema.value("type", std::string()) == "string") {
            config[name] = std::string(kLongText, 'x');
            return create_with(s, config, "half a MiB in " + name);
        }
    config["no_such_setting"] = std::string(kLongText, 'x');
    return create_with(s, config, "half a MiB in an unknown setting");
}

Verdict create_again_and_again(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("a program is created once a process");
    ProviderSettings settings = s.settings();
    settings.cycles = kCycles;
    RawWorker worker(s, settings);
    if (const auto ready = worker.await_hello(); !ready) return failed(ready.error().text);
    worker.create(s.whole_config());
    const auto created = worker.next("created");
    if (!created) return failed("it " + (worker.exit ? worker.exit->sentence() : "did not answer"));

    const Json rounds = created->value("cycles", Json::array());
    if (rounds.size() != kCycles)
        return failed("round " + std::to_string(rounds.size()) + " failed");
    const Json& warm = rounds[kWarmRounds];
    const Json& last = rounds[kCycles - 1];
    if (last["descriptors"] > warm["descriptors"])
        return failed("descriptors grew from " + warm["descriptors"].dump() + " to " +
                      last["descriptors"].dump());
    const std::uint64_t before = warm["rss"];
    const std::uint64_t after = last["rss"];
    if (after > before + kBytesPerRound * (kCycles - kWarmRounds))
        return failed("memory grew by " + std::to_string((after - before) / 1024) + " KiB in " +
                      std::to_string(kCycles - kWarmRounds) + " rounds");
    return passed();
}

Verdict create_with_read_only_data(Subject& s)
{
    ProviderSettings settings = s.settings();
    settings.data_dir = kUnwritable;
    Live live(s, std::move(settings));
    const auto opened = live.open();
    if (opened || opened.error().code != "start_crashed") return passed();
    return failed_with(opened.error());
}

Verdict probe_answers(Subject& s)
{
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    const auto start = std::chrono::steady_clock::now();
    const auto report = live.probe();
    if (!report) return failed_with(report.error());
    if (std::chrono::steady_clock::now() - start > kProbeLimit)
        return failed("it took over two seconds");
    return passed(std::string(to_string(report->state)));
}

Verdict probe_answers_during_run(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    std::optional<Result<ProbeReport>> report;
    const RunRecord record = live.run_and_probe(s.longest(*s.easiest()), report);
    if (!record.verdict) return failed(sentence_of(record.verdict));
    if (!report) return skipped("it told of no progress: nothing says when it was at work");
    return *report ? passed() : failed_with(report->error());
}

} // namespace reelgate::conformance
