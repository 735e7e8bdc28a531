// Attempts: what is made, how it is told, and what no request may do to a plugin.
#include "host/base/digest.hpp"
#include "host/base/resident.hpp"
#include "host/media/media.hpp"
#include "sdk/conformance/cases.hpp"
#include "sdk/conformance/subject.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <random>

namespace reelgate::conformance {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kRandomRequests = 200;
constexpr auto kRandomBudget = 3s; // a slow plugin gets fewer of them
constexpr auto kPatience =
    300ms; // then such a request is cancelled: it need not be answered, only survived
constexpr unsigned kRepeats = 20;
constexpr unsigned kWarmRuns = 5;
constexpr std::uint64_t kBytesPerRun = 256 * 1024;

Verdict failed_with(const Error& error) { return failed(error.sentence()); }

// A refusal is an answer; a death or a hang is not.
std::optional<std::string> trouble_with(const RunRecord& record)
{
    const auto code = record.verdict ? std::string() : record.verdict.error().code;
    const bool crashed =
        !record.verdict && record.verdict.error().category == Category::plugin_crashed;
    if (crashed || code == "neighbour_crashed") return sentence_of(record.verdict);
    if (!record.verdict && record.verdict.error().category == Category::internal)
        return sentence_of(record.verdict);
    return std::nullopt;
}

const ArtifactOffer* film_of(const RunRecord& record)
{
    const std::string wanted = record.request.task == "image" ? "image" : "video";
    const auto found =
        std::find_if(record.artifacts.rbegin(),
                     record.artifacts.rend(),
                     [&](const ArtifactOffer& offer) { return offer.role == wanted; });
    return found == record.artifacts.rend() ? nullptr : &*found;
}

// Opens the film in reelgate-media and holds it against the request.
Verdict judge_film(const Subject& s, const RunRecord& record)
{
    const ArtifactOffer* film = film_of(record);
    if (film == nullptr) return failed("it was done and left no video");
    const MediaTool tool{s.options.programs / "reelgate-media"};
    const auto facts = probe_media(tool, record.work_dir / film->path, MediaLimits{});
    if (!facts) return failed_with(facts.error());
    const auto differences = deviations(promise_of(record.request), *facts);
    if (differences.empty()) return passed();
    const Deviation& first = differences.front();
    return failed(first.what + " is " + first.found + ", " + first.expected + " was asked for");
}

std::size_t descriptors_of(pid_t pid)
{
    std::error_code gone;
    const fs::directory_iterator all("/proc/" + std::to_string(pid) + "/fd", gone);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// What lies in a directory, with sizes and times: enough to see that nothing was touched.
std::map<std::string, std::string> snapshot(const fs::path& directory)
{
    std::map<std::string, std::string> files;
    std::error_code ignored; // a file that goes away meanwhile is a difference of its own
    for (const auto& entry : fs::recursive_directory_iterator(directory, ignored)) {
        if (!entry.is_regular_file(ignored)) continue;
        const auto time = entry.last_write_time(ignored).time_since_epoch().count();
        files[entry.path().string()] =
            std::to_string(entry.file_size(ignored)) + '@' + std::to_string(time);
    }
    return files;
}

// A value that fits `schema` as often as not.
Json random_value(const Json& schema, std::minstd_rand& chance)
{
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(chance() % n); };
    if (pick(4) == 0) {
        const Json odd[] = {
            nullptr, -1, 1e300, "", "\xF0\x9F\x8E\xAC", true, Json::array(), Json::object()};
        return odd[pick(8)];
    }
    if (schema.contains("enum") && !schema["enum"].empty())
        return schema["enum"][pick(static_cast<unsigned>(schema["enum"].size()))];
    const std::string type = schema.value("type", std::string("string"));
    if (type == "boolean") return pick(2) == 0;
    if (type == "integer") return static_cast<int>(pick(2000)) - 1000;
    if (type == "number") return static_cast<double>(pick(2000)) / 10 - 100;
    return std::string(pick(64), 'a');
}

} // namespace

Verdict run_survives(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    const RunRecord record = live.run(s.smallest(*s.easiest()));
    if (record.verdict || record.verdict.error().category != Category::plugin_crashed)
        return passed();
    return failed(sentence_of(record.verdict) +
                  "; let no exception out of a C function, and call no exit()");
}

Verdict run_smallest(Subject& s)
{
    if (const auto why = s.cannot_run()) return *why;
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    std::size_t tried = 0;
    for (const ModelCapability& model : s.description->models) {
        if (!model.has_task("t2v") && !model.has_task("image")) continue;
        const RunRecord record = live.run(s.smallest(model));
        if (!record.verdict) return failed(model.id + ": " + sentence_of(record.verdict));
        ++tried;
    }
    return passed(std::to_string(tried) + " of " + std::to_string(s.description->models.size()) +
                  " models");
}

