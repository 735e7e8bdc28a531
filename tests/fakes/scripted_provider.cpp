#include "tests/fakes/scripted_provider.hpp"

#include "tests/fakes/steps.hpp"

#include <fstream>

namespace reelgate::fakes {
namespace {

constexpr CallSet kOfRequests =
    calls(Call::run, Call::resume, Call::abandon, Call::amount); // what params.script may speak of

const Script& default_script()
{
    static const Script kDefault = parse_script(Json::parse(R"({
        "run": ["accept", "deliver"],
        "resume": ["follow", "deliver"]})"));
    return kDefault;
}

std::optional<Script> script_of_request(const Json& request)
{
    try {
        const Json given = request.value("/params/script"_json_pointer, Json());
        if (!given.is_null() && !given.empty()) return parse_script(given, kOfRequests);
        return script_in_prompt(request.value("prompt", ""));
    } catch (const ScriptError& error) {
        throw rejected(error.what()).code("bad_script").phase(Phase::validate);
    }
}

RemoteJob found(const Scene& scene, const Json& remote)
{
    const std::string id = remote.value("id", "");
    std::optional<RemoteJob> job = scene.remotes.find(id);
    if (job) return *std::move(job);
    throw failed(Category::artifact_unavailable, "there is no remote job '" + id + "'")
        .phase(Phase::poll)
        .code("no_such_remote");
}

std::string_view billing_of(const RemoteJob& remote)
{
    if (remote.charged) return "billed";
    return kVariant.paid ? "not_billed" : "free";
}

// What `abandon` answers if no step did: the truth, or what the cancel rule makes of it.
Json give_up(Act& act)
{
    const CancelRule rule = act.script.cancel.value_or(CancelRule{});
    if (rule.how == "lost")
        throw failed(Category::network_error, "the answer to the cancel was lost")
            .phase(Phase::poll)
            .billing(Billing::maybe_billed);
    RemoteJob& remote = *act.remote;
    const bool stops = remote.state == "running" && rule.how != "impossible";
    if (stops) {
        remote.state = "cancelled";
        act.scene.remotes.save(remote);
    }
    Json answer;
    answer["compute_stopped"] = rule.compute_stopped.value_or(stops);
    answer["billing"] = rule.billing.value_or(std::string(billing_of(remote)));
    return answer;
}

// What `reconcile` answers if no step did: whether the other side has it.
Json look_up(const Act& act)
{
    const auto remote = act.scene.remotes.find_by_key(act.subject.value("key", ""));
    Json answer;
    answer["found"] = remote.has_value();
    if (remote)
        answer["remote"] = {
            {"id",       remote->id                 },
            {"provider", act.scene.ledger.provider()}
        };
    return answer;
}

Json ledger_summary(const Ledger& ledger)
{
    Json sums = Json::object();
    for (const Json& entry : read_ledger(ledger.file())) {
        Json& sum = sums[entry.value("event", "")];
        sum = sum.is_null() ? 1 : sum.get<int>() + 1;
    }
    return sums;
}

Json use_tool(const Scene& scene, const Json& subject)
{
    const auto name = subject.at("tool").get<std::string>();
    const Json& arguments = subject.at("arguments");
    if (name == "ledger") return ledger_summary(scene.ledger);
    if (name == "steps")
        return {
            {"markdown", step_table_markdown()}
        };
    if (name != "check-script") throw rejected("there is no tool '" + name + "'");
    Json verdict;
    try {
        parse_script(arguments.at("script"));
        verdict["ok"] = true;
    } catch (const ScriptError& error) {
        verdict["ok"] = false;
        verdict["error"] = error.what();
    }
    return verdict;
}

// What a call answers whose script has no `answer`.
Json own_answer(Act& act)
{
    switch (act.call) {
    case Call::probe:
        return {
            {"state",  "ready"           },
            {"loaded", act.scene.loaded()}
        };
    case Call::abandon:
        return give_up(act);
    case Call::reconcile:
        return look_up(act);
    case Call::estimate:
        return {
            {"usd",   act.scene.price},
            {"basis", "list"         }
        };
    case Call::amount:
        return {
            {"usd",   act.remote->charged ? act.remote->usd : "0.00"},
            {"basis", "ledger"                                      }
        };
    case Call::loaded:
        return act.scene.loaded();
    case Call::tool:
        return use_tool(act.scene, act.subject);
    default:
        return nullptr;
    }
}

} // namespace

Scripted::Scripted(Host host, const Json& config) : scene_(host, config)
{
    perform(Call::create, Json::object());
}

// One way for every call: whose script, which list of it, the ledger, the steps, the answer.
Json Scripted::perform(Call call, Json subject, Job* job, std::optional<RemoteJob> remote)
{
    Script script = default_script();
    script.override_with(scene_.script);
    std::uint64_t n = scene_.next(call);
    const Json fields = {
        {"n", n}
    };
    const Json& request = job == nullptr && remote ? remote->request : subject;
    if ((calls(call) & kOfRequests) != 0) {
        const std::optional<Script> asked = script_of_request(request);
        // A request's script counts the attempts of its job, not those of the provider.
        if (asked && asked->sequences.contains(call))
            n = request.value("/attempt/number"_json_pointer, std::uint64_t{1}) - 1;
        if (asked) script.override_with(*asked);
    }
    Act act{scene_, script, call, job, std::move(subject), std::move(remote)};
    act.record(to_string(call), fields);
    if (const Steps* steps = script.find(call, n)) play(act, *steps);
    return act.answer.is_null() ? own_answer(act) : act.answer;
}

Json Scripted::probe() { return perform(Call::probe, Json::object()); }

void Scripted::run(Job& job) { perform(Call::run, job.request(), &job); }

void Scripted::resume(Job& job, const Json& remote)
{
    RemoteJob work = found(scene_, remote);
    Json request = job.request().contains("width") ? job.request() : work.request;
    perform(Call::resume, std::move(request), &job, std::move(work));
}

Json Scripted::abandon(const Json& remote)
{
    return perform(Call::abandon, Json::object(), nullptr, found(scene_, remote));
}

Json Scripted::find(const Json& intent) { return perform(Call::reconcile, intent); }

Json Scripted::estimate(const Json& request) { return perform(Call::estimate, request); }

Json Scripted::amount(const Json& remote)
{
    return perform(Call::amount, Json::object(), nullptr, found(scene_, remote));
}

void Scripted::load(std::string_view model)
{
    perform(Call::load,
            {
                {"model", model}
    });
    scene_.set_loaded(std::string(model), true);
}

void Scripted::unload(std::string_view model)
{
    perform(Call::unload,
            {
                {"model", model}
    });
    scene_.set_loaded(std::string(model), false);
}

Json Scripted::loaded() { return perform(Call::loaded, Json::object()); }

Json Scripted::call(std::string_view tool, const Json& arguments)
{
    Json subject;
    subject["tool"] = tool;
    subject["arguments"] = arguments;
    return perform(Call::tool, std::move(subject));
}

void Scripted::play_destroy() { perform(Call::destroy, Json::object()); }

Json described_beside(Json description)
{
    const auto file = plugin_directory() / "describe.json";
    std::ifstream in(file);
    if (!in) return description;
    const Json beside = Json::parse(in, nullptr, false);
    if (!beside.is_object())
        throw failed(Category::invalid_params, file.string() + " is no JSON object");
    Json steps;
    steps["describe"] = beside.value("steps", Json::array());
    const Script script = parse_script(steps);
    Scene nothing;
    Act act{nothing, script, Call::describe};
    play(act, *script.find(Call::describe, 0));
    description.merge_patch(beside.value("description", Json::object()));
    return description;
}

} // namespace reelgate::fakes
