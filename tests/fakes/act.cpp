#include "tests/fakes/act.hpp"

#include <dlfcn.h>
#include <poll.h>

#include <algorithm>
#include <fstream>

namespace reelgate::fakes {
namespace {

Json read_script(const Json& config)
{
    const auto given = config.find("script");
    const std::string file = config.value("script_file", "");
    const bool inline_script = given != config.end() && !given->is_null() && !given->empty();
    if (inline_script && !file.empty())
        throw rejected("script and script_file are both given: keep one of them");
    if (inline_script) return *given;
    if (file.empty()) return Json::object();
    std::ifstream in(file);
    if (!in) throw rejected("script_file: " + file + " cannot be read");
    Json script = Json::parse(in, nullptr, false);
    if (script.is_discarded()) throw rejected("script_file: " + file + " is no JSON");
    return script;
}

std::filesystem::path ledger_file(const Host& host, const Json& config)
{
    if (config.contains("ledger")) return config.at("ledger").get<std::string>();
    const std::filesystem::path dir = host.data_dir();
    return dir.empty() ? dir : dir / "ledger.jsonl";
}

// Where `word` stands in the SDK's table of such words.
template <class Enum, class Words>
Enum named(const Words& words, std::string_view word)
{
    const auto found = std::ranges::find(words, word);
    return static_cast<Enum>(found - words.begin());
}

} // namespace

std::filesystem::path plugin_directory()
{
    Dl_info here{};
    // The address of anything in a library names the file it was loaded from.
    if (::dladdr(&kVariant, &here) == 0 || here.dli_fname == nullptr) return {};
    return std::filesystem::path(here.dli_fname).parent_path();
}

Scene::Scene(Host given, const Json& config) : host(given)
{
    try {
        script = parse_script(read_script(config), kEveryCall & ~calls(Call::describe));
        price = config.value("price_usd", kVariant.paid ? "0.40" : "0.00");
        micros(price);
    } catch (const std::invalid_argument& error) {
        throw rejected(error.what()).code("bad_script").billing(Billing::not_billed);
    }
    idempotent = config.value("idempotent", false);
    const std::filesystem::path file = ledger_file(host, config);
    ledger = Ledger(file, config.value("name", plugin_directory().filename().string()));
    remotes = RemoteJobs((file.empty() ? host.data_dir() : file.parent_path()) / "remote");
    const LedgerEntries before = read_ledger(file);
    for (std::size_t i = 0; i < kCallNames.size(); ++i)
        played_[i] = count(before, kCallNames[i], ledger.provider());
}

Scene::~Scene()
{
    for (std::thread& thread : threads_)
        thread.join();
}

std::uint64_t Scene::next(Call call) { return played_[static_cast<std::size_t>(call)]++; }

void Scene::beside(std::function<void()> work)
{
    const std::lock_guard lock(mutex_);
    threads_.emplace_back(std::move(work));
}

void Scene::set_loaded(const std::string& model, bool loaded)
{
    const std::lock_guard lock(mutex_);
    if (loaded)
        loaded_.insert(model);
    else
        loaded_.erase(model);
}

Json Scene::loaded() const
{
    const std::lock_guard lock(mutex_);
    return loaded_;
}

void Scene::keep(std::string memory)
{
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::move(memory));
}

void Act::record(std::string_view event, Json fields) const
{
    if (remote) {
        fields["remote"] = remote->id;
        fields["key"] = remote->key;
    } else if (subject.contains("attempt")) {
        fields["key"] = subject["attempt"].value("idempotency_key", "");
    }
    scene.ledger.append(event, std::move(fields));
}

void Act::report(
    std::string_view stage, double value, Source source, std::uint32_t step, std::uint32_t steps)
{
    try {
        if (steps > 0 && source == Source::measured && value == static_cast<double>(step) / steps)
            job->progress(stage, step, steps);
        else
            job->progress(stage, value, source);
    } catch (const Failure& failure) {
        if (failure.status() != RG_CANCELLED) throw;
        notice_cancel();
    }
}

void Act::measured(std::string_view stage, std::uint32_t step, std::uint32_t steps)
{
    report(stage, static_cast<double>(step) / steps, Source::measured, step, steps);
}

void Act::pass(std::chrono::milliseconds time)
{
    if (job == nullptr || job->cancelled()) {
        ::poll(nullptr, 0, static_cast<int>(time.count()));
        if (job != nullptr) notice_cancel();
        return;
    }
    try {
        job->wait(time);
    } catch (const Failure& failure) {
        if (failure.status() != RG_CANCELLED) throw;
        notice_cancel();
    }
}

void Act::notice_cancel()
{
    const CancelRule rule = script.cancel.value_or(CancelRule{});
    if (notices++ == 0)
        record("cancel",
               {
                   {"how", rule.how}
        });
    if (rule.how == "impossible") return;
    if (rule.how == "late" && notices <= rule.steps) return;
    const std::string_view billing = rule.how == "lost" ? "maybe_billed" : default_billing(*this);
    Failure cancel = rule.how == "lost"
                         ? cancelled("cancelled, but the answer of the other side was lost")
                         : cancelled("cancelled as the script says");
    cancel.billing(
        named<Billing>(sdk_v1::detail::kBillings, rule.billing.value_or(std::string(billing))));
    if (rule.how != "lost") {
        cancel.compute_stopped(rule.compute_stopped.value_or(true));
        if (remote && remote->state == "running") {
            remote->state = "cancelled";
            scene.remotes.save(*remote);
        }
    } else if (rule.compute_stopped) {
        cancel.compute_stopped(*rule.compute_stopped);
    }
    throw cancel;
}

void play(Act& act, const Steps& steps)
{
    for (const Step& step : steps)
        step.kind->act(act, step.arguments);
}

Outer& outer()
{
    thread_local Outer of_this_thread;
    return of_this_thread;
}

std::string_view default_billing(const Act& act)
{
    if (act.remote && act.remote->charged) return "billed";
    return kVariant.paid ? "not_billed" : "free";
}

Failure failure_of(const Json& words)
{
    constexpr std::array<std::string_view, 6> kStatus{
        "ok", "busy", "rejected", "failed", "ambiguous", "cancelled"};
    const auto text = [&](const char* name) { return words.at(name).get<std::string>(); };
    const auto given = [&](const char* name) {
        return words.contains(name) && !words.at(name).is_null();
    };
    Failure failure{named<rg_status>(kStatus, text("status")), Category::unknown, text("text")};
    failure.category(text("category"));
    using namespace sdk_v1::detail;
    if (given("phase")) failure.phase(named<Phase>(kPhases, text("phase")));
    if (given("scope")) failure.scope(named<Scope>(kScopes, text("scope")));
    if (given("billing")) failure.billing(named<Billing>(kBillings, text("billing")));
    if (given("code")) failure.code(text("code"));
    if (given("provider_code")) failure.provider_code(text("provider_code"));
    if (given("hint")) failure.hint(text("hint"));
    if (given("upstream_excerpt")) failure.upstream_excerpt(text("upstream_excerpt"));
    if (given("retry_after_s"))
        failure.retry_after(std::chrono::seconds(words.at("retry_after_s").get<std::int64_t>()));
    if (given("compute_stopped")) failure.compute_stopped(words.at("compute_stopped").get<bool>());
    return failure;
}

} // namespace reelgate::fakes