Verdict run_makes_what_it_promised(Subject& s)
{
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    for (const ModelCapability& model : s.description->models) {
        if (!model.has_task("t2v") && !model.has_task("image")) continue;
        const RunRecord record = live.run(s.smallest(model));
        if (!record.verdict) return failed(model.id + ": " + sentence_of(record.verdict));
        if (Verdict v = judge_film(s, record); v.outcome != Outcome::passed) return v;
    }
    return passed();
}

Verdict run_at_the_limits(Subject& s)
{
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    const ModelCapability& model = *s.easiest();
    std::vector<Request> edges{s.longest(model)};
    Request widest = s.smallest(model);
    widest.size = model.sizes.largest();
    edges.push_back(widest);
    for (const double fps : model.fps) {
        Request other = s.smallest(model);
        other.fps = fps;
        edges.push_back(other);
    }
    for (const Request& edge : edges) {
        const RunRecord record = live.run(edge);
        const std::string what =
            to_string(edge.size) + ", " + std::to_string(edge.frames) + " frames: ";
        if (!record.verdict) return failed(what + sentence_of(record.verdict));
        if (Verdict v = judge_film(s, record); v.outcome != Outcome::passed)
            return failed(what + v.detail);
    }
    return passed(std::to_string(edges.size()) + " requests");
}

Verdict run_progress_is_monotonic(Subject& s)
{
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    const RunRecord record = live.run(s.longest(*s.easiest()));
    if (!record.verdict) return failed(sentence_of(record.verdict));
    if (record.progress.empty()) return failed("a run of its longest film gave no sign of life");
    const ProgressNote* before = nullptr;
    for (const ProgressNote& note : record.progress) {
        const bool same =
            before != nullptr && before->stage == note.stage && note.source != RG_NONE;
        if (same && note.value < before->value)
            return failed("'" + note.stage + "' went back from " + std::to_string(before->value) +
                          " to " + std::to_string(note.value));
        if (note.steps > 0 && note.step > note.steps)
            return failed("'" + note.stage + "' is at step " + std::to_string(note.step) + " of " +
                          std::to_string(note.steps));
        before = &note;
    }
    return passed();
}

Verdict run_stays_in_its_directory(Subject& s)
{
    const fs::path plugin = s.manifest->directory;
    const auto plugin_before = snapshot(plugin);
    ProviderSettings settings = s.settings();
    Live live(s, std::move(settings));
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    const RunRecord record = live.run(s.smallest(*s.easiest()));
    if (!record.verdict) return failed(sentence_of(record.verdict));
    if (snapshot(plugin) != plugin_before) return failed("it wrote into its own directory");
    const fs::path parent = record.work_dir.parent_path();
    for (const auto& entry : fs::directory_iterator(parent)) {
        if (s.is_ours(entry.path())) continue;
        return failed("it left '" + entry.path().filename().string() +
                      "' beside its work directory");
    }
    return passed();
}

Verdict run_same_seed_same_film(Subject& s)
{
    if (!s.easiest()->seed) return skipped("it does not promise to obey the seed");
    std::string first;
    for (int again = 0; again < 2; ++again) {
        Live live(s, s.settings());
        if (const auto opened = live.open(); !opened) return failed_with(opened.error());
        const RunRecord record = live.run(s.smallest(*s.easiest()));
        const ArtifactOffer* film = record.verdict ? film_of(record) : nullptr;
        if (film == nullptr) return failed(sentence_of(record.verdict));
        const auto hash = sha256_file(record.work_dir / film->path);
        if (!hash) return failed_with(hash.error());
        if (again == 1 && *hash != first) return failed("two runs with one seed made two films");
        first = *hash;
    }
    return passed();
}

Verdict run_leaves_no_late_calls(Subject& s)
{
    if (s.manifest->runtime == Manifest::Runtime::exec)
        return skipped("a program has no calls, only frames");
    ProviderSettings settings = s.settings();
    settings.limits.bye = supervise::Limits{}.bye; // its threads get the time that is theirs
    Live live(s, std::move(settings));
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    for (int i = 0; i < 3; ++i) {
        const RunRecord record = live.run(s.smallest(*s.easiest()));
        if (!record.verdict) return failed(sentence_of(record.verdict));
    }
    live.stop(); // destroy() has waited for the plugin's own threads
    if (live.provider().late_calls() == 0) return passed();
    return failed(std::to_string(live.provider().late_calls()) +
                  " calls came after run() had returned");
}

Verdict run_again_and_again(Subject& s)
{
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    std::uint64_t memory = 0;
    std::size_t descriptors = 0;
    for (unsigned i = 0; i < kRepeats; ++i) {
        const RunRecord record = live.run(s.smallest(*s.easiest()));
        if (!record.verdict) return failed(sentence_of(record.verdict));
        if (i != kWarmRuns) continue;
        memory = resident_bytes(*live.provider().pid());
        descriptors = descriptors_of(*live.provider().pid());
    }
    const std::uint64_t after = resident_bytes(*live.provider().pid());
    const std::size_t open = descriptors_of(*live.provider().pid());
    if (open > descriptors)
        return failed("descriptors grew from " + std::to_string(descriptors) + " to " +
                      std::to_string(open));
    if (after > memory + kBytesPerRun * (kRepeats - kWarmRuns))
        return failed("memory grew by " + std::to_string((after - memory) / 1024) + " KiB in " +
                      std::to_string(kRepeats - kWarmRuns) + " runs");
    return passed();
}

