// The paid shape: intent, submit, acceptance, polls, and the ways in which a verdict gets lost.
#include "tests/fakes/act.hpp"
#include "tests/fakes/steps.hpp"

#include <algorithm>

namespace reelgate::fakes {
namespace {

void charge(Act& act)
{
    RemoteJob& remote = *act.remote;
    if (remote.charged) return;
    remote.charged = true;
    act.scene.remotes.save(remote);
    if (micros(remote.usd) > 0)
        act.record("charge",
                   {
                       {"usd", remote.usd}
        });
}

std::string key_of(const Act& act)
{
    return act.subject.value("/attempt/idempotency_key"_json_pointer, "");
}

void intend(Act& act, const Json&)
{
    act.job->intend({
        {"endpoint", "create"                   },
        {"provider", act.scene.ledger.provider()},
        {"key",      key_of(act)                }
    });
    act.record("intend");
}

void submit(Act& act, const Json& arguments)
{
    const std::string key = key_of(act);
    if (act.scene.idempotent) act.remote = act.scene.remotes.find_by_key(key);
    if (act.remote) return act.record("replay");
    RemoteJob remote;
    remote.key = key;
    remote.steps = arguments.at("steps").get<std::uint64_t>();
    remote.outcome = arguments.at("outcome").get<std::string>();
    remote.usd =
        arguments.at("usd").is_null() ? act.scene.price : arguments.at("usd").get<std::string>();
    remote.charge_when_done = arguments.at("charge").get<std::string>() == "when_done";
    remote.request = act.subject;
    remote.script = act.subject.value("/params/script"_json_pointer, Json());
    act.remote = act.scene.remotes.create(std::move(remote));
    act.record("submit",
               {
                   {"usd", act.remote->usd}
    });
    if (arguments.at("charge").get<std::string>() == "at_once") charge(act);
}

void accepted(Act& act, const Json&)
{
    if (!act.remote) throw failed(Category::unknown, "script: accepted without a submit before it");
    act.job->accepted({
        {"id",       act.remote->id             },
        {"provider", act.scene.ledger.provider()}
    });
    act.record("accepted");
}

void accept(Act& act, const Json& arguments)
{
    intend(act, arguments);
    submit(act, arguments);
    accepted(act, arguments);
}

void drop(Act& act, const Json& arguments)
{
    intend(act, arguments);
    if (arguments.at("arrived").get<bool>()) submit(act, arguments);
    throw ambiguous("the connection was closed after the request had left")
        .billing(Billing::maybe_billed)
        .hint("look at the account before you send it again");
}

// What the end of the remote work means for the call.
void check_outcome(const RemoteJob& remote)
{
    const Billing billing = remote.charged ? Billing::billed : Billing::not_billed;
    if (remote.state == "failed")
        throw failed(Category::provider_error, "the remote job " + remote.id + " failed")
            .phase(Phase::poll)
            .billing(billing);
    if (remote.state == "expired")
        throw failed(Category::artifact_unavailable, "the film of " + remote.id + " has expired")
            .phase(Phase::download)
            .billing(billing);
    if (remote.state == "cancelled")
        throw cancelled("the remote job " + remote.id + " was cancelled over there")
            .compute_stopped(true)
            .billing(billing);
}

void finish(Act& act)
{
    RemoteJob& remote = *act.remote;
    remote.state = remote.outcome;
    act.scene.remotes.save(remote);
    if (remote.charge_when_done) charge(act);
}

void follow(Act& act, const Json& arguments)
{
    if (!act.remote) throw failed(Category::unknown, "script: follow without a submit before it");
    RemoteJob& remote = *act.remote;
    const std::chrono::milliseconds every(arguments.at("every_ms").get<std::int64_t>());
    while (remote.state == "running" && remote.steps_done < remote.steps) {
        ++remote.steps_done;
        act.scene.remotes.save(remote);
        const double share =
            static_cast<double>(remote.steps_done) / static_cast<double>(remote.steps);
        act.report("remote", share, Source::estimated, 0, 0);
        act.pass(every);
        remote = act.scene.remotes.find(remote.id).value_or(remote); // others may have cancelled it
    }
    if (remote.state == "running") finish(act);
    check_outcome(remote);
}

// clang-format off
constexpr Argument kSubmit[] = {
    {"steps", Kind::count, "0", "polls until the work is done"},
    {"usd", Kind::usd, "", "the price; `price_usd` of the configuration if left out"},
    {"charge", Kind::word, R"("at_once")", "when the ledger is charged", "at_once|when_done|never"},
    {"outcome", Kind::word, R"("done")", "how it ends over there", "done|failed|expired"}};
constexpr Argument kDrop[] = {
    {"arrived", Kind::flag, "true", "whether the request was read, and so counts as a submit"},
    kSubmit[0], kSubmit[1], kSubmit[2], kSubmit[3]};
constexpr Argument kFollow[] = {
    {"every_ms", Kind::count, "0", "between two polls", {}, 60'000}};

constexpr StepKind kSteps[] = {
    {"intend", calls(Call::run), {}, intend, "tells the host that something that may cost money is about to leave"},
    {"submit", calls(Call::run), kSubmit, submit, "the other side has it: one `submit` in the ledger, one file under `remote/`; the old job (`replay`) if the configuration says `idempotent` and the key is known"},
    {"accepted", calls(Call::run), {}, accepted, "tells the host the remote id"},
    {"accept", calls(Call::run), kSubmit, accept, "`intend`, `submit`, `accepted`"},
    {"drop", calls(Call::run), kDrop, drop, "`intend`, `submit`, and then no verdict: RG_AMBIGUOUS"},
    {"follow", kJobCalls, kFollow, follow, "polls until the remote work ends, each poll a step of it"},
};
// clang-format on

} // namespace

std::span<const StepKind> money_steps() { return kSteps; }

} // namespace reelgate::fakes