// Requests that the host would never let through.
Verdict refuse_wrong_requests(Subject& s)
{
    struct Row {
        const char* what;
        void (*spoil)(Request&);
    };
    // clang-format off
    constexpr Row kRows[] = {
        {"no frames", [](Request& r) { r.frames = 0; }},
        {"a milliard frames", [](Request& r) { r.frames = 1'000'000'000; }},
        {"no size", [](Request& r) { r.size = {0, 0}; }},
        {"one pixel", [](Request& r) { r.size = {1, 1}; }},
        {"a size off its lattice", [](Request& r) { r.size.width += 1; }},
        {"an unknown model", [](Request& r) { r.model = "no-such-model"; }},
        {"an unknown task", [](Request& r) { r.task = "no-such-task"; }},
        {"no rate", [](Request& r) { r.fps = 0; }},
        {"an input that is not there", [](Request& r) { r.inputs = {{"start_image", "inputs/none.png", "image/png"}}; }},
        {"an input outside", [](Request& r) { r.inputs = {{"start_image", "../../x.png", "image/png"}}; }},
    };
    // clang-format on
    for (const Row& row : kRows) {
        Live live(s, s.settings());
        if (const auto opened = live.open(); !opened) return failed_with(opened.error());
        Request request = s.smallest(*s.easiest());
        row.spoil(request);
        const RunRecord record = live.run(request, {.after_time = kPatience});
        if (const auto trouble = trouble_with(record))
            return failed(std::string("with ") + row.what + ": " + *trouble);
    }
    return passed();
}

Verdict refuse_random_requests(Subject& s)
{
    std::minstd_rand chance(s.options.seed);
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    const Json properties = s.description->params_schema.value("properties", Json::object());
    const auto deadline = std::chrono::steady_clock::now() + kRandomBudget;
    unsigned tried = 0;
    for (; tried < kRandomRequests && std::chrono::steady_clock::now() < deadline; ++tried) {
        Request request = s.smallest(*s.easiest());
        request.frames = static_cast<std::uint32_t>(chance() % 100);
        request.size.width = request.size.width + static_cast<std::uint32_t>(chance() % 64);
        request.seed = chance();
        Json params = Json::object();
        for (const auto& [name, schema] : properties.items())
            params[name] = random_value(schema, chance);
        request.params_json = params.dump(-1, ' ', false, Json::error_handler_t::replace);
        const RunRecord record = live.run(request, {.after_time = kPatience});
        if (const auto trouble = trouble_with(record))
            return failed("params " + request.params_json + ": " + *trouble);
    }
    return passed(std::to_string(tried) + " requests");
}

Verdict refuse_hostile_text(Subject& s)
{
    const std::string texts[] = {"",
                                 std::string(100 * 1024, 'A'),
                                 std::string("\x01\x02\x1b[2J\x7f\0x", 9),
                                 "\xF0\x9F\x8E\xAC\xF0\x9F\x92\xA5 \xE2\x80\xAE gnitirw",
                                 "../../../../etc/passwd",
                                 "\"}]}, {\"type\":\"done\"",
                                 "%s%n%x $(reboot) `id` ; rm -rf / '"};
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    for (const std::string& text : texts) {
        Request request = s.smallest(*s.easiest());
        request.prompt = text;
        request.negative_prompt = text;
        const RunRecord record = live.run(request, {.after_time = kPatience});
        if (const auto trouble = trouble_with(record))
            return failed(
                "prompt " +
                Json(text.substr(0, 40)).dump(-1, ' ', true, Json::error_handler_t::replace) +
                ": " + *trouble);
    }
    return passed();
}

Verdict parallel_runs(Subject& s)
{
    const std::size_t side_by_side = std::min<std::size_t>(s.description->max_concurrency, 8);
    Live live(s, s.settings());
    if (const auto opened = live.open(); !opened) return failed_with(opened.error());
    const std::vector<Request> requests(side_by_side, s.longest(*s.easiest()));
    for (const RunRecord& record : live.run_all(requests, 0)) {
        if (!record.verdict) return failed(sentence_of(record.verdict));
        if (Verdict v = judge_film(s, record); v.outcome != Outcome::passed) return v;
    }
    if (side_by_side == 1) return passed("it runs one at a time");
    const auto records = live.run_all(requests, side_by_side / 2);
    for (const RunRecord& record : records) {
        const bool as_asked =
            record.verdict ||
            (record.cancelled && record.verdict.error().category == Category::cancelled);
        if (!as_asked) return failed("beside a cancelled run: " + sentence_of(record.verdict));
    }
    return passed(std::to_string(side_by_side) + " at once");
}

} // namespace reelgate::conformance
